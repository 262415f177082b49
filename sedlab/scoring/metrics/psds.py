"""Polyphonic sound detection score (PSDS) of score tables against strong labels.

Computed by sed_scores_eval 0.0.4 over all thresholds (Ebbers et al., arXiv 2201.13148); the score itself is defined by
Bilen et al., arXiv 1910.08440. One class at a time; the numbers are those of the library on all at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from sedlab.scoring.metrics.changes import Changes, OperatingPoints
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.scores.tables import sed_scores_eval

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class Scenario:
    """What counts as a hit and how errors weigh."""

    dtc_threshold: float
    """Detection tolerance: the part of a detection that must lie in ground truth of its class."""
    gtc_threshold: float
    """Ground truth intersection: the part of an event that must be covered by valid detections."""
    cttc_threshold: float | None = None
    """Cross trigger tolerance: the part of a false detection in another class that makes it a cross trigger."""
    alpha_ct: float = 0.0
    """Weight of cross triggers in the effective false positive rate."""
    alpha_st: float = 1.0
    """Weight of the standard deviation over classes that is taken off the mean true positive ratio."""
    max_efpr: float = 100.0
    """The curve is integrated up to this many effective false positives per hour."""
    matching: ClassVar[str] = "intersection_based"

    @property
    def rules(self) -> dict[str, float | None]:
        """What decides whether a detection is right, as sed_scores_eval takes it."""
        return {name: getattr(self, name) for name in ("dtc_threshold", "gtc_threshold", "cttc_threshold")}

    def among(self, num_classes: int) -> Scenario:
        """Return the scenario for so many classes: with one there is nothing to confuse it with."""
        # The library's mean over no other class would be nan.
        return self if num_classes > 1 else replace(self, alpha_ct=0.0, cttc_threshold=None)


# The two scenarios of DCASE Task 4 (2021 to 2024): reacting fast with exact boundaries, and not confusing classes.
PSDS1 = Scenario(dtc_threshold=0.7, gtc_threshold=0.7)
PSDS2 = Scenario(dtc_threshold=0.1, gtc_threshold=0.1, cttc_threshold=0.3, alpha_ct=0.5)


@dataclass(frozen=True, eq=False)
class PsdRoc:
    """A PSD-ROC curve, a staircase: the true positive ratio at a rate holds until the next rate."""

    efpr: np.ndarray
    """Effective false positives per hour, ascending."""
    etpr: np.ndarray
    """Effective true positive ratio in [0, 1]."""
    threshold: np.ndarray = field(default_factory=lambda: np.empty(0))
    """Of a class's curve: the decision threshold of each point, which a detection's score exceeds. The curve over all
    classes has none of its own: at a rate, each class stands at the threshold of its own curve there."""


@dataclass(frozen=True, eq=False)
class PsdsResult:
    """PSDS over all classes and of each class alone, with their curves."""

    overall: float
    """Nan when no class has an event."""
    per_class: dict[str, float]
    """Area under each class's own curve; nan for a class without ground-truth event."""
    curve: PsdRoc = field(repr=False)
    class_curves: dict[str, PsdRoc] = field(repr=False)
    """Of the classes that have a value; they end at their last change, before ``max_efpr``."""
    missing_classes: tuple[str, ...] = ()
    """Classes without ground-truth event: left out of ``overall``."""
    num_clips: int = 0
    """Clips scored: those with at least one event."""
    num_events: int = 0
    class_points: dict[str, OperatingPoints] = field(default_factory=dict, repr=False)
    """Of the same classes as ``class_curves``: their counts at every threshold. A curve passes through the best."""


#: The operating points of one class that make its curve: true positive ratio, effective rate, threshold.
ClassCurve = tuple[np.ndarray, np.ndarray, np.ndarray]


def psds(counted: CountedEvents, scenario: Scenario = PSDS1) -> PsdsResult:
    """Score detections at every threshold; SedlabError when a clip with an event has no scores or no duration."""
    if not counted.present:
        empty = PsdRoc(np.empty(0), np.empty(0))
        return PsdsResult(np.nan, dict.fromkeys(counted.classes, np.nan), empty, {}, counted.missing_classes)
    scenario = scenario.among(len(counted.present))
    if ("psds", scenario) not in counted.results:
        points = {label: class_points(counted, scenario, label) for label in counted.present}
        curves = {label: curve_of_points(of_class, scenario) for label, of_class in points.items()}
        result = replace(psds_of_curves(counted, curves, scenario), class_points=points)
        counted.results["psds", scenario] = result
    return counted.results["psds", scenario]


def psds_of_curves(counted: CountedEvents, curves: Mapping[str, ClassCurve], scenario: Scenario) -> PsdsResult:
    """Return the score of the curves of all classes with an event, in their order."""
    sed_scores_eval()
    from sed_scores_eval.intersection_based.psds import (
        multi_class_psd_roc_from_single_class_psd_rocs,
        psds_from_psd_roc,
    )

    max_efpr = scenario.max_efpr
    etpr, efpr = multi_class_psd_roc_from_single_class_psd_rocs(curves, scenario.alpha_st, max_efpr)
    values = {label: psds_from_psd_roc(ratios, rates, max_efpr) for label, (ratios, rates, _) in curves.items()}
    return PsdsResult(
        overall=float(psds_from_psd_roc(etpr, efpr, max_efpr)),
        per_class={label: float(values.get(label, np.nan)) for label in counted.classes},
        curve=PsdRoc(efpr, etpr),
        class_curves={label: PsdRoc(rates, ratios, levels) for label, (ratios, rates, levels) in curves.items()},
        missing_classes=counted.missing_classes,
        num_clips=len(counted.clip_ids),
        num_events=len(counted.events),
    )


def class_curve(counted: CountedEvents, scenario: Scenario, label: str) -> ClassCurve:
    """Return the curve of one class."""
    return curve_of_points(class_points(counted, scenario, label), scenario)


def class_points(counted: CountedEvents, scenario: Scenario, label: str) -> OperatingPoints:
    """Return the operating points of one class, up to the end of its curve."""
    others = [other for other in counted.present if other != label]
    seconds = {other: counted.event_seconds[other] for other in others} if scenario.alpha_ct else {}
    duration = sum(counted.seconds.values())
    changes = counted.changes(scenario, label, scenario.max_efpr * duration / SECONDS_PER_HOUR)
    return points_of_changes(changes, counted.num_events[label], duration, scenario, seconds)


def points_of_changes(
    changes: Changes, num_events: int, duration: float, scenario: Scenario, others: Mapping[str, float]
) -> OperatingPoints:
    """Return the operating points of a class from the changes of its counts.

    Parameters
    ----------
    num_events : int
        Of the class.
    duration : float
        Of all clips, seconds.
    others : {class: seconds}
        How long the events of the other classes are together, where cross triggers count.
    """
    levels, hits, false_alarms = changes.cumulated()
    rates = false_alarms / duration
    # Cross triggers only add to the rate. What lies beyond the end of the curve cannot return to it, and is most of it.
    inside = rates * SECONDS_PER_HOUR <= scenario.max_efpr
    effective = np.full(len(rates), np.inf)
    rates_inside = rates[inside]
    if scenario.alpha_ct:
        crossed = np.zeros_like(rates_inside)
        for other, seconds in others.items():
            if other in changes.cross:
                crossed += changes.cross_at(other, levels[inside]) / seconds
        rates_inside = rates_inside + scenario.alpha_ct * (crossed / len(others))
    effective[inside] = rates_inside * SECONDS_PER_HOUR
    # One point beyond the end says where it is; what is further away would only be kept.
    kept = slice(max(int(np.argmax(inside)) - 1, 0), None)
    return OperatingPoints(levels[kept], hits[kept], rates[kept] * SECONDS_PER_HOUR, effective[kept], num_events)


def curve_of_points(points: OperatingPoints, scenario: Scenario) -> ClassCurve:
    """Return the curve of a class: the best of its points at every rate."""
    sed_scores_eval()
    from sed_scores_eval.intersection_based.psds import _unique_cummax_sort

    inside = np.isfinite(points.rate)
    ratios, rates, thresholds = points.ratio[inside], points.rate[inside], points.threshold[inside]
    return _unique_cummax_sort(ratios, rates, thresholds, max_efpr=scenario.max_efpr)
