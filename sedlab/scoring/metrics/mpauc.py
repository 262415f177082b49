"""Segment-based mean partial AUROC (mpAUC) on MAESTRO Real.

A class's ROC curve runs over all one-second segments; its area up to a false positive rate of 0.1, divided by 0.1, is
averaged over 11 classes. The areas are those of sed_scores_eval 0.0.4: staircase interpolation, no McClish correction.
Later versions interpolate linearly and give other values where scores tie; that value is there beside the official one.

Soft labels count as present above 0.5. Two variants exist in the published system, which this module keeps apart:
``segment_mpauc`` for testing puts overlapping clips back into their recording, ``validation_mpauc`` scores clip by
clip.

Source: DCASE 2024 Task 4 baseline, arXiv 2406.08056; code of the CP-JKU system, arXiv 2408.00791.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.labels import MAESTRO_EVAL_CLASSES, SOFT_THRESHOLD
from sedlab.scoring.scores.tables import ScoreTables, check_classes, check_clips, score_arrays, sed_scores_eval

MAX_FPR = 0.1


@dataclass(frozen=True, eq=False)
class RocCurve:
    """A ROC curve over segments, a staircase."""

    fpr: np.ndarray
    tpr: np.ndarray


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


def segment_mpauc(
    scores: ScoreTables,
    clips: pd.DataFrame,
    events: pd.DataFrame,
    *,
    classes: Sequence[str] = MAESTRO_EVAL_CLASSES,
    durations: Mapping[str, float] | None = None,
) -> MpaucResult:
    """Score whole recordings of which ``clips`` are overlapping windows.

    The score of a second is the mean over the clips that contain it of the clip's duration-weighted mean score there; a
    second in no clip scores 0. It holds a class if any window has a confident event of it there.

    Parameters
    ----------
    scores : {clip id: score table}
    clips : DataFrame
        clip_id, recording, recording_onset (whole seconds), duration (seconds).
    events : DataFrame
        clip_id, onset, offset (seconds within the clip), label, confidence.
    classes : sequence of str
    durations : {recording: seconds}, optional
        A recording that is not named ends where its last clip does.

    Raises
    ------
    SedlabError
        When a clip has no scores or no recording, or a class no score column.
    """
    segments, truth = recording_segments(scores, clips, events, classes, durations)
    return _partial_auroc(np.concatenate(list(segments.values())), np.concatenate(list(truth.values())), classes)


def recording_segments(
    scores: ScoreTables,
    clips: pd.DataFrame,
    events: pd.DataFrame,
    classes: Sequence[str],
    durations: Mapping[str, float] | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return {recording: (seconds, classes)} twice: the score of each second, and whether it holds the class.

    Arguments and errors are those of ``segment_mpauc``.
    """
    if clips.empty or (clips["recording"] == "").any():
        raise SedlabError("mpAUC needs clips cut from recordings, and some name none. Use it on MAESTRO subsets.")
    check_classes(scores, classes)
    check_clips(scores, list(clips["clip_id"]))
    ends = (clips["recording_onset"] + clips["duration"]).groupby(clips["recording"]).max()
    known = durations or {}
    ends = {recording: max(float(end), known.get(recording, 0.0)) for recording, end in ends.items()}

    segments = overlap_add(scores, clips, ends, classes)
    confident = _confident(events, classes).merge(clips[["clip_id", "recording", "recording_onset"]], on="clip_id")
    confident["onset"] += confident["recording_onset"]
    confident["offset"] += confident["recording_onset"]
    truth = _segment_truth(confident, "recording", {name: len(rows) for name, rows in segments.items()}, classes)
    return segments, truth


def validation_mpauc(
    scores: ScoreTables, events: pd.DataFrame, *, classes: Sequence[str] = MAESTRO_EVAL_CLASSES
) -> MpaucResult:
    """Score clip by clip, as the published system does for model selection.

    Differs from ``segment_mpauc``: a segment takes the largest frame score within it, a clip ends with its last
    confident event, and clips without one are left out.

    Parameters
    ----------
    scores : {clip id: score table}
    events : DataFrame
        clip_id, onset, offset (seconds), label, confidence.
    classes : sequence of str
    """
    check_classes(scores, classes)
    confident = _confident(events, classes)
    num_segments = {
        clip_id: _num_segments(end) for clip_id, end in confident.groupby("clip_id")["offset"].max().items()
    }
    check_clips(scores, list(num_segments))
    if not num_segments:
        return _partial_auroc(np.empty((0, len(classes))), np.empty((0, len(classes)), dtype=bool), classes)
    maxima = {}
    for clip_ids, times, values in score_arrays(scores, list(num_segments), classes):
        seconds = max(num_segments[clip_id] for clip_id in clip_ids)
        largest = np.stack(
            [values[:, rows].max(axis=1, initial=0.0) for rows in _rows_of_seconds(times, seconds)], axis=1
        )
        maxima |= {clip_id: rows[: num_segments[clip_id]] for clip_id, rows in zip(clip_ids, largest, strict=True)}
    truth = _segment_truth(confident, "clip_id", num_segments, classes)
    stacked = np.concatenate([maxima[clip_id] for clip_id in num_segments])
    return _partial_auroc(stacked, np.concatenate(list(truth.values())), classes)


def overlap_add(
    scores: ScoreTables, clips: pd.DataFrame, durations: Mapping[str, float], classes: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return {recording: (seconds, classes)}: for each second the mean over the clips that contain it."""
    windows = {}
    for clip_ids, times, values in score_arrays(scores, list(clips["clip_id"]), classes):
        means = segment_weights(times, _num_segments(times[-1])) @ values
        windows |= dict(zip(clip_ids, means, strict=True))
    sums = {recording: np.zeros((_num_segments(end), len(classes))) for recording, end in durations.items()}
    counts = {recording: np.zeros((len(total), 1)) for recording, total in sums.items()}
    # In a fixed order, so that the sums do not depend on the order of the table.
    for clip in clips.sort_values(["recording", "recording_onset", "clip_id"]).itertuples():
        window = windows[clip.clip_id][: _num_segments(clip.duration)]
        inside = slice(int(clip.recording_onset), int(clip.recording_onset) + len(window))
        sums[clip.recording][inside] += window
        counts[clip.recording][inside] += 1
    return {recording: total / np.maximum(counts[recording], 1) for recording, total in sums.items()}


def segment_weights(times: np.ndarray, num_segments: int) -> np.ndarray:
    """Return (num_segments, rows): the part that each row of a score table has in the mean of each second.

    A second beyond the last row has weights 0.
    """
    starts = np.arange(num_segments)[:, None]
    overlap = np.maximum(np.minimum(times[1:], starts + 1) - np.maximum(times[:-1], starts), 0.0)
    covered = overlap.sum(axis=1, keepdims=True)
    return np.divide(overlap, covered, out=np.zeros_like(overlap), where=covered > 0)


def _rows_of_seconds(times: np.ndarray, num_segments: int) -> Iterator[slice]:
    """Yield the rows of a score table that lie at least partly in each second."""
    times = np.round(times, 6)  # a boundary at 0.9999999999 s is one at 1 s
    for second in range(num_segments):
        first = max(np.searchsorted(times, second, side="right") - 1, 0)
        yield slice(first, min(np.searchsorted(times, second + 1, side="left"), len(times) - 1))


def _segment_truth(
    events: pd.DataFrame, stretch: str, num_segments: Mapping[str, int], classes: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return {name: (seconds, classes) bool}: which classes have an event in each second of each stretch of audio."""
    truth = {name: np.zeros((count, len(classes)), dtype=bool) for name, count in num_segments.items()}
    column = {label: index for index, label in enumerate(classes)}
    for name, onset, offset, label in events[[stretch, "onset", "offset", "label"]].itertuples(index=False, name=None):
        truth[name][int(np.floor(onset)) : int(np.ceil(offset)), column[label]] = True
    return truth


def _partial_auroc(scores: np.ndarray, truth: np.ndarray, classes: Sequence[str]) -> MpaucResult:
    """Return the result for segment scores and truth, both (segments, classes)."""
    positives = truth.sum(axis=0)
    usable = [k for k in range(len(classes)) if 0 < positives[k] < len(truth)]
    per_class, linear, curves = dict.fromkeys(classes, np.nan), dict.fromkeys(classes, np.nan), {}
    if usable:
        # The library's own form of segment statistics: what lowering the threshold below each score adds.
        changes = {classes[k]: (scores[:, k], {"tps": truth[:, k].astype(int), "fps": 1 - truth[:, k]}) for k in usable}
        areas, rocs = sed_scores_eval().segment_based.auroc(
            None, None, None, deltas={"segments": changes}, segment_length=1.0, max_fpr=MAX_FPR, num_jobs=1
        )
        per_class |= {label: float(areas[label]) for label in changes}
        curves = {label: RocCurve(fpr=rocs[label][1], tpr=rocs[label][0]) for label in changes}
        linear |= {label: _linear_area(curve) for label, curve in curves.items()}
    return MpaucResult(
        overall=float(np.mean([per_class[label] for label in curves])) if curves else np.nan,
        per_class=per_class,
        overall_linear=float(np.mean([linear[label] for label in curves])) if curves else np.nan,
        per_class_linear=linear,
        curves=curves,
        missing_classes=tuple(label for label in classes if label not in curves),
        num_segments=len(truth),
    )


def _linear_area(curve: RocCurve) -> float:
    """Return the partial area under straight lines between the points of a curve, as later library versions do."""
    inside = curve.fpr <= MAX_FPR
    fpr = np.append(curve.fpr[inside], MAX_FPR)
    tpr = np.append(curve.tpr[inside], np.interp(MAX_FPR, curve.fpr, curve.tpr))
    return float(np.trapezoid(tpr, fpr) / MAX_FPR)


def _confident(events: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    keep = events["label"].isin(list(classes)) & (events["confidence"] > SOFT_THRESHOLD)
    return events[keep & (events["offset"] > events["onset"])][["clip_id", "onset", "offset", "label"]]


def _num_segments(duration: float) -> int:
    # Rounded first: 10.000000000000002 s, a sum of floats, is 10 segments.
    return int(np.ceil(round(duration, 6)))
