"""Every metric of one set of scores: overall, by class, and what was left out to compute it.

Events of DESED are scored by PSDS and F1, soft one-second labels of MAESTRO by segment-based mpAUC.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from sedlab.data.corpora.maestro import parse_window_names
from sedlab.progress import Progress, no_progress
from sedlab.scoring.metrics.bootstrap import NO_RESAMPLING, Resampling, bootstrap_intervals
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.fscores import THRESHOLD, FscoreResult, fscores
from sedlab.scoring.metrics.mpauc import MpaucResult, segment_mpauc
from sedlab.scoring.metrics.pipsds import pipsds
from sedlab.scoring.metrics.psds import PSDS1, PSDS2, PsdsResult, psds
from sedlab.scoring.metrics.segments import CountedSegments
from sedlab.scoring.metrics.statistics.choice import METRICS, Counted
from sedlab.scoring.names import ALL
from sedlab.scoring.scores.inputs import GroundTruth
from sedlab.scoring.scores.matching import EVENTS, SEGMENTS
from sedlab.scoring.scores.tables import ScoreTables

#: What is scored of events, in the order of a table. piPSDS is slow and only made when asked for.
EVENT_METRICS: tuple[str, ...] = (
    "psds1",
    "psds2",
    "collar_f1",
    "collar_f1_best",
    "intersection_f1",
    "intersection_f1_best",
)
SEGMENT_METRICS: tuple[str, ...] = ("mpauc", "mpauc_linear")
PIPSDS = "pipsds1"


@dataclass(frozen=True, eq=False)
class Measure:
    """One metric."""

    overall: float
    per_class: dict[str, float]
    """Nan for a class that has no value; those are left out of ``overall``."""
    thresholds: dict[str, float] = field(default_factory=dict)
    """Decision threshold of each class, for metrics that have one."""
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Bootstrap confidence interval of each class and of ``ALL``, where it was asked for."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All metrics of one set of scores, and what they were computed on."""

    kind: str
    """``EVENTS`` or ``SEGMENTS``."""
    classes: tuple[str, ...]
    measures: dict[str, Measure]
    counts: dict[str, int]
    """Clips and events (or segments) scored, clips left out, events joined."""
    warnings: list[str]
    """What a reader of the numbers should know, a sentence each."""
    psds1: PsdsResult | None = None
    """With its curves; None for segments."""


def count(
    scores: ScoreTables, truth: GroundTruth, kind: str, durations: Mapping[str, float], classes: Sequence[str]
) -> Counted:
    """Return what counts of scores beside a ground truth of one ``kind``; soft labels are events above 0.5.

    Parameters
    ----------
    scores : {clip id: score table}
        For segments, with every clip of ``truth``, named ``<recording>-<start>-<end>`` in centiseconds.
    durations : {name: seconds}
        Of clips. For segments of recordings, as published; one that is not named ends with its last clip.
    """
    if kind == SEGMENTS:
        return CountedSegments.of(scores, recording_clips(truth), truth.events, classes, durations)
    return CountedEvents.of(scores, truth.active, durations, classes)


def event_measures(
    counted: CountedEvents,
    metrics: Sequence[str] = EVENT_METRICS,
    *,
    threshold: float = THRESHOLD,
    progress: Progress = no_progress,
) -> tuple[dict[str, Measure], PsdsResult]:
    """Return the event-based ``metrics`` and, for its curves, the result of PSDS1.

    ``threshold`` is that of the F1 scores without "best".
    """
    progress(0, len(metrics), "psds1")
    first = psds(counted, PSDS1)
    measures = {"psds1": Measure(first.overall, first.per_class)}
    if "psds2" in metrics:
        progress(len(measures), len(metrics), "psds2")
        second = psds(counted, PSDS2)
        measures["psds2"] = Measure(second.overall, second.per_class)
    if PIPSDS in metrics:
        progress(len(measures), len(metrics), PIPSDS)
        measures[PIPSDS] = Measure(*pipsds(counted))
    for name in ("collar_f1", "intersection_f1"):
        if {name, f"{name}_best"} & set(metrics):
            progress(len(measures), len(metrics), name)
            given, best = fscores(counted, METRICS[name], threshold)
            measures |= {name: _of_fscore(given), f"{name}_best": _of_fscore(best)}
    return {name: measures[name] for name in metrics}, first


def segment_measures(counted: CountedSegments) -> tuple[dict[str, Measure], MpaucResult]:
    """Return mpAUC, staircase and linear, and its result."""
    result = segment_mpauc(counted)
    measures = {
        "mpauc": Measure(result.overall, result.per_class),
        "mpauc_linear": Measure(result.overall_linear, result.per_class_linear),
    }
    return measures, result


def with_intervals(
    measures: Mapping[str, Measure],
    counted: Counted,
    resampling: Resampling,
    *,
    threshold: float = THRESHOLD,
    progress: Progress = no_progress,
) -> dict[str, Measure]:
    """Return the measures with bootstrap confidence intervals, for metrics that can be resampled.

    F1 is resampled at its default threshold only; with ``NO_RESAMPLING`` nothing is.
    """
    found = dict(measures)
    for metric, measure in measures.items():
        fixed = metric in ("collar_f1", "intersection_f1") and threshold != THRESHOLD
        if not resampling.replicates or metric not in METRICS or fixed or math.isnan(measure.overall):
            continue
        result = bootstrap_intervals(counted, metric, resampling=resampling, progress=progress)
        intervals = {ALL: result.overall, **result.per_class}
        found[metric] = replace(measure, intervals={label: (i.low, i.high) for label, i in intervals.items()})
    return found


def evaluate_events(
    scores: ScoreTables,
    truth: GroundTruth,
    durations: Mapping[str, float],
    classes: Sequence[str],
    *,
    metrics: Sequence[str] = EVENT_METRICS,
    threshold: float = THRESHOLD,
    resampling: Resampling = NO_RESAMPLING,
    progress: Progress = no_progress,
) -> Evaluation:
    """Return the event-based metrics. Clips without event of the classes are left out, as published.

    ``resampling`` of the clips gives confidence intervals.
    """
    counted = count(scores, truth, EVENTS, durations, classes)
    measures, first = event_measures(counted, metrics, threshold=threshold, progress=progress)
    measures = with_intervals(measures, counted, resampling, threshold=threshold, progress=progress)
    silent, joined = len(truth.clip_ids) - first.num_clips, counted.num_joined
    warnings = []
    if silent:
        warnings.append(f"{silent} clips without an event of these classes are left out, as published.")
    if joined:
        warnings.append(f"{joined} events touched or overlapped another of their class and were joined with it.")
    return Evaluation(
        kind=EVENTS,
        classes=counted.classes,
        measures=measures,
        counts={"clips": first.num_clips, "events": first.num_events, "without_event": silent, "joined_events": joined},
        warnings=warnings + _missing_warning(first.missing_classes, "event"),
        psds1=first,
    )


def evaluate_segments(
    scores: ScoreTables,
    truth: GroundTruth,
    durations: Mapping[str, float],
    classes: Sequence[str],
    *,
    resampling: Resampling = NO_RESAMPLING,
    progress: Progress = no_progress,
) -> Evaluation:
    """Return the segment-based metrics, see ``count``; ``resampling`` of the recordings gives intervals."""
    counted = count(scores, truth, SEGMENTS, durations, classes)
    measures, result = segment_measures(counted)
    return Evaluation(
        kind=SEGMENTS,
        classes=counted.classes,
        measures=with_intervals(measures, counted, resampling, progress=progress),
        counts={
            "clips": len(truth.clip_ids),
            "recordings": len(counted.units),
            "segments": result.num_segments,
        },
        warnings=_missing_warning(result.missing_classes, "positive or no negative segment"),
    )


def recording_clips(truth: GroundTruth) -> pd.DataFrame:
    """Return clip_id, recording, recording_onset, duration (seconds) as the names of MAESTRO's clips say.

    Raises
    ------
    SedlabError
        When a name is not ``<recording>-<start>-<end>`` in centiseconds.
    """
    clips = parse_window_names(pd.Series(truth.clip_ids), truth.path).rename(columns={"start": "recording_onset"})
    return clips.assign(duration=clips["end"] - clips["recording_onset"])


def _of_fscore(result: FscoreResult) -> Measure:
    return Measure(result.overall, result.per_class, result.thresholds)


def _missing_warning(missing: Sequence[str], what: str) -> list[str]:
    return [f"No value for {', '.join(missing)}: no {what}. Left out of the mean."] if missing else []
