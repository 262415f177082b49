"""The recordings that a command is given as files and folders, and what they are called in its output."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sedlab.data.audio_file import AUDIO_SUFFIXES
from sedlab.errors import SedlabError


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

    Where two would have one name, all are named by their paths below the folder they have in common; where only the
    suffix tells two apart, it becomes part of the stem.

    Raises
    ------
    SedlabError
        For a folder without sound files.
    """
    found: dict[Path, tuple[Path, str]] = {}
    for given in inputs:
        base = given if given.is_dir() else given.parent
        for path in _sound_files(given) if given.is_dir() else [given]:
            found.setdefault(path.resolve(), (path, _readable(path.relative_to(base))))
    filenames = [filename for _, filename in found.values()]
    if not _unique(_stems(filenames)):
        common = os.path.commonpath([path.parent for path in found])
        filenames = [_readable(path.relative_to(common)) for path in found]
    stems = _stems(filenames)
    if not _unique(stems):
        stems = [f"{stem}_{Path(name).suffix[1:]}" for stem, name in zip(stems, filenames, strict=True)]
    if not _unique(stems):
        twice = next(stem for stem in stems if stems.count(stem) > 1)
        raise SedlabError(f"{twice}: two recordings would have this name in the output. Rename one of them.")
    paths = [path for path, _ in found.values()]
    return [InputRecording(*row) for row in zip(paths, filenames, stems, strict=True)]


def _sound_files(folder: Path) -> list[Path]:
    # Names that begin with a dot are what file managers leave behind, such as the "._x.wav" of macOS.
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    if not found:
        raise SedlabError(
            f"{folder}: holds no sound files ({', '.join(AUDIO_SUFFIXES)}). Give another folder, or name the files."
        )
    return sorted(found)


def _readable(path: Path) -> str:
    # A name in another encoding than UTF-8 cannot be written into a table.
    return path.as_posix().encode("utf-8", "replace").decode("utf-8")


def _stems(filenames: Sequence[str]) -> list[str]:
    return [Path(name).with_suffix("").as_posix() for name in filenames]


def _unique(names: Sequence[str]) -> bool:
    return len(set(names)) == len(names)
