"""F1 scores of detected events: at one threshold, and at the best threshold of each class.

Two ways to say that a detection is right. Collar-based: its onset lies within 0.2 s of the event's, its offset within
0.2 s or a fifth of the event's length, whichever is more (Mesaros et al., "Metrics for polyphonic sound event
detection", Applied Sciences 2016; collars of DCASE Task 4). Intersection-based: detections and events overlap by half
(the criteria of PSDS, arXiv 1910.08440, as the DCASE Task 4 baseline uses them for F1).

The best threshold is found on the clips that are scored, so that value is what a perfect choice would reach, not what
to expect elsewhere. Computed by sed_scores_eval over all thresholds at once (arXiv 2201.13148), in one process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.scores.tables import sed_scores_eval

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
    rules = property(asdict)


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
    threshold: float = THRESHOLD,
) -> tuple[FscoreResult, FscoreResult]:
    """Return F1 at ``threshold`` and F1 at the best threshold of each class; SedlabError when a clip lacks scores."""
    classes, present = counted.classes, counted.present
    if not present:
        nothing = _result(classes, {}, {}, {}, {})
        return nothing, nothing
    library = sed_scores_eval()
    counts, _ = getattr(library, criterion.matching).accumulated_intermediate_statistics(
        None, counted.ground_truth, deltas=counted.changes(criterion), **criterion.rules
    )
    curves = library.base_modules.precision_recall
    f1, precision, recall, _ = curves.single_fscore_from_intermediate_statistics(counts, threshold)
    at_threshold = _result(classes, f1, precision, recall, dict.fromkeys(present, threshold))
    f1, precision, recall, thresholds, _ = curves.best_fscore_from_intermediate_statistics(counts)
    return at_threshold, _result(classes, f1, precision, recall, thresholds)


def _result(classes: Sequence[str], f1: dict, precision: dict, recall: dict, thresholds: dict) -> FscoreResult:
    """Return a result from the library's dictionaries, whose averages are left out."""

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
