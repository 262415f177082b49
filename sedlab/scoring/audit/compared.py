"""Two sets of scores of the same clips, side by side: what a panel or a notebook asks of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from sedlab.errors import SedlabError
from sedlab.scoring.audit.change_intervals import change_intervals
from sedlab.scoring.audit.changed_seconds import ChangedSeconds, changed_seconds, longest_stretches
from sedlab.scoring.audit.confidence import confidence_histogram
from sedlab.scoring.audit.reliability import PseudoLabelAudit
from sedlab.scoring.names import ALL
from sedlab.scoring.scores.file import ScoreFile


@dataclass(frozen=True, eq=False)
class ComparedSubset:
    """One set of clips with several sets of scores that can be compared."""

    clips: pd.DataFrame
    """`clip_id, duration` and perhaps `recording`, which intervals are drawn by"""
    scores: Mapping[str, Callable[[], ScoreFile]]
    """{name: function that reads}, in the order of menus."""
    taught: tuple[str, ...]
    """Classes that a student learns from pseudo-labels of these clips."""
    hidden: tuple[str, ...] = ()
    """Classes that the class mask hides."""
    pair: tuple[str, str] | None = None
    """Names that are compared unless others are chosen; None: the last two."""
    note: str = ""
    """What there is to know about that choice, a sentence."""
    audit: Callable[[ScoreFile], PseudoLabelAudit] | None = None
    """Compares scores with people; None: nobody labelled the clips."""
    suspects: Callable[[], pd.DataFrame] | None = None
    """The labels that all members of the ensemble contradict, as ``label_suspects``; None: there are no labels."""

    @classmethod
    def of_scores(cls, scores: Mapping[str, ScoreFile]) -> ComparedSubset:
        """Return score files of anyone's models, {name: scores}, on the clips and classes that they share."""
        first, *others = scores.values()
        known = [set(file.clip_ids) for file in others]
        clip_ids = [name for name in first.clip_ids if all(name in ids for ids in known)]
        classes = tuple(label for label in first.classes if all(label in file.classes for file in others))
        if not clip_ids or not classes:
            raise SedlabError(
                f"{', '.join(scores)}: share {len(clip_ids)} clips and {len(classes)} classes, nothing to compare. "
                "Choose scores of the same clips and classes."
            )
        seconds = float(min(file.frame_times[-1] for file in scores.values()))
        clips = pd.DataFrame({"clip_id": clip_ids, "duration": seconds})
        return cls(clips, {name: (lambda file=file: file) for name, file in scores.items()}, classes)

    def between(self, first: str, second: str, thresholds: Callable[[str], float]) -> Between:
        """Compare two of the scores; ``thresholds`` gives that of a class."""
        files = self.scores[first](), self.scores[second]()
        classes = [
            tuple(label for label in wanted if all(label in file.classes for file in files))
            for wanted in (self.taught, self.hidden)
        ]
        values = {label: thresholds(label) for label in (*classes[0], *classes[1])}
        return Between(self, (first, second), files, *classes, values)


@dataclass(frozen=True, eq=False)
class Between:
    """What became of one set of scores in another, counted when it is asked for."""

    subset: ComparedSubset
    names: tuple[str, str]
    files: tuple[ScoreFile, ScoreFile]
    taught: tuple[str, ...]
    """Those of the subset's classes that both have."""
    hidden: tuple[str, ...]
    thresholds: Mapping[str, float]
    """Of each of these classes."""

    @cached_property
    def everything(self) -> ChangedSeconds:
        """Seconds of all classes, taught and hidden."""
        classes = self.taught + self.hidden
        return changed_seconds(*self.files, self.subset.clips, classes, thresholds=self.thresholds)

    @cached_property
    def changes(self) -> ChangedSeconds:
        """Seconds of the classes that are taught."""
        return self.everything.among(self.taught)

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """Net change of each class that is taught, as ``change_intervals``."""
        return change_intervals(self.changes, recordings=self.subset.clips.get("recording"))

    @property
    def hidden_by_class(self) -> pd.DataFrame:
        """What became of each class that the mask hides."""
        return self.everything.among(self.hidden).by_class.iloc[1:]

    def clips_of(self, part: str, label: str = ALL) -> pd.DataFrame:
        """Return the clips that hold some of a part of a class, most first, with the longest stretch of each.

        Returns
        -------
        DataFrame
            clip_id, seconds, share (as ``ChangedSeconds.by_clip``), label, onset, offset (as ``longest_stretches``).
        """
        labels: Sequence[str] = self.taught if label == ALL else [label]
        rows = self.everything.among(labels).by_clip(part)
        clips = self.subset.clips.set_index("clip_id", drop=False).loc[rows["clip_id"]]
        chosen = {name: self.thresholds[name] for name in labels}
        return rows.merge(longest_stretches(*self.files, clips, labels, part, thresholds=chosen), on="clip_id")

    def histograms(self) -> dict[str, pd.DataFrame]:
        """Return how often each gives each probability, {name: as ``confidence_histogram``}."""
        both = zip(self.names, self.files, strict=True)
        return {name: confidence_histogram(file, self.taught) for name, file in both}

    def audits(self) -> dict[str, PseudoLabelAudit]:
        """Return how each compares with people, {name: audit}; empty where nobody labelled the clips."""
        if self.subset.audit is None:
            return {}
        return {name: self.subset.audit(file) for name, file in zip(self.names, self.files, strict=True)}
