"""Segment-based mean partial AUROC (mpAUC) on MAESTRO Real.

A class's ROC curve runs over all one-second segments; its area up to a false positive rate of 0.1, divided by 0.1, is
averaged over 11 classes. The areas are those of sed_scores_eval 0.0.4: staircase interpolation, no McClish correction.
Later versions interpolate linearly and give other values where scores tie; that value is there beside the official one.

Two variants exist in the published system, which are kept apart: ``CountedSegments.of`` for testing puts overlapping
clips back into their recording, ``CountedSegments.of_validation`` counts clip by clip.

Source: DCASE 2024 Task 4 baseline, arXiv 2406.08056; code of the CP-JKU system, arXiv 2408.00791.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sedlab.scoring.metrics.changes import OperatingPoints
from sedlab.scoring.metrics.segments import CountedSegments
from sedlab.scoring.scores.tables import sed_scores_eval

MAX_FPR = 0.1


@dataclass(frozen=True, eq=False)
class RocCurve:
    """A ROC curve over segments, a staircase."""

    fpr: np.ndarray
    tpr: np.ndarray
    threshold: np.ndarray
    """Which the mean score of a second exceeds, at each point."""


@dataclass(frozen=True, eq=False)
class MpaucResult:
    """Mean partial AUROC, the value of each class, and the curves."""

    overall: float
    """Mean over the classes that have a value; nan when none has."""
    per_class: dict[str, float]
    """Nan for a class that is present in no segment, or in all of them."""
    overall_linear: float
    """As ``overall``, with straight lines between the points of each curve: differs where scores tie."""
    per_class_linear: dict[str, float]
    curves: dict[str, RocCurve] = field(repr=False)
    missing_classes: tuple[str, ...] = ()
    """Classes left out of ``overall``."""
    num_segments: int = 0
    class_points: dict[str, OperatingPoints] = field(default_factory=dict, repr=False)
    """Of the same classes as ``curves``: seconds found and falsely found at every threshold."""


def segment_mpauc(counted: CountedSegments) -> MpaucResult:
    """Return mpAUC of the seconds that count."""
    (scores, truth), classes = counted.stacked(), counted.classes
    positives = truth.sum(axis=0)
    usable = [k for k in range(len(classes)) if 0 < positives[k] < len(truth)]
    per_class, linear, curves = dict.fromkeys(classes, np.nan), dict.fromkeys(classes, np.nan), {}
    points: dict[str, OperatingPoints] = {}
    if usable:
        # The library's own form of segment statistics: what lowering the threshold below each score adds.
        changes = {classes[k]: (scores[:, k], {"tps": truth[:, k].astype(int), "fps": 1 - truth[:, k]}) for k in usable}
        areas, rocs = sed_scores_eval().segment_based.auroc(
            None, None, None, deltas={"segments": changes}, segment_length=1.0, max_fpr=MAX_FPR, num_jobs=1
        )
        per_class |= {label: float(areas[label]) for label in changes}
        points = {classes[k]: _points(scores[:, k], truth[:, k]) for k in usable}
        for label, (tpr, fpr, levels, *_) in ((label, rocs[label]) for label in changes):
            place = np.searchsorted(points[label].level, levels)
            curves[label] = RocCurve(fpr=fpr, tpr=tpr, threshold=points[label].threshold[place])
        linear |= {label: _linear_area(curve) for label, curve in curves.items()}
    return MpaucResult(
        overall=float(np.mean([per_class[label] for label in curves])) if curves else np.nan,
        per_class=per_class,
        overall_linear=float(np.mean([linear[label] for label in curves])) if curves else np.nan,
        per_class_linear=linear,
        curves=curves,
        missing_classes=tuple(label for label in classes if label not in curves),
        num_segments=len(truth),
        class_points=points,
    )


def _points(scores: np.ndarray, present: np.ndarray) -> OperatingPoints:
    """Return the operating points of one class: its mean score in each second, (seconds,), and whether it sounds."""
    levels, place = np.unique(scores, return_inverse=True)
    counts = (np.bincount(place, weights=chosen, minlength=len(levels)) for chosen in (present, ~present))
    hits, false_alarms = (np.append(np.cumsum(count[::-1])[::-1], 0.0) for count in counts)
    return OperatingPoints(
        level=np.append(levels, np.inf),
        hits=hits,
        # As many seconds in an hour: there are as many segments as seconds.
        false_alarms=false_alarms / len(scores) * 3600.0,
        rate=false_alarms / np.count_nonzero(~present),
        num_positive=int(np.count_nonzero(present)),
    )


def _linear_area(curve: RocCurve) -> float:
    """Return the partial area under straight lines between the points of a curve, as later library versions do."""
    inside = curve.fpr <= MAX_FPR
    fpr = np.append(curve.fpr[inside], MAX_FPR)
    tpr = np.append(curve.tpr[inside], np.interp(MAX_FPR, curve.fpr, curve.tpr))
    return float(np.trapezoid(tpr, fpr) / MAX_FPR)
