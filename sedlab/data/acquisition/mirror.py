"""A folder of somebody who has the archives and clips already: found by name, used where they are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sedlab.data.acquisition.wanted import ClipSet, WantedClip, absent_clips, sets_of, wanted_clips
from sedlab.data.corpora.audioset import audio_spellings
from sedlab.data.formats.suffixes import AUDIO_SUFFIXES
from sedlab.errors import SedlabError
from sedlab.progress import Progress, no_progress


class MirrorFolder:
    """The files below a folder, by name."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise SedlabError(
                f"--mirror {folder}: no such folder. Name the folder that holds the archives, or an address."
            )
        self.folder = folder
        self._files: dict[str, str] = {}
        for where, folders, names in os.walk(folder, followlinks=False):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in names:
                self._files.setdefault(name, where)

    def find(self, name: str) -> Path | None:
        """Return the file of this name, in the folder or the first one below that has it."""
        where = self._files.get(name)
        return None if where is None else Path(where) / name

    def find_clip(self, stems: Sequence[str]) -> Path | None:
        """Return the sound file with the first of these stems that is there."""
        spelled = (self.find(stem + suffix) for stem in stems for suffix in AUDIO_SUFFIXES)
        return next(filter(None, spelled), None)


def link_clips(root: Path, corpus: str, mirror: MirrorFolder, progress: Progress = no_progress) -> dict[str, int]:
    """Link to the clips that the tables under ``root`` name, are not there, and are in the mirror; return how many.

    Each comes to the folder of its set, with the suffix it has there: a hard link, or on another disk a symbolic one.
    Of a folder that ends in ``_16k`` it comes to the twin that ends so.
    """
    linked: dict[str, int] = {}
    try:
        sets = sets_of(corpus, root)
    except SedlabError:  # no table yet
        return {}
    for clip_set in sets:
        absent = absent_clips(root, clip_set, wanted_clips(root, clip_set))
        for done, clip in enumerate(absent, 1):
            source = mirror.find_clip(_stems(clip_set, clip))
            if source is not None:
                twin = "_16k" if source.parent.name.endswith("_16k") else ""
                target = root / f"{clip_set.audio}{twin}" / f"{Path(clip.filename).stem}{source.suffix}"
                _link(source, target)
                linked[clip_set.name] = linked.get(clip_set.name, 0) + 1
            progress(done, len(absent), clip_set.name)
    return linked


def _stems(clip_set: ClipSet, clip: WantedClip) -> tuple[str, ...]:
    stem = clip.filename.removesuffix(".wav")
    if clip_set.corpus != "audioset":
        return (stem, stem.removeprefix("Y"))
    span = clip.span
    return (*audio_spellings(stem), f"Y{span.video_id}_{span.start:.3f}_{span.end:.3f}")


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        # A link that leads nowhere is there and is not.
        with suppress(FileNotFoundError):
            target.unlink()
        try:
            target.hardlink_to(source.resolve())
        except OSError:
            target.symlink_to(source.resolve())
    except OSError as error:
        raise SedlabError(
            f"{target}: cannot be linked to {source} ({error.strerror or error}). Choose another --root."
        ) from error
