"""What counts when events are scored, decided once: for a value, its interval, and every metric of events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.labels import DESED_CLASSES
from sedlab.scoring.metrics.changes import Changes, Criterion, Spans, class_changes
from sedlab.scoring.scores.tables import Arrays, ScoreTables, check_classes, check_clips, score_arrays

#: A score above it is a detection: one for all classes, or one for each.
Threshold = float | Mapping[str, float]


@dataclass(frozen=True, eq=False)
class CountedEvents:
    """Scores of one system beside the clips, classes and events that count.

    Clips without any event of the classes are left out, as in the official evaluation of DCASE Task 4. Overlapping or
    touching events of one class are joined, because a detection would match both.
    """

    scores: ScoreTables
    events: pd.DataFrame
    """clip_id, label, onset, offset (seconds); joined, sorted by them."""
    classes: tuple[str, ...]
    durations: Mapping[str, float]
    """Seconds by clip; what counts false positives by the hour needs those of every clip with an event."""
    num_joined: int = 0
    """Events that were joined with another."""
    results: dict[tuple, object] = field(default_factory=dict, init=False, repr=False)
    """What metrics remember, so that two that share a count need it once."""

    @classmethod
    def of(
        cls,
        scores: ScoreTables,
        events: pd.DataFrame,
        durations: Mapping[str, float],
        classes: Sequence[str] = DESED_CLASSES,
    ) -> CountedEvents:
        """Return what counts.

        Parameters
        ----------
        events : DataFrame
            Ground truth: clip_id, onset, offset (seconds), label. Other labels than ``classes`` do not count, nor do
            events that end where they begin.

        Raises
        ------
        SedlabError
            When a class has no score column; and later, when a clip with events has no scores or no duration.
        """
        check_classes(scores, classes)
        counted = events[events["label"].isin(list(classes)) & (events["offset"] > events["onset"])]
        joined = merge_touching(counted, ["clip_id"])
        return cls(scores, joined, tuple(classes), durations, len(counted) - len(joined))

    @cached_property
    def present(self) -> tuple[str, ...]:
        """The classes with an event; alphabetical, so that a mean has the same last digit whatever the order."""
        return tuple(sorted(set(self.events["label"])))

    @property
    def missing_classes(self) -> tuple[str, ...]:
        """Classes without event: they have no value and are left out of means."""
        return tuple(label for label in self.classes if label not in self.present)

    @cached_property
    def spans(self) -> Spans:
        """{clip id: {class: (onsets, offsets)}} of the clips that count."""
        rows: dict[str, dict[str, list[tuple[float, float]]]] = {}
        for clip_id, label, *span in self.events[["clip_id", "label", "onset", "offset"]].itertuples(index=False):
            rows.setdefault(clip_id, {}).setdefault(label, []).append(tuple(span))
        return {
            clip_id: {label: tuple(np.array(spans).T) for label, spans in by_label.items()}
            for clip_id, by_label in rows.items()
        }

    @cached_property
    def clip_ids(self) -> list[str]:
        """The clips that count."""
        return list(self.spans)

    @cached_property
    def num_events(self) -> dict[str, int]:
        """How many events each present class has."""
        return self.events["label"].value_counts().to_dict()

    @cached_property
    def event_seconds(self) -> dict[str, float]:
        """How long the events of each present class are together."""
        lengths = (self.events["offset"] - self.events["onset"]).groupby(self.events["label"])
        # One after the other, as the library adds them: pairwise sums differ in the last digit.
        return {label: float(np.cumsum(seconds.to_numpy())[-1]) for label, seconds in lengths}

    def score_arrays(self, label: str) -> Iterable[Arrays]:
        """Return the scores of one class in the clips that count, as `sedlab.scoring.scores.tables.score_arrays`.

        SedlabError when a clip has none.
        """
        return self.class_arrays((label,))

    def class_arrays(self, classes: Sequence[str]) -> Iterable[Arrays]:
        """Return the scores of some classes in the clips that count; SedlabError when a clip has none."""
        check_clips(self.scores, self.clip_ids)
        return score_arrays(self.scores, self.clip_ids, classes)

    @cached_property
    def seconds(self) -> dict[str, float]:
        """The duration of each clip that counts."""
        missing = [clip_id for clip_id in self.clip_ids if clip_id not in self.durations]
        if missing:
            raise SedlabError(
                f"no duration for {len(missing)} of {len(self.clip_ids)} clips of the ground truth "
                f"(first: {missing[0]}). Add them to the table of --durations."
            )
        return {clip_id: float(self.durations[clip_id]) for clip_id in self.clip_ids}

    def changes(self, criterion: Criterion, label: str, max_false_alarms: float = np.inf) -> Changes:
        """Return how the counts of one class change as the threshold falls, clip by clip; see `class_changes`."""
        return class_changes(
            self.score_arrays(label), label, self.spans, self._index, criterion, max_false_alarms=max_false_alarms
        )

    def counts_at(self, criterion: Criterion, threshold: Threshold) -> tuple[np.ndarray, np.ndarray]:
        """Return hits and false alarms at one threshold, (clips, present classes) each."""
        counts = np.zeros((2, len(self.clip_ids), len(self.present)))
        for k, label in enumerate(self.present):
            # Two levels only, so that the library does not count at every other threshold as well.
            level = threshold_of(threshold, label)
            decided = ((ids, times, (values > level) * 1.0) for ids, times, values in self.score_arrays(label))
            changes = class_changes(decided, label, self.spans, self._index, criterion)
            found = changes.threshold > 0
            for side, change in enumerate((changes.hits, changes.false_alarms)):
                np.add.at(counts[side, :, k], changes.clip[found], change[found])
        return counts[0], counts[1]

    @cached_property
    def _index(self) -> dict[str, int]:
        return {clip_id: index for index, clip_id in enumerate(self.clip_ids)}


def threshold_of(threshold: Threshold, label: str) -> float:
    """Return the threshold of a class."""
    return threshold[label] if isinstance(threshold, Mapping) else threshold


def merge_touching(events: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Join overlapping or touching events of one class into one.

    Parameters
    ----------
    events : DataFrame
        Columns onset, offset, label and those in ``by``.
    by : sequence of str
        Columns that name the stretch of audio an event lies in, such as the clip id.

    Returns
    -------
    DataFrame
        Columns ``by``, label, onset, offset; sorted by them.
    """
    keys = [*by, "label"]
    rows = events[[*keys, "onset", "offset"]].sort_values([*keys, "onset", "offset"], ignore_index=True)
    merged: list[list] = []
    for *key, onset, offset in rows.itertuples(index=False):
        if merged and merged[-1][: len(keys)] == key and onset <= merged[-1][-1]:
            merged[-1][-1] = max(merged[-1][-1], offset)
        else:
            merged.append([*key, onset, offset])
    return pd.DataFrame(merged, columns=[*keys, "onset", "offset"])
