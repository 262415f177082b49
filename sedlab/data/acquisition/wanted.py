"""Which clips of YouTube videos the tables under a data root name, and which of them are there."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sedlab.data.corpora.audioset import audio_spellings
from sedlab.data.corpora.layout import SUBSETS, UNLABELED_TABLE
from sedlab.data.corpora.reading import audio_names, stem
from sedlab.data.corpora.video_names import VideoSpan, video_span
from sedlab.data.formats.text import is_table
from sedlab.data.tsv import read_tsv
from sedlab.errors import SedlabError, count_of


@dataclass(frozen=True)
class ClipSet:
    """A set of clips that its makers give out as a table of names."""

    name: str
    """As in the names of the `desed` package's files."""
    corpus: str
    """desed or audioset."""
    tables: tuple[str, ...]
    """Relative to the root; those that are there are read."""
    audio: str
    """Folder of the clips as they come, relative to the root; `prepare` makes its ``_16k`` twin."""
    column: str = "filename"
    subsets: tuple[str, ...] = ()
    """What runs call its parts."""


def _of(name: str, *subsets: str, corpus: str = "desed", column: str = "filename", table: str = "") -> ClipSet:
    tables = tuple(table or SUBSETS[subset].table or "" for subset in subsets)
    return ClipSet(name, corpus, tables, SUBSETS[subsets[0]].audio.removesuffix("_16k"), column, subsets)


SETS: dict[str, ClipSet] = {
    clip_set.name: clip_set
    for clip_set in (
        _of("validation", "devtest"),
        _of("weak", "weak_train"),
        _of("strong_label_real", "strong_train"),
        _of("unlabel_in_domain", "unlabeled_train", table=UNLABELED_TABLE),
        _of("external_strong", "external_strong_train", "external_strong_eval"),
        _of("audioset_eval", "audioset_eval", corpus="audioset", column="segment_id"),
        _of("audioset_train", "audioset_train", corpus="audioset", column="segment_id"),
    )
}


@dataclass(frozen=True)
class WantedClip:
    """A clip to have."""

    filename: str
    """Under which it is kept, WAV."""
    span: VideoSpan


def sets_of(corpus: str, root: Path, names: Iterable[str] = ()) -> list[ClipSet]:
    """Return the sets of a corpus whose tables are under ``root``; those in ``names``, if any are given.

    A set is named as its makers do ("validation") or as runs do ("devtest").

    Raises
    ------
    SedlabError
        For an unknown name, and where there is no table.
    """
    known = {name: clip_set for name, clip_set in SETS.items() if clip_set.corpus == corpus}
    if not known:
        return []  # MAESTRO comes as recordings
    named = {subset: clip_set for clip_set in known.values() for subset in clip_set.subsets} | known
    for name in names:
        if name not in named:
            raise SedlabError(f"--set {name}: {corpus} has no set of this name. Known: {', '.join(known)}.")
    chosen = list(dict.fromkeys(named[name] for name in names)) or list(known.values())
    there = [clip_set for clip_set in chosen if any(is_table(root / table) for table in clip_set.tables)]
    if not there or (names and len(there) < len(chosen)):
        lacking = next(clip_set for clip_set in chosen if clip_set not in there)
        raise SedlabError(
            f"{root / lacking.tables[0]}: no such table, which names the clips of {lacking.name}. "
            f"Get it: sedlab data {corpus} download --root {root}"
        )
    return there


def wanted_clips(root: Path, clip_set: ClipSet) -> list[WantedClip]:
    """Return the clips of videos that a set's tables name, in their order.

    Warns
    -----
    UserWarning
        When a table names other clips, too, such as recordings of your own: nobody can fetch those.
    """
    wanted: dict[str, WantedClip] = {}
    for table in clip_set.tables:
        path = root / table
        if not is_table(path):
            continue
        clip_ids = stem(read_tsv(path, (clip_set.column,))[clip_set.column].drop_duplicates())
        spans = {clip_id: video_span(clip_id) for clip_id in clip_ids if clip_id}
        others = [clip_id for clip_id, span in spans.items() if span is None]
        if others:
            warnings.warn(
                f"{path}: {count_of(len(others), 'clip is', 'clips are')} not named <video id>_<start>_<end> "
                f"(first: {others[0]}), so of no video; put them into {root / clip_set.audio} by hand.",
                stacklevel=2,
            )
        for clip_id, span in spans.items():
            if span is not None:
                wanted.setdefault(clip_id, WantedClip(f"{clip_id}.wav", span))
    return list(wanted.values())


def absent_clips(root: Path, clip_set: ClipSet, clips: Iterable[WantedClip]) -> list[WantedClip]:
    """Return those that are neither in the set's folder nor in its 16 kHz twin, under any of the names in use."""
    there: set[str] = set()
    for folder in (root / clip_set.audio, root / f"{clip_set.audio}_16k"):
        if folder.is_dir():
            there |= audio_names(folder).keys()
    # Others write the same span without Y, or in whole seconds; AudioSet is kept by the video alone, too.
    spans = {video_span(name) for name in there}
    absent = [clip for clip in clips if clip.span not in spans]
    if clip_set.corpus == "audioset":
        return [clip for clip in absent if there.isdisjoint(audio_spellings(clip.filename.removesuffix(".wav")))]
    return absent
