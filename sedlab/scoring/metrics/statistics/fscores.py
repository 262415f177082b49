"""What each clip adds to F1 at a fixed threshold, so that the F1 of any resample of the clips is a weighted sum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sedlab.errors import SedlabError
from sedlab.scoring.metrics.events import CountedEvents, Threshold
from sedlab.scoring.metrics.fscores import THRESHOLD, Collar, Intersection
from sedlab.scoring.metrics.statistics.base import Statistics
from sedlab.scoring.metrics.statistics.psds import NO_EVENT, events_by_clip


@dataclass(frozen=True, eq=False)
class FscoreStatistics(Statistics):
    """Counts of one system, from which ``evaluate`` computes F1 at their threshold, as ``fscores`` does."""

    hits: np.ndarray
    """(clips, classes) true positives."""
    false_alarms: np.ndarray
    """(clips, classes) detections that are wrong."""
    num_events: np.ndarray
    """(clips, classes) events."""

    def evaluate(self, weights: np.ndarray) -> np.ndarray:
        weights = np.asarray(weights, dtype=np.float64)
        hits, false_alarms, num_events = (
            weights @ counts for counts in (self.hits, self.false_alarms, self.num_events)
        )
        known = num_events > 0
        f1 = np.divide(2 * hits, hits + false_alarms + num_events, out=np.full(hits.shape, np.nan), where=known)
        mean = np.where(known, f1, 0.0).sum(axis=1) / known.sum(axis=1)
        return np.column_stack((mean, f1))


def fscore_statistics(
    counted: CountedEvents, criterion: Collar | Intersection, threshold: Threshold = THRESHOLD
) -> FscoreStatistics:
    """Count hits and false alarms of each clip at ``threshold``; SedlabError when no class has an event."""
    if not counted.present:
        raise SedlabError(NO_EVENT)
    hits, false_alarms = counted.counts_at(criterion, threshold)
    return FscoreStatistics(
        units=tuple(counted.clip_ids),
        classes=counted.present,
        missing_classes=counted.missing_classes,
        hits=hits,
        false_alarms=false_alarms,
        num_events=events_by_clip(counted)["size"].to_numpy(dtype=np.float64),
    )
