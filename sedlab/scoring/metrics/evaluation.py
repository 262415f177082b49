"""Every metric of one set of scores: overall, by class, and what was left out to compute it.

Events of DESED are scored by PSDS and F1, soft one-second labels of MAESTRO by segment-based mpAUC.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from sedlab.data.corpora.maestro import parse_window_names
from sedlab.errors import SedlabError, nearest
from sedlab.labels import MAESTRO_CLASSES, MAESTRO_EVAL_CLASSES, SOFT_THRESHOLD
from sedlab.progress import Progress, no_progress
from sedlab.scoring.metrics.bootstrap import ALL, METRICS, bootstrap_intervals
from sedlab.scoring.metrics.fscores import THRESHOLD, Collar, FscoreResult, Intersection, fscores
from sedlab.scoring.metrics.mpauc import MpaucResult, segment_mpauc
from sedlab.scoring.metrics.pipsds import pipsds
from sedlab.scoring.metrics.psds import PSDS1, PSDS2, PsdsResult, psds, scored_events
from sedlab.scoring.scores.inputs import EvaluationScores, GroundTruth
from sedlab.scoring.scores.tables import ScoreTables

EVENTS, SEGMENTS = "psds", "mpauc"
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


def event_measures(
    scores: ScoreTables,
    events: pd.DataFrame,
    durations: Mapping[str, float],
    classes: Sequence[str],
    *,
    metrics: Sequence[str] = EVENT_METRICS,
    threshold: float = THRESHOLD,
    progress: Progress = no_progress,
) -> tuple[dict[str, Measure], PsdsResult]:
    """Return the event-based ``metrics`` and, for its curves, the result of PSDS1.

    Parameters and errors are those of ``psds``; ``threshold`` is that of the F1 scores without "best".
    """
    progress(0, len(metrics), "psds1")
    first = psds(scores, events, durations, classes=classes, scenario=PSDS1)
    measures = {"psds1": Measure(first.overall, first.per_class)}
    if "psds2" in metrics:
        progress(len(measures), len(metrics), "psds2")
        second = psds(scores, events, durations, classes=classes, scenario=PSDS2)
        measures["psds2"] = Measure(second.overall, second.per_class)
    if PIPSDS in metrics:
        progress(len(measures), len(metrics), PIPSDS)
        measures[PIPSDS] = Measure(*pipsds(scores, events, durations, classes=classes))
    for name, criterion in (("collar_f1", Collar()), ("intersection_f1", Intersection())):
        if {name, f"{name}_best"} & set(metrics):
            progress(len(measures), len(metrics), name)
            given, best = fscores(scores, events, classes=classes, criterion=criterion, threshold=threshold)
            measures |= {name: _of_fscore(given), f"{name}_best": _of_fscore(best)}
    return {name: measures[name] for name in metrics}, first


def segment_measures(
    scores: ScoreTables,
    clips: pd.DataFrame,
    events: pd.DataFrame,
    classes: Sequence[str] = MAESTRO_EVAL_CLASSES,
    *,
    durations: Mapping[str, float] | None = None,
) -> tuple[dict[str, Measure], MpaucResult]:
    """Return mpAUC, staircase and linear, and its result; parameters and errors are those of ``segment_mpauc``."""
    result = segment_mpauc(scores, clips, events, classes=classes, durations=durations)
    measures = {
        "mpauc": Measure(result.overall, result.per_class),
        "mpauc_linear": Measure(result.overall_linear, result.per_class_linear),
    }
    return measures, result


def with_intervals(
    measures: Mapping[str, Measure],
    scores: ScoreTables,
    events: pd.DataFrame,
    clips: pd.DataFrame,
    classes: Sequence[str],
    *,
    replicates: int,
    threshold: float = THRESHOLD,
    progress: Progress = no_progress,
) -> dict[str, Measure]:
    """Return the measures with bootstrap confidence intervals, for metrics that can be resampled.

    Parameters are those of ``bootstrap_intervals``. F1 is resampled at its default threshold only.
    """
    found = dict(measures)
    for metric, measure in measures.items():
        fixed = metric in ("collar_f1", "intersection_f1") and threshold != THRESHOLD
        if metric not in METRICS or fixed or math.isnan(measure.overall):
            continue
        result = bootstrap_intervals(
            scores, events, clips, metric, classes=classes, replicates=replicates, progress=progress
        )
        intervals = {ALL: result.overall, **result.per_class}
        found[metric] = replace(measure, intervals={label: (i.low, i.high) for label, i in intervals.items()})
    return found


def kind_of(truth: GroundTruth) -> str:
    """Return how a ground truth is scored: segments if it is soft or has classes of MAESTRO only, events otherwise."""
    return SEGMENTS if truth.soft or (truth.labels and set(truth.labels) <= set(MAESTRO_CLASSES)) else EVENTS


def scored_classes(
    scores: EvaluationScores, truth: GroundTruth, kind: str, wanted: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the classes to score.

    ``wanted``, or by default those of the ground truth; of MAESTRO's classes the 11 that count.

    Raises
    ------
    SedlabError
        When a class has no scores, with the nearest that has.
    """
    classes = tuple(wanted) or truth.labels
    if not wanted and kind == SEGMENTS and set(truth.labels) <= set(MAESTRO_CLASSES):
        classes = MAESTRO_EVAL_CLASSES
    if not classes:
        raise SedlabError(f"{truth.path}: has no events. Give the table of the clips that were scored.")
    unknown = [label for label in classes if label not in scores.classes]
    if unknown:
        raise SedlabError(
            f"{scores.path}: no scores for {len(unknown)} of {len(classes)} classes (first: {unknown[0]!r})."
            f"{nearest(unknown[0], scores.classes)} Name the classes to score with --classes."
        )
    return classes


def match_clips(
    scores: EvaluationScores, truth: GroundTruth, *, common: bool = False
) -> tuple[EvaluationScores, GroundTruth, dict[str, int]]:
    """Return scores and ground truth of the same clips, and how many were left out on each side.

    Clips that differ are an error unless ``common``. A clip without event needs no scores.

    Raises
    ------
    SedlabError
        When clips are only on one side, or no clip is on both.
    """
    listed, annotated = set(truth.clip_ids), set(truth.events["clip_id"])
    unscored = sorted((listed if truth.soft else annotated) - scores.tables.keys())
    unknown = sorted(scores.tables.keys() - listed)
    both = [clip_id for clip_id in scores.tables if clip_id in listed]
    if not both:
        raise SedlabError(
            f"{scores.path}: none of its {len(scores.tables)} clips (first: {next(iter(scores.tables), None)}) is in "
            f"{truth.path}. Give the ground truth of the clips that were scored."
        )
    if (unscored or unknown) and not common:
        sides = [
            f"{len(clips)} clips {what} (first: {clips[0]})"
            for clips, what in ((unscored, f"without scores in {scores.path}"), (unknown, "without ground truth"))
            if clips
        ]
        raise SedlabError(
            f"{truth.path}: {' and '.join(sides)}. Evaluate the {len(both)} common clips with --common-clips."
        )
    chosen = EvaluationScores({clip_id: scores.tables[clip_id] for clip_id in both}, scores.classes, scores.path)
    return chosen, truth.select(both), {"without_scores": len(unscored), "without_ground_truth": len(unknown)}


def evaluate_events(
    scores: ScoreTables,
    truth: GroundTruth,
    durations: Mapping[str, float],
    classes: Sequence[str],
    *,
    metrics: Sequence[str] = EVENT_METRICS,
    threshold: float = THRESHOLD,
    replicates: int = 0,
    progress: Progress = no_progress,
) -> Evaluation:
    """Return the event-based metrics. Clips without event of the classes are left out, as published.

    ``replicates`` resamples of the clips give confidence intervals; 0 for none.
    """
    events = truth.events[truth.events["confidence"] > SOFT_THRESHOLD]
    counted = events[events["label"].isin(list(classes))]
    joined = len(counted) - len(scored_events(events, classes))
    measures, first = event_measures(
        scores, events, durations, classes, metrics=metrics, threshold=threshold, progress=progress
    )
    if replicates:
        clips = pd.DataFrame({"clip_id": list(durations), "duration": list(durations.values())})
        measures = with_intervals(
            measures, scores, events, clips, classes, threshold=threshold, replicates=replicates, progress=progress
        )
    silent = len(truth.clip_ids) - first.num_clips
    warnings = []
    if silent:
        warnings.append(f"{silent} clips without an event of these classes are left out, as published.")
    if joined:
        warnings.append(f"{joined} events touched or overlapped another of their class and were joined with it.")
    return Evaluation(
        kind=EVENTS,
        classes=tuple(classes),
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
    replicates: int = 0,
    progress: Progress = no_progress,
) -> Evaluation:
    """Return the segment-based metrics of clips named ``<recording>-<start>-<end>`` in centiseconds.

    Parameters
    ----------
    scores : {clip id: score table}
        With every clip of ``truth``.
    durations : {name: seconds}
        Of recordings, as published; a recording that is not named ends with its last clip.
    replicates : int
        Resamples of the recordings for confidence intervals; 0 for none.
    """
    clips = recording_clips(truth)
    measures, result = segment_measures(scores, clips, truth.events, classes, durations=durations)
    if replicates:
        measures = with_intervals(
            measures, scores, truth.events, clips, classes, replicates=replicates, progress=progress
        )
    return Evaluation(
        kind=SEGMENTS,
        classes=tuple(classes),
        measures=measures,
        counts={
            "clips": len(clips),
            "recordings": clips["recording"].nunique(),
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
