"""Every metric of one set of scores: overall, by class, and what was left out to compute it.

Events of DESED are scored by PSDS and F1, soft one-second labels of MAESTRO by segment-based mpAUC.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from sedlab.data.corpora.maestro import parse_window_names
from sedlab.errors import count_of
from sedlab.progress import Progress, no_progress
from sedlab.scoring.metrics.bootstrap import NO_RESAMPLING, Resampling, bootstrap_intervals
from sedlab.scoring.metrics.events import CountedEvents, Threshold
from sedlab.scoring.metrics.fscores import THRESHOLD, Collar, FscoreResult, Intersection, fscores
from sedlab.scoring.metrics.mpauc import MpaucResult, segment_mpauc
from sedlab.scoring.metrics.pipsds import pipsds
from sedlab.scoring.metrics.psds import PSDS1, PSDS2, PsdsResult, psds
from sedlab.scoring.metrics.segments import CountedSegments
from sedlab.scoring.metrics.statistics.choice import METRICS, Counted
from sedlab.scoring.names import ALL
from sedlab.scoring.scores.inputs import GroundTruth
from sedlab.scoring.scores.matching import EVENTS, SEGMENTS
from sedlab.scoring.scores.tables import ScoreTables


@dataclass(frozen=True, eq=False)
class Measure:
    """One metric."""

    overall: float
    per_class: dict[str, float]
    """Nan for a class that has no value; those are left out of ``overall``."""
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Bootstrap confidence interval of each class and of ``ALL``, where it was asked for."""
    thresholds: dict[str, float] = field(default_factory=dict)
    """Decision threshold of each class, for metrics that have one."""

    @classmethod
    def of(cls, result: PsdsResult | FscoreResult) -> Measure:
        """Return the numbers of a result."""
        return cls(result.overall, result.per_class, thresholds=getattr(result, "thresholds", {}))


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All metrics of one set of scores, and what they were computed on."""

    counted: Counted
    measures: dict[str, Measure]
    counts: dict[str, int]
    """Clips and events (or segments) scored, clips left out, events joined."""
    warnings: list[str]
    """What a reader of the numbers should know, a sentence each."""


#: How each metric of events is computed of what counts and the threshold of F1, in the order of a table. A metric is
#: added here, and its name in print to `sedlab.scoring.names`.
EVENT_MEASURES: dict[str, Callable[[CountedEvents, float], Measure]] = {
    "psds1": lambda counted, _: Measure.of(psds(counted, PSDS1)),
    "psds2": lambda counted, _: Measure.of(psds(counted, PSDS2)),
    "collar_f1": lambda counted, threshold: Measure.of(fscores(counted, Collar(), threshold)[0]),
    "collar_f1_best": lambda counted, threshold: Measure.of(fscores(counted, Collar(), threshold)[1]),
    "intersection_f1": lambda counted, threshold: Measure.of(fscores(counted, Intersection(), threshold)[0]),
    "intersection_f1_best": lambda counted, threshold: Measure.of(fscores(counted, Intersection(), threshold)[1]),
    "pipsds1": lambda counted, _: Measure(*pipsds(counted)),
}
#: Slow, and only made when asked for.
PIPSDS = "pipsds1"
EVENT_METRICS: tuple[str, ...] = tuple(name for name in EVENT_MEASURES if name != PIPSDS)
SEGMENT_METRICS: tuple[str, ...] = ("mpauc", "mpauc_linear")


def counted_scores(
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
    threshold: Threshold = THRESHOLD,
    progress: Progress = no_progress,
) -> dict[str, Measure]:
    """Return the event-based ``metrics``; ``threshold`` is that of the F1 scores without "best"."""
    measures = {}
    for name in metrics:
        progress(len(measures), len(metrics), name)
        measures[name] = EVENT_MEASURES[name](counted, threshold)
    return measures


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
    threshold: Threshold = THRESHOLD,
    progress: Progress = no_progress,
) -> dict[str, Measure]:
    """Return the measures with bootstrap confidence intervals, for metrics that can be resampled.

    ``threshold`` is that of the F1 scores without "best"; with ``NO_RESAMPLING`` nothing is resampled.
    """
    found = dict(measures)
    for metric, measure in measures.items():
        if not resampling.replicates or metric not in METRICS or math.isnan(measure.overall):
            continue
        result = bootstrap_intervals(counted, metric, threshold=threshold, resampling=resampling, progress=progress)
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
    threshold: Threshold = THRESHOLD,
    resampling: Resampling = NO_RESAMPLING,
    progress: Progress = no_progress,
) -> Evaluation:
    """Return the event-based metrics. Clips without event of the classes are left out, as published.

    ``resampling`` of the clips gives confidence intervals.
    """
    counted = counted_scores(scores, truth, EVENTS, durations, classes)
    measures = event_measures(counted, metrics, threshold=threshold, progress=progress)
    num_clips, joined = len(counted.clip_ids), counted.num_joined
    silent = len(truth.clip_ids) - num_clips
    warnings = []
    if silent:
        warnings.append(
            f"{count_of(silent, 'clip')} without an event of these classes {'is' if silent == 1 else 'are'} left out, "
            "as published."
        )
    if joined:
        warnings.append(
            f"{count_of(joined, 'event')} touched or overlapped another of the same class and "
            f"{'was' if joined == 1 else 'were'} joined with it."
        )
    return Evaluation(
        counted=counted,
        measures=with_intervals(measures, counted, resampling, threshold=threshold, progress=progress),
        counts={"clips": num_clips, "events": len(counted.events), "without_event": silent, "joined_events": joined},
        warnings=warnings + _missing_warning(counted.missing_classes, "event"),
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
    """Return the segment-based metrics, see ``counted_scores``; ``resampling`` of the recordings gives intervals."""
    counted = counted_scores(scores, truth, SEGMENTS, durations, classes)
    measures, result = segment_measures(counted)
    return Evaluation(
        counted=counted,
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

    SedlabError when a name is not ``<recording>-<start>-<end>`` in centiseconds.
    """
    clips = parse_window_names(pd.Series(truth.clip_ids), truth.path).rename(columns={"start": "recording_onset"})
    return clips.assign(duration=clips["end"] - clips["recording_onset"])


def _missing_warning(missing: Sequence[str], what: str) -> list[str]:
    return [f"No value for {', '.join(missing)}: no {what}. Left out of the mean."] if missing else []
