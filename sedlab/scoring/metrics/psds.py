"""Polyphonic sound detection score (PSDS) of score tables against strong labels.

Computed by sed_scores_eval 0.0.4 over all thresholds (Ebbers et al., arXiv 2201.13148); the score itself is defined by
Bilen et al., arXiv 1910.08440. One process only: with several, an error in one leaves the library waiting for ever.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import ClassVar

import numpy as np

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

    @property
    def options(self) -> dict[str, float | str | None]:
        """The arguments of sed_scores_eval for a score."""
        return {**asdict(self), "unit_of_time": "hour", "num_jobs": 1}

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


def psds(counted: CountedEvents, scenario: Scenario = PSDS1) -> PsdsResult:
    """Score detections at every threshold; SedlabError when a clip with an event has no scores or no duration."""
    if not counted.present:
        empty = PsdRoc(np.empty(0), np.empty(0))
        return PsdsResult(np.nan, dict.fromkeys(counted.classes, np.nan), empty, {}, counted.missing_classes)
    scenario = scenario.among(len(counted.present))
    overall, per_class, (etpr, efpr), class_curves = sed_scores_eval().intersection_based.psds(
        None, counted.ground_truth, counted.seconds, deltas=counted.changes(scenario), **scenario.options
    )
    return PsdsResult(
        overall=float(overall),
        per_class={label: float(per_class.get(label, np.nan)) for label in counted.classes},
        curve=PsdRoc(efpr, etpr),
        class_curves={label: PsdRoc(rates, ratios) for label, (ratios, rates, _) in class_curves.items()},
        missing_classes=counted.missing_classes,
        num_clips=len(counted.clip_ids),
        num_events=len(counted.events),
    )
