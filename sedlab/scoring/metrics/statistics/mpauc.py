"""What each recording adds to mpAUC, so that the value of any resample of the recordings is a weighted sum.

Recordings are resampled whole, because the seconds of one are alike: drawn one by one, they would pretend to be more
evidence than there is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sedlab.errors import SedlabError
from sedlab.scoring.metrics.mpauc import MAX_FPR
from sedlab.scoring.metrics.segments import CountedSegments
from sedlab.scoring.metrics.statistics.curves import CurveStatistics, staircases


@dataclass(frozen=True, eq=False)
class ClassSegments:
    """The segments of all recordings for one class, from the highest score to the lowest."""

    recording: np.ndarray
    """(segments,) index of the recording."""
    positive: np.ndarray
    """(segments,) bool: whether the class is there."""
    step_ends: np.ndarray
    """(steps,) the last segment of each distinct score."""


@dataclass(frozen=True, eq=False)
class MpaucStatistics(CurveStatistics):
    """Segments of one system, from which ``evaluate`` computes mpAUC as ``segment_mpauc`` does."""

    segments: tuple[ClassSegments, ...]

    def evaluate(self, weights: np.ndarray) -> np.ndarray:
        weights = np.asarray(weights, dtype=np.float64)
        areas = np.empty((len(weights), len(self.segments)))
        for k, segments in enumerate(self.segments):
            areas[:, k] = _partial_areas(segments, weights)
        return np.column_stack((_mean_of_known(areas), areas))

    def curves(self, weights: np.ndarray, rates: np.ndarray) -> np.ndarray:
        weights = np.asarray(weights, dtype=np.float64)
        found = np.full((len(weights), len(self.segments), len(rates)), np.nan)
        for k, segments in enumerate(self.segments):
            fpr, tpr, possible = _rates(segments, weights)
            found[possible, k] = staircases(fpr[possible], tpr[possible], rates)
        return np.concatenate((_mean_of_known(found)[:, None], found), axis=1)


def mpauc_statistics(counted: CountedSegments) -> MpaucStatistics:
    """Compute the statistics of one system's scores; SedlabError when no class has a ROC curve."""
    (values, present), classes = counted.stacked(), counted.classes
    recording = np.repeat(np.arange(len(counted.units)), [len(counted.scores[name]) for name in counted.units])
    usable = [k for k in range(len(classes)) if 0 < np.count_nonzero(present[:, k]) < len(present)]
    if not usable:
        raise SedlabError(
            "ground truth: no class is present in some seconds and absent in others, so there is nothing to resample. "
            "Check labels and clips."
        )
    return MpaucStatistics(
        units=tuple(counted.units),
        classes=tuple(classes[k] for k in usable),
        missing_classes=tuple(label for k, label in enumerate(classes) if k not in usable),
        segments=tuple(_class_segments(values[:, k], present[:, k], recording) for k in usable),
    )


def _class_segments(scores: np.ndarray, positive: np.ndarray, recording: np.ndarray) -> ClassSegments:
    falling = np.argsort(-scores, kind="stable")
    scores = scores[falling]
    step_ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    return ClassSegments(recording[falling], positive[falling], step_ends)


def _partial_areas(segments: ClassSegments, weights: np.ndarray) -> np.ndarray:
    """Return (resamples,) areas under the staircase up to MAX_FPR, divided by it; nan without a curve."""
    fpr, tpr, possible = _rates(segments, weights)
    widths = np.diff(np.minimum(fpr, MAX_FPR), axis=1, append=MAX_FPR)
    return np.where(possible, (tpr * widths).sum(axis=1) / MAX_FPR, np.nan)


def _rates(segments: ClassSegments, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the false and true positive rates, (resamples, steps) each, and which resamples have a curve."""
    drawn = weights.take(segments.recording, axis=1)
    hits = np.cumsum(drawn * segments.positive, axis=1)[:, segments.step_ends]
    false_alarms = np.cumsum(drawn * ~segments.positive, axis=1)[:, segments.step_ends]
    num_positive, num_negative = hits[:, -1:], false_alarms[:, -1:]
    possible = (num_positive > 0) & (num_negative > 0)
    fpr = np.divide(false_alarms, num_negative, out=np.zeros_like(hits), where=possible)
    tpr = np.divide(hits, num_positive, out=np.zeros_like(hits), where=possible)
    return fpr, tpr, possible[:, 0]


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """Return the mean over the second axis of what is not nan; nan where all is."""
    known = np.isfinite(values)
    count, total = known.sum(axis=1), np.where(known, values, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
