"""The recordings that a command is given as files and folders, and what they are called in its output."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sedlab.data.formats.foreign import foreign_remedy
from sedlab.data.formats.names import readable_name
from sedlab.data.formats.suffixes import AUDIO_SUFFIXES, is_audio_name
from sedlab.errors import SedlabError, SedlabWarning, count_of


@dataclass(frozen=True)
class InputRecording:
    """A sound file to analyse."""

    path: Path
    filename: str
    """Its name in tables: the file name, or the path below the folder that was given."""
    stem: str
    """Its name without suffix, unique among the recordings: what files written about it are called."""


def find_recordings(inputs: Sequence[Path]) -> list[InputRecording]:
    """Return the recordings in files and folders, each once; folders are searched to the bottom, in sorted order.

    A link is a recording of its own name, whatever it points to. Where two would have one name, all are named by their
    paths below the folder they have in common; where only the suffix tells two apart, it becomes part of the stem.

    Warns
    -----
    SedlabWarning
        For files in a folder that are left out, with their suffixes.

    Raises
    ------
    SedlabError
        For a folder without sound files.
    """
    found: dict[Path, tuple[Path, str]] = {}
    for given in inputs:
        is_folder = os.path.isdir(given)  # noqa: PTH112  (Path.is_dir raises for a name that is too long)
        base = given if is_folder else given.parent
        for path in _sound_files(given) if is_folder else [given]:
            itself = Path(os.path.realpath(path.parent), path.name)
            found.setdefault(itself, (path, readable_name(path.relative_to(base))))
    filenames = [filename for _, filename in found.values()]
    if not _unique(_stems(filenames)):
        absolute = [Path(os.path.abspath(path)) for path, _ in found.values()]  # noqa: PTH100  (links keep their names)
        common = os.path.commonpath([path.parent for path in absolute])
        filenames = [readable_name(path.relative_to(common)) for path in absolute]
    stems = _stems(filenames)
    if not _unique(stems):
        stems = [f"{stem}_{Path(name).suffix[1:]}" for stem, name in zip(stems, filenames, strict=True)]
    if not _unique(stems):
        twice = next(stem for stem in stems if stems.count(stem) > 1)
        raise SedlabError(f"{twice}: two recordings would have this name in the output. Rename one of them.")
    paths = [path for path, _ in found.values()]
    return [InputRecording(*row) for row in zip(paths, filenames, stems, strict=True)]


def _sound_files(folder: Path) -> list[Path]:
    """Return the sound files below a folder, sorted; warn of what else is there."""
    files = sorted(_files(folder))
    found = [path for path in files if is_audio_name(path.name)]
    others = [path for path in files if not is_audio_name(path.name)]
    counts = Counter(path.suffix.lower() or "without suffix" for path in others)
    kinds = ", ".join(f"{count} {suffix}" for suffix, count in counts.most_common())
    if not found:
        seen = f"only {kinds}" if others else f"such as {', '.join(AUDIO_SUFFIXES[:8])}"
        remedy = _conversion(others) or "Give another folder, or name the files."
        raise SedlabError(f"{folder}: holds no sound files, {seen}. {remedy}")
    if others:
        note = f"{folder}: left out {count_of(len(others), 'file')} of other kinds: {kinds}. {_conversion(others)}"
        warnings.warn(note.rstrip(), SedlabWarning, stacklevel=3)
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Yield the visible files below a folder; a linked folder is followed unless it was searched already."""

    def warn(error: OSError) -> None:
        warnings.warn(
            f"{error.filename}: left out, it cannot be opened ({error.strerror}).", SedlabWarning, stacklevel=2
        )

    pending, searched = [folder], set()
    while pending:
        # Names with a dot first are what file managers and version control keep for themselves.
        for here, folders, names in os.walk(pending.pop(0), onerror=warn):
            if (real := os.path.realpath(here)) in searched:
                folders.clear()
                continue
            searched.add(real)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            paths = [Path(here, name) for name in folders]
            pending += [path for path in paths if path.is_symlink()]
            yield from (Path(here, name) for name in names if not name.startswith("."))


def _conversion(paths: Sequence[Path]) -> str:
    """Return what to do with the first file that holds sound of another kind, trying one of each suffix; or ""."""
    for path in {path.suffix.lower(): path for path in reversed(paths)}.values():
        try:
            with path.open("rb") as file:
                remedy = foreign_remedy(file.read(512), path)
        except OSError:
            continue
        if "ffmpeg" in remedy:
            return f"{path.name} {remedy}"
    return ""


def _stems(filenames: Sequence[str]) -> list[str]:
    return [Path(name).with_suffix("").as_posix() for name in filenames]


def _unique(names: Sequence[str]) -> bool:
    return len(set(names)) == len(names)
