"""A corpus is two tables: one row a clip, one row an event. Everything after preparation sees only these."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sedlab.config.data import DataConfig
from sedlab.data.layout import SUBSETS, Subset, layout
from sedlab.errors import SedlabError

CLIP_COLUMNS: tuple[str, ...] = (
    "subset",
    "clip_id",
    "audio",
    "duration",
    "group",
    "split",
    "label_kind",
    "recording",
    "recording_onset",
)
EVENT_COLUMNS: tuple[str, ...] = ("subset", "clip_id", "onset", "offset", "label", "confidence")

# A corpus below this part of the published size is another corpus, not a damaged copy.
_COMPARABLE = 0.25


@dataclass(frozen=True)
class Corpus:
    """Clips and events of some subsets.

    Parameters
    ----------
    clips : DataFrame
        `CLIP_COLUMNS`: subset, clip_id (file name without extension, unique in its subset), audio (path relative to
        root), duration (s), group, split, label_kind, recording and recording_onset (s; MAESTRO windows, else "", 0).
    events : DataFrame
        `EVENT_COLUMNS`: subset, clip_id, onset, offset (s from the clip's start; NaN for weak labels), label,
        confidence (1 unless soft). Row order matters: where two events of a class meet in a frame, the later row wins.
    root : Path
        Data root.
    aliased : bool
        Whether training events were duplicated under the other corpus's name for the same sound.
    """

    clips: pd.DataFrame
    events: pd.DataFrame
    root: Path
    aliased: bool = field(default=True, kw_only=True)

    @property
    def subsets(self) -> tuple[str, ...]:
        """Names of the subsets in it, in the order of their clips."""
        return tuple(self.clips["subset"].drop_duplicates())

    def subset(self, *names: str) -> Corpus:
        """Return the clips and events of the named subsets, in corpus order.

        Raises
        ------
        SedlabError
            For a name that is no subset or that this corpus does not hold.
        """
        for name in names:
            if name not in self.subsets:
                layout(name)
                raise SedlabError(
                    f"subset {name!r}: not in the corpus under {self.root}, which holds {', '.join(self.subsets)}."
                )
        return Corpus(
            clips=self.clips[self.clips["subset"].isin(names)].reset_index(drop=True),
            events=self.events[self.events["subset"].isin(names)].reset_index(drop=True),
            root=self.root,
            aliased=self.aliased,
        )

    def select(self, *, split: str | None = None, group: str | None = None) -> Corpus:
        """Return the subsets of a split (train, val, test), of a group, or of both; may be empty."""
        clips = self.clips
        if split is not None:
            clips = clips[clips["split"] == split]
        if group is not None:
            clips = clips[clips["group"] == group]
        return self.subset(*clips["subset"].drop_duplicates())

    def __len__(self) -> int:
        return len(self.clips)


def load_corpus(root: str | Path, config: DataConfig | None = None) -> Corpus:
    """Return the clips and events of every subset found under ``root``.

    A subset is read when both its table and its audio folder exist (see ``sedlab.data.layout``); when only one does, it
    is left out with a warning. A subset whose size differs from the published one is a warning too.

    Parameters
    ----------
    config : DataConfig or None
        Splits, aliases and exclusions; None for the published ones. Its own ``root`` is not used.

    Raises
    ------
    SedlabError
        When there is no subset at all, when an audio folder holds none of a subset's clips, for wrong columns, unknown
        classes and damaged sound files.
    """
    # Here, because the readers need the tables.
    from sedlab.data.audioset import read_audioset
    from sedlab.data.desed import read_desed
    from sedlab.data.maestro import read_maestro

    root = Path(root)
    if not root.is_dir():
        raise SedlabError(f"{root}: no such data folder. Make one with `sedlab data mini prepare`, or set data.root.")
    config = config or DataConfig(root=root)
    readers = {"desed": read_desed, "maestro": read_maestro, "audioset": read_audioset}
    corpora = []
    for subset in (subset for subset in SUBSETS.values() if _is_present(root, subset)):
        corpus = readers[subset.family](root, subset, config)
        # A split may put every clip on the other side.
        if len(corpus):
            corpora.append(corpus)
            _compare_with_published(corpus, subset, config)
    if not corpora:
        raise SedlabError(
            f"{root}: no subset has both its table and its audio, for example {SUBSETS['devtest'].table} and "
            f"{SUBSETS['devtest'].audio}/. Check data.root, or make a corpus with `sedlab data mini prepare`."
        )
    return concatenate(corpora)


def concatenate(corpora: Sequence[Corpus]) -> Corpus:
    """Return one corpus with the rows of all, in order; they must share their root."""
    first = corpora[0]
    return Corpus(
        clips=pd.concat([corpus.clips for corpus in corpora], ignore_index=True),
        events=pd.concat([corpus.events for corpus in corpora], ignore_index=True),
        root=first.root,
        aliased=first.aliased,
    )


def _is_present(root: Path, subset: Subset) -> bool:
    has_audio = subset.audio_folder(root) is not None
    if subset.table is None:
        return has_audio
    has_table = (root / subset.table).is_file()
    if has_audio and not has_table and not _shares_audio(root, subset):
        warnings.warn(f"{subset.name}: {root / subset.audio} is there but not {subset.table}; left out.", stacklevel=3)
    if has_table and not has_audio:
        warnings.warn(f"{subset.name}: {root / subset.table} is there but not {subset.audio}; left out.", stacklevel=3)
    return has_table and has_audio


def _shares_audio(root: Path, subset: Subset) -> bool:
    """Say whether another subset that is there uses the same folder, so that it does not point to a missing table."""
    return any(
        other.audio == subset.audio and other.table and other.name != subset.name and (root / other.table).is_file()
        for other in SUBSETS.values()
    )


def _compare_with_published(corpus: Corpus, subset: Subset, config: DataConfig) -> None:
    expected = subset.published_count
    if expected is None or config.mini is not None or (subset.exclude and (corpus.root / subset.exclude).is_file()):
        return
    if len(corpus) != expected and len(corpus) > _COMPARABLE * expected:
        warnings.warn(
            f"{subset.name}: {len(corpus)} clips where the published set has {expected}; "
            "scores and epoch lengths will differ.",
            stacklevel=3,
        )
