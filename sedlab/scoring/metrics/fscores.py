"""F1 scores of detected events: at one threshold, and at the best threshold of each class.

Two ways to say that a detection is right. Collar-based: its onset lies within 0.2 s of the event's, its offset within
0.2 s or a fifth of the event's length, whichever is more (Mesaros et al., "Metrics for polyphonic sound event
detection", Applied Sciences 2016; collars of DCASE Task 4). Intersection-based: detections and events overlap by half
(the criteria of PSDS, arXiv 1910.08440, as the DCASE Task 4 baseline uses them for F1).

The best threshold is found on the clips that are scored, so that value is what a perfect choice would reach, not what
to expect elsewhere. Counts are those of sed_scores_eval at all thresholds (arXiv 2201.13148).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from sedlab.scoring.metrics.events import CountedEvents, Threshold, threshold_of

THRESHOLD = 0.5


@dataclass(frozen=True)
class Collar:
    """Onset and offset close to those of the event; one detection for each event."""

    onset_collar: float = 0.2
    """Seconds."""
    offset_collar: float = 0.2
    """Seconds."""
    offset_collar_rate: float = 0.2
    """Part of the event's length; the larger of the two offset collars counts."""
    matching: ClassVar[str] = "collar_based"
    rules = property(asdict)


@dataclass(frozen=True)
class Intersection:
    """Enough overlap; several detections may cover an event together."""

    dtc_threshold: float = 0.5
    """Part of a detection that must lie in events of its class."""
    gtc_threshold: float = 0.5
    """Part of an event that must be covered by valid detections."""
    matching: ClassVar[str] = "intersection_based"
    rules = property(lambda self: {**asdict(self), "cttc_threshold": None})


@dataclass(frozen=True, eq=False)
class FscoreResult:
    """F1 of each class and their mean (macro average); nan for a class without event, left out of the mean."""

    overall: float
    per_class: dict[str, float]
    precision: dict[str, float]
    recall: dict[str, float]
    thresholds: dict[str, float]
    """A score above it is a detection. Infinite where the best is to detect everything or, at F1 = 0, nothing."""


def fscores(
    counted: CountedEvents,
    criterion: Collar | Intersection = Collar(),
    threshold: Threshold = THRESHOLD,
) -> tuple[FscoreResult, FscoreResult]:
    """Return F1 at ``threshold`` and F1 at the best threshold of each class; SedlabError when a clip lacks scores."""
    key = ("f1", criterion, tuple(sorted(threshold.items())) if isinstance(threshold, Mapping) else threshold)
    if key not in counted.results:
        counted.results[key] = _fscores(counted, criterion, threshold)
    return counted.results[key]


def _fscores(
    counted: CountedEvents, criterion: Collar | Intersection, threshold: Threshold
) -> tuple[FscoreResult, FscoreResult]:
    at_threshold, best = ({}, {}, {}, {}), ({}, {}, {}, {})
    for label in counted.present:
        thresholds, hits, false_alarms = counted.changes(criterion, label).cumulated()
        precision = hits / np.maximum(hits + false_alarms, 1)
        precision[hits + false_alarms == 0] = 1.0
        recall = hits / counted.num_events[label]
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-15)
        level = threshold_of(threshold, label)
        k = np.searchsorted(thresholds, level, side="right")
        top = len(f1) - 1 - np.argmax(f1[::-1])
        # Between two scores; no score is below the lowest.
        between = (thresholds[top] + thresholds[top - 1]) / 2 if top else -np.inf
        for found, at, chosen in ((at_threshold, k, level), (best, top, between)):
            for of_class, value in zip(found, (f1[at], precision[at], recall[at], chosen), strict=True):
                of_class[label] = value
    return _result(counted.classes, *at_threshold), _result(counted.classes, *best)


def _result(classes: Sequence[str], f1: dict, precision: dict, recall: dict, thresholds: dict) -> FscoreResult:
    """Return a result from the values of the classes that have some."""

    def of_classes(values: dict) -> dict[str, float]:
        return {label: float(values.get(label, np.nan)) for label in classes}

    per_class = of_classes(f1)
    known = [value for value in per_class.values() if not np.isnan(value)]
    return FscoreResult(
        overall=float(np.mean(known)) if known else np.nan,
        per_class=per_class,
        precision=of_classes(precision),
        recall=of_classes(recall),
        thresholds=of_classes(thresholds),
    )
