"""What counts when events are scored, decided once: for a value, its interval, and every metric of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.labels import DESED_CLASSES
from sedlab.scoring.scores.tables import ScoreTables, check_classes, check_clips, sed_scores_eval, select_classes

#: {clip id: {class: (thresholds, by how much each count changes there as the threshold falls)}}
Changes = dict[str, dict[str, tuple[np.ndarray, dict[str, np.ndarray]]]]


class Criterion(Protocol):
    """When a detection is right: the rules of one kind of matching in sed_scores_eval."""

    matching: ClassVar[str]
    """The library's module: intersection_based or collar_based."""

    @property
    def rules(self) -> dict[str, float | None]:
        """Its arguments that decide what is right."""


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
    _changes: dict[Criterion, Changes] = field(default_factory=dict, init=False, repr=False)

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
    def ground_truth(self) -> dict[str, list[tuple[float, float, str]]]:
        """{clip id: [(onset, offset, label)]} of the clips that count, as sed_scores_eval takes it."""
        return {
            clip_id: list(rows.itertuples(index=False, name=None))
            for clip_id, rows in self.events.groupby("clip_id")[["onset", "offset", "label"]]
        }

    @property
    def clip_ids(self) -> list[str]:
        """The clips that count."""
        return list(self.ground_truth)

    @cached_property
    def tables(self) -> ScoreTables:
        """The scores that count: clips and classes with an event."""
        check_clips(self.scores, self.clip_ids)
        return select_classes(self.scores, self.clip_ids, self.present)

    @cached_property
    def seconds(self) -> dict[str, float]:
        """The duration of each clip that counts."""
        missing = [clip_id for clip_id in self.clip_ids if clip_id not in self.durations]
        if missing:
            raise SedlabError(
                f"no duration for {len(missing)} of {len(self.clip_ids)} clips of the ground truth "
                f"(first: {missing[0]}). Add them to the durations table."
            )
        return {clip_id: float(self.durations[clip_id]) for clip_id in self.clip_ids}

    def changes(self, criterion: Criterion) -> Changes:
        """Return how the counts of each clip and class change as the threshold falls; computed once a criterion."""
        if criterion not in self._changes:
            self._changes[criterion] = count_changes(self.tables, self.ground_truth, criterion)
        return self._changes[criterion]

    def counts_at(self, criterion: Criterion, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """Return hits and false alarms at one threshold, (clips, present classes) each."""
        changes = self._changes.get(criterion)
        if changes is None:
            # Two levels only, so that the library does not count at every other threshold as well.
            columns, present = ["onset", "offset"], list(self.present)
            decided = {
                clip_id: table[columns].assign(**(table[present] > threshold).astype(np.float64))
                for clip_id, table in self.tables.items()
            }
            changes, threshold = count_changes(decided, self.ground_truth, criterion), 0.0
        by_clip = [[changes[clip_id][label] for label in self.present] for clip_id in self.clip_ids]
        hits, false_alarms = (
            [[counts[kind][levels > threshold].sum() for levels, counts in row] for row in by_clip]
            for kind in ("tps", "fps")
        )
        return np.array(hits, dtype=np.float64), np.array(false_alarms, dtype=np.float64)


def count_changes(
    tables: ScoreTables, ground_truth: dict[str, list[tuple[float, float, str]]], criterion: Criterion
) -> Changes:
    """Return the changes of `CountedEvents.changes` for these tables, at least one a class.

    A class whose counts never change, because no threshold gives a hit or a false alarm, makes sed_scores_eval 0.0.4
    fail with an index out of bounds; a change by zero does not.
    """
    based = getattr(sed_scores_eval(), criterion.matching)
    changes = based.intermediate_statistics_deltas(tables, ground_truth, **criterion.rules, num_jobs=1)
    first = changes[next(iter(changes))]
    for label, (_, counts) in first.items():
        if not any(len(of_clip[label][0]) for of_clip in changes.values()):
            first[label] = (np.zeros(1), {kind: np.zeros(1) for kind in counts})
    return changes


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
