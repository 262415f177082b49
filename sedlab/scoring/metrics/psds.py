"""Polyphonic sound detection score (PSDS) of score tables against strong labels.

Computed by sed_scores_eval 0.0.4 over all thresholds (Ebbers et al., arXiv 2201.13148); the score itself is defined by
Bilen et al., arXiv 1910.08440. One process only: with several, an error in one leaves the library waiting for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.labels import DESED_CLASSES
from sedlab.scoring.scores.tables import (
    ScoreTables,
    check_classes,
    check_clips,
    merge_touching,
    never_empty,
    sed_scores_eval,
    select_classes,
)


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


def psds(
    scores: ScoreTables,
    events: pd.DataFrame,
    durations: Mapping[str, float],
    *,
    classes: Sequence[str] = DESED_CLASSES,
    scenario: Scenario = PSDS1,
) -> PsdsResult:
    """Score detections at every threshold.

    Clips without any event of ``classes`` are left out, as in the task's official evaluation. Overlapping or touching
    events of one class are joined, because an intersection with both would be ambiguous.

    Parameters
    ----------
    scores : {clip id: score table}
    events : DataFrame
        Ground truth: clip_id, onset, offset (seconds), label. Other labels than ``classes`` are ignored.
    durations : {clip id: seconds}
        Of every clip in ``events`` at least; their sum turns false positives into a rate.
    classes : sequence of str
    scenario : Scenario

    Returns
    -------
    PsdsResult
        ``overall`` is nan when no class has an event.

    Raises
    ------
    SedlabError
        When a clip of the ground truth has no scores or no duration, or a class no score column.
    """
    check_classes(scores, classes)
    events = scored_events(events, classes)
    found = set(events["label"])
    # Alphabetical, so that a mean over classes has the same last digit whatever the caller's order.
    present = sorted(found)
    missing = tuple(label for label in classes if label not in found)
    if not present:
        empty = PsdRoc(np.empty(0), np.empty(0))
        return PsdsResult(np.nan, dict.fromkeys(classes, np.nan), empty, {}, missing)

    ground_truth = event_lists(events)
    clip_ids = list(ground_truth)
    check_clips(scores, clip_ids)
    scenario = for_classes(scenario, len(present))
    overall, per_class, (etpr, efpr), class_curves = sed_scores_eval().intersection_based.psds(
        None,
        ground_truth,
        clip_durations(durations, clip_ids),
        deltas=count_changes(select_classes(scores, clip_ids, present), ground_truth, scenario),
        **asdict(scenario),
        unit_of_time="hour",
        num_jobs=1,
    )
    return PsdsResult(
        overall=float(overall),
        per_class={label: float(per_class.get(label, np.nan)) for label in classes},
        curve=PsdRoc(efpr, etpr),
        class_curves={label: PsdRoc(rates, ratios) for label, (ratios, rates, _) in class_curves.items()},
        missing_classes=missing,
        num_clips=len(clip_ids),
        num_events=len(events),
    )


def scored_events(events: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Return the events that count: those of ``classes`` that last, overlapping or touching ones of a class joined."""
    events = events[events["label"].isin(list(classes)) & (events["offset"] > events["onset"])]
    return merge_touching(events, ["clip_id"])


def event_lists(events: pd.DataFrame) -> dict[str, list[tuple[float, float, str]]]:
    """Return {clip id: [(onset, offset, label)]}, the form in which sed_scores_eval takes ground truth."""
    return {
        clip_id: list(rows.itertuples(index=False, name=None))
        for clip_id, rows in events.groupby("clip_id")[["onset", "offset", "label"]]
    }


def count_changes(
    scores: ScoreTables, ground_truth: dict[str, list[tuple[float, float, str]]], scenario: Scenario
) -> dict[str, dict[str, tuple]]:
    """Return how the counts of each clip and class change as the threshold falls, in sed_scores_eval's form."""
    criteria = {name: getattr(scenario, name) for name in ("dtc_threshold", "gtc_threshold", "cttc_threshold")}
    library = sed_scores_eval().intersection_based
    return never_empty(library.intermediate_statistics_deltas(scores, ground_truth, **criteria, num_jobs=1))


def for_classes(scenario: Scenario, num_classes: int) -> Scenario:
    # With one class there is nothing to confuse it with, and the mean over no other class would be nan.
    return scenario if num_classes > 1 else replace(scenario, alpha_ct=0.0, cttc_threshold=None)


def clip_durations(durations: Mapping[str, float], clip_ids: Sequence[str]) -> dict[str, float]:
    """Return the seconds of each of ``clip_ids``; SedlabError if one has none."""
    missing = [clip_id for clip_id in clip_ids if clip_id not in durations]
    if missing:
        raise SedlabError(
            f"no duration for {len(missing)} of {len(clip_ids)} clips of the ground truth (first: {missing[0]}). "
            "Add them to the durations table."
        )
    return {clip_id: float(durations[clip_id]) for clip_id in clip_ids}
