"""Hits and false alarms of a whole subset at every threshold, for each class and each way to say what is right.

Counts are those of `sedlab.scoring.metrics` (sed_scores_eval 0.0.4, arXiv 2201.13148) at any threshold, found for all
clips at once: which detections there are at all is known beforehand (`runs`), so nothing is counted threshold by
threshold.

Shape letters: R runs, E events, P pairs of a run and an event in the same clip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.fscores import Collar
from sedlab.scoring.metrics.psds import PSDS1, PSDS2, SECONDS_PER_HOUR, Scenario
from sedlab.scoring.postprocess.csebbs import CsebbsParams
from sedlab.scoring.thresholds.pairs import Pairs, collar_changes, intersection_changes
from sedlab.scoring.thresholds.runs import Runs, box_runs, frame_runs
from sedlab.scoring.thresholds.steps import Steps

#: When a detection counts as right: close boundaries, or enough overlap as PSDS1 or PSDS2 ask for.
CRITERIA: dict[str, Collar | Scenario] = {"collar": Collar(), "psds1": PSDS1, "psds2": PSDS2}
#: In the place of a class: all of them, at one threshold.
ALL_CLASSES = ""


@dataclass(frozen=True, eq=False)
class SubsetCounts:
    """What one system finds on the clips of a subset that count, at every threshold."""

    steps: Mapping[str, Mapping[str, Steps]]
    """{criterion: {class: counts}}"""
    hours: float
    """Of the clips that count."""
    num_clips: int

    def best(self, criterion: str = "collar") -> dict[str, tuple[float, float]]:
        """Return {class: (threshold, F1)} of the best F1, also of all classes at one threshold (mean F1 of classes).

        Classes without event, or without a hit at any threshold, are left out.
        """
        steps = self.steps[criterion]
        found = {ALL_CLASSES: best_common(list(steps.values()))} | {label: one.best() for label, one in steps.items()}
        return {label: best for label, best in found.items() if best[1] == best[1]}


def subset_counts(counted: CountedEvents, boxes: CsebbsParams | None = None) -> SubsetCounts:
    """Count the detections of the scores that are counted: runs of frames, or with ``boxes`` the event boxes.

    SedlabError when a clip with events has no scores, or no duration.
    """
    seconds = sum(counted.seconds.values())
    found = _frame_runs(counted) if boxes is None else _box_runs(counted, boxes)
    steps: dict[str, dict[str, Steps]] = {name: {} for name in CRITERIA}
    index = {clip_id: k for k, clip_id in enumerate(counted.clip_ids)}
    for label, runs in found.items():
        events = counted.events[counted.events["label"] == label]
        for name, one in _class_steps(runs, events, index).items():
            steps[name][label] = one
    return SubsetCounts(steps, seconds / SECONDS_PER_HOUR, len(counted.clip_ids))


def best_common(steps: Sequence[Steps]) -> tuple[float, float]:
    """Return the one threshold at which the mean F1 of the classes with events is best, and that mean; nan without."""
    steps = [one for one in steps if one.num_events and len(one.thresholds)]
    if not steps:
        return np.nan, np.nan
    levels = np.unique(np.concatenate([one.thresholds for one in steps]))
    # Just below each level, that is at the level before it.
    below = np.append(-np.inf, levels[:-1])
    f1 = np.mean([one.f1()[np.searchsorted(one.thresholds, below, side="right")] for one in steps], axis=0)
    top = int(len(f1) - 1 - np.argmax(f1[::-1]))
    if not f1[top]:
        return np.nan, np.nan
    lower = levels[top - 1] if top else min(0.0, levels[0])
    return float((lower + levels[top]) / 2), float(f1[top])


def _class_steps(runs: Runs, events: pd.DataFrame, index: Mapping[str, int]) -> dict[str, Steps]:
    clip = events["clip_id"].map(index).to_numpy(dtype=np.int64)
    pairs = Pairs.of(runs, clip, events["onset"].to_numpy(float), events["offset"].to_numpy(float))
    levels = np.unique(np.append(runs.below, runs.from_threshold[runs.from_threshold > -np.inf]))

    def by_level(level: np.ndarray, change: np.ndarray) -> np.ndarray:
        # No threshold falls below minus infinity.
        there = level > -np.inf
        return np.bincount(np.searchsorted(levels, level[there]), change[there], len(levels))

    # Every detection is a false alarm; what is right is taken off below.
    every = _number_at(levels, runs.below) - _number_at(levels, runs.from_threshold)
    found = {}
    for name, criterion in CRITERIA.items():
        count = collar_changes if isinstance(criterion, Collar) else intersection_changes
        level, hits, right = count(pairs, criterion)
        found[name] = Steps.of(levels, by_level(level, hits), every - by_level(level, right), len(events))
    return found


def _number_at(levels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return how many ``values``, all of them levels or minus infinity, are at each of ``levels`` (ascending)."""
    # Sorted, a search for all levels walks through memory once; it takes a tenth of the time.
    return np.diff(np.append(np.searchsorted(np.sort(values), levels), len(values)))


def _frame_runs(counted: CountedEvents) -> dict[str, Runs]:
    index = {clip_id: k for k, clip_id in enumerate(counted.clip_ids)}
    return {
        label: Runs.joined(
            [
                frame_runs(values[:, :, 0], times, np.array([index[clip_id] for clip_id in clip_ids]))
                for clip_ids, times, values in counted.score_arrays(label)
            ]
        )
        for label in counted.classes
    }


def _box_runs(counted: CountedEvents, params: CsebbsParams) -> dict[str, Runs]:
    index = {clip_id: k for k, clip_id in enumerate(counted.clip_ids)}
    parts: dict[str, list[Runs]] = {label: [] for label in counted.classes}
    for clip_ids, times, values in counted.class_arrays(counted.classes):
        clip = np.array([index[clip_id] for clip_id in clip_ids])
        boxes = params.boxes(values, counted.classes, times)
        for column, label in enumerate(counted.classes):
            parts[label].append(box_runs(boxes, len(counted.classes), column, clip))
    return {label: Runs.joined(runs) for label, runs in parts.items()}
