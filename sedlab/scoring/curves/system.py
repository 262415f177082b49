"""The curves of one system and what its counts are at any threshold: PSD-ROC of PSDS, ROC of mpAUC, in one form.

A curve over all classes has no threshold of its own: at each rate of errors, every class stands at the threshold of its
own curve there. So a point of it is a threshold for each class. What happens at any other thresholds stands at the
largest rate of a class: no class has more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from sedlab.scoring.metrics.changes import OperatingPoints
from sedlab.scoring.metrics.mpauc import MAX_FPR, MpaucResult
from sedlab.scoring.metrics.psds import PsdsResult, Scenario


@dataclass(frozen=True, eq=False)
class Curve:
    """A staircase: the part found at a rate of errors holds until the next rate."""

    rate: np.ndarray
    """(points,) ascending: effective false positives an hour, or the part of the negative seconds."""
    ratio: np.ndarray
    """(points,) part of the events, or seconds, that are found."""
    area: float
    """Under the curve, as part of the whole: the metric."""
    threshold: np.ndarray = field(default_factory=lambda: np.empty(0))
    """(points,) of a class: what a detection's score exceeds."""

    def at(self, rate: float) -> int:
        """Return the place of the point that holds at ``rate``; -1 before the first."""
        return int(np.searchsorted(self.rate, rate, side="right")) - 1


@dataclass(frozen=True)
class OperatingPoint:
    """What a system does at one threshold, or at one for each class."""

    rate: float
    """Of errors, on the curve's axis; of several classes the largest. Infinity beyond the end of the curve."""
    ratio: float
    """Part that is found; over several classes as the curve takes them together."""
    hits: int
    num_positive: int
    """Events, or seconds, that there are."""
    false_alarms: float
    """False detections, or seconds, in an hour."""
    thresholds: dict[str, float]
    """By class."""

    @property
    def threshold(self) -> float:
        """The one threshold; nan where classes have different ones."""
        distinct = set(self.thresholds.values())
        return distinct.pop() if len(distinct) == 1 else float("nan")


@dataclass(frozen=True, eq=False)
class SystemCurves:
    """The curves of one system on one set of clips."""

    max_rate: float
    """End of the axis of errors."""
    overall: Curve
    classes: dict[str, Curve]
    """Of the classes that have a value."""
    points: dict[str, OperatingPoints]
    """Of the same classes."""
    alpha_st: float = 0.0
    """Weight of the spread over classes that is taken off their mean ratio."""

    @classmethod
    def of_psds(cls, result: PsdsResult, scenario: Scenario) -> SystemCurves:
        """Return PSD-ROC curves."""
        classes = {
            label: Curve(curve.efpr, curve.etpr, result.per_class[label], curve.threshold)
            for label, curve in result.class_curves.items()
        }
        overall = Curve(result.curve.efpr, result.curve.etpr, result.overall)
        return cls(scenario.max_efpr, overall, classes, result.class_points, scenario.alpha_st)

    @classmethod
    def of_mpauc(cls, result: MpaucResult) -> SystemCurves:
        """Return ROC curves, up to the rate at which mpAUC ends."""
        classes = {}
        for label, curve in result.curves.items():
            # Of several points at one rate the last is the best.
            kept = np.flatnonzero(np.diff(curve.fpr, append=np.inf) > 0)
            kept = kept[curve.fpr[kept] <= MAX_FPR]
            area = result.per_class[label]
            classes[label] = Curve(curve.fpr[kept], curve.tpr[kept], area, curve.threshold[kept])
        rates = np.unique(np.concatenate([[0.0], *(curve.rate for curve in classes.values())]))
        ratios = [np.append(curve.ratio, 0.0)[[curve.at(rate) for rate in rates]] for curve in classes.values()]
        overall = Curve(rates, np.mean(ratios, axis=0) if ratios else np.zeros(len(rates)), result.overall)
        return cls(MAX_FPR, overall, classes, result.class_points)

    def curve(self, label: str | None) -> Curve | None:
        """Return the curve of a class, None where it has none; of all classes for ``label`` None."""
        return self.overall if label is None else self.classes.get(label)

    def thresholds_at(self, rate: float, label: str | None = None) -> dict[str, float]:
        """Return the threshold of each class, or of one, at a rate of errors: of its best point with no more.

        A class whose curve begins further right detects nothing there: its threshold is that of its surest detection.
        """
        chosen = self.classes if label is None else {label: self.classes[label]}
        return {name: float(curve.threshold[max(curve.at(rate), 0)]) for name, curve in chosen.items()}

    def point(self, thresholds: Mapping[str, float]) -> OperatingPoint:
        """Return what happens at these thresholds, of at least one class that has a curve."""
        places = {label: self.points[label].at(threshold) for label, threshold in thresholds.items()}
        found = [(self.points[label], place) for label, place in places.items()]
        ratios = np.array([points.ratio[place] for points, place in found])
        effective = max(float(ratios.mean() - self.alpha_st * ratios.std()), 0.0)
        return OperatingPoint(
            rate=float(np.max([points.rate[place] for points, place in found])),
            ratio=float(ratios[0]) if len(found) == 1 else effective,
            hits=int(sum(points.hits[place] for points, place in found)),
            num_positive=sum(points.num_positive for points, _ in found),
            false_alarms=float(sum(points.false_alarms[place] for points, place in found)),
            thresholds=dict(thresholds),
        )
