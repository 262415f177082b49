"""A corpus is two tables: one row a clip, one row an event. Everything after preparation sees only these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from sedlab.data.corpora.layout import layout
from sedlab.errors import SedlabError
from sedlab.labels import DCASE, LabelSpace

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
    space : LabelSpace
        The classes that networks trained on it tell apart, and which of them the labels of each family speak about.
    """

    clips: pd.DataFrame
    events: pd.DataFrame
    root: Path
    aliased: bool = field(default=True, kw_only=True)
    space: LabelSpace = field(default=DCASE, kw_only=True)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of its label space, in the order of a network's outputs."""
        return self.space.classes

    @property
    def subsets(self) -> tuple[str, ...]:
        """Names of the subsets in it, in the order of their clips."""
        return tuple(self.clips["subset"].drop_duplicates())

    @property
    def durations(self) -> dict[str, float]:
        """{clip id: seconds}, where clip ids are unique: in one subset."""
        return dict(zip(self.clips["clip_id"], self.clips["duration"], strict=True))

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
        return replace(
            self,
            clips=self.clips[self.clips["subset"].isin(names)].reset_index(drop=True),
            events=self.events[self.events["subset"].isin(names)].reset_index(drop=True),
        )

    def select(self, *, split: str) -> Corpus:
        """Return the subsets of a split (train, val, test); may be empty."""
        return self.subset(*self.clips.loc[self.clips["split"] == split, "subset"].drop_duplicates())

    def __len__(self) -> int:
        return len(self.clips)


def concatenate(corpora: Sequence[Corpus]) -> Corpus:
    """Return one corpus with the rows of all, in order; they must share their root and label space."""
    return replace(
        corpora[0],
        clips=pd.concat([corpus.clips for corpus in corpora], ignore_index=True),
        events=pd.concat([corpus.events for corpus in corpora], ignore_index=True),
    )
