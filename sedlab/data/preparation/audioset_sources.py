"""Where the audio of AudioSet's segments is: sound files in a folder, or rows of the published HDF5 files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sedlab.data.corpora.audioset import audio_spellings
from sedlab.data.formats.suffixes import is_audio_name
from sedlab.data.preparation.ledger import Source
from sedlab.errors import SedlabError, short

#: Where the HDF5 files are looked for, unless they are named.
HDF5_FOLDERS = ("audioset_strong/hdf", "audioset_strong")
_SUFFIXES = (".hdf", ".hdf5", ".h5")
_DATASETS = ("audio_name", "mp3")
# Names of so many clips are read at once.
_NAMES = 50_000


@dataclass(frozen=True)
class SegmentSource:
    """Where a segment's audio is: a file, or a row of an HDF5 file."""

    segment: str
    source: Source
    path: Path
    row: int | None = None
    content: bytes = b""
    """MP3 bytes, read just before they are decoded."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return str(self.path) if self.row is None else f"{self.path.name}:{self.source.name}"


def hdf5_files(root: Path) -> list[Path]:
    """Return the HDF5 files in the folders where they are looked for."""
    found = [path for name in HDF5_FOLDERS for path in sorted((root / name).glob("*")) if path.suffix in _SUFFIXES]
    return [path for path in found if path.is_file()]


def clips_by_name(folder: Path | None) -> dict[str, Path]:
    """Return the sound files in and below a folder by name without suffix; WAV where there are several of one."""
    found: dict[str, Path] = {}
    if folder is not None and not folder.is_dir():
        raise SedlabError(f"{folder}: no such folder of clips. Correct --clips.")
    for path in sorted(folder.rglob("*")) if folder is not None else ():
        if is_audio_name(path.name) and (path.stem not in found or path.suffix.lower() == ".wav"):
            found[path.stem] = path
    return found


def located(wanted: Sequence[str], folder_clips: Mapping[str, Path], files: Sequence[Path]) -> list[SegmentSource]:
    """Return where the audio of segments is, those of HDF5 files in the order of their rows."""
    found: dict[str, SegmentSource] = {}
    missing: dict[str, str] = {}
    for segment in wanted:
        if name := first_of((*audio_spellings(segment), *_as_of_desed(segment)), folder_clips):
            path = folder_clips[name]
            state = path.stat()
            found[segment] = SegmentSource(segment, Source(segment, state.st_size, state.st_mtime_ns), path)
        else:
            missing |= dict.fromkeys(audio_spellings(segment), segment)
    for path in files if missing else ():
        size = path.stat().st_size
        for row, name in _names_in(path):
            segment = missing.get(os.path.splitext(name.rsplit("/", 1)[-1])[0])  # noqa: PTH122 (two million of them)
            if segment is not None and segment not in found:
                # These files are published once and never change; a copy of one has another time.
                found[segment] = SegmentSource(segment, Source(segment, size, 0), path, row)
    return list(found.values())


def with_content(clips: Sequence[SegmentSource]) -> Iterator[SegmentSource]:
    """Yield clips with their MP3 bytes, each read when it is asked for: in this thread, as HDF5 has one lock."""
    file, opened = None, None
    try:
        for clip in clips:
            if clip.row is None:
                yield clip
                continue
            if opened != clip.path:
                if file is not None:
                    file.close()
                file, opened = _opened(clip.path), clip.path
            try:
                content = bytes(file["mp3"][clip.row])
            except (OSError, TypeError, ValueError):  # a damaged chunk; what cannot be decoded is told later
                content = b""
            yield replace(clip, content=content)
    finally:
        if file is not None:
            file.close()


def first_of(names: Sequence[str], present: Mapping[str, Any]) -> str | None:
    """Return the first of some names that is there."""
    return next((name for name in names if name in present), None)


def _as_of_desed(segment: str) -> tuple[str, ...]:
    """Return the name a segment would have as a clip of DESED: with onset and offset in seconds."""
    video, _, start = segment.rpartition("_")
    return (f"Y{video}_{int(start) / 1000:.3f}_{int(start) / 1000 + 10:.3f}",) if start.isdecimal() else ()


def _names_in(path: Path) -> Iterator[tuple[int, str]]:
    """Yield row and name of the clips of an HDF5 file."""
    with _opened(path) as file:
        names = file["audio_name"]
        for start in range(0, len(names), _NAMES):
            for row, name in enumerate(names[start : start + _NAMES], start):
                yield row, name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _opened(path: Path) -> Any:
    """Return an open HDF5 file of MP3 bytes."""
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise SedlabError(f"{path}: not a readable HDF5 file ({short(str(error))}). Download it again.") from None
    if lacking := [name for name in _DATASETS if name not in file]:
        found = ", ".join(file) or "nothing"
        file.close()
        raise SedlabError(
            f"{path}: no dataset {lacking[0]!r}; found {found}. Give the files of MP3 bytes, such as "
            "balanced_train_segments_mp3.hdf."
        )
    return file
