"""What each clip adds to F1 at a fixed threshold, so that the F1 of any resample of the clips is a weighted sum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sedlab.errors import SedlabError
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.fscores import THRESHOLD, Collar, Intersection
from sedlab.scoring.metrics.statistics.psds import NO_EVENT


@dataclass(frozen=True, eq=False)
class FscoreStatistics:
    """Counts of one system, from which ``evaluate`` computes F1 of any resample of the clips."""

    units: tuple[str, ...]
    """What is resampled: the clips with at least one event."""
    classes: tuple[str, ...]
    """The classes with at least one event."""
    missing_classes: tuple[str, ...]
    """Classes without event: they have no value."""
    hits: np.ndarray
    """(clips, classes) true positives."""
    false_alarms: np.ndarray
    """(clips, classes) detections that are wrong."""
    num_events: np.ndarray
    """(clips, classes) events."""

    def evaluate(self, weights: np.ndarray) -> np.ndarray:
        """Return F1 of resamples, (resamples, 1 + classes): the mean over classes, then each class alone.

        Equals ``fscores`` at the threshold on a data set in which each clip occurs as often as its weight says. A class
        without event in a resample is nan there and left out of the mean.

        Parameters
        ----------
        weights : (resamples, clips)
            How often each clip was drawn.
        """
        weights = np.asarray(weights, dtype=np.float64)
        hits, false_alarms, num_events = (
            weights @ counts for counts in (self.hits, self.false_alarms, self.num_events)
        )
        known = num_events > 0
        f1 = np.divide(2 * hits, hits + false_alarms + num_events, out=np.full(hits.shape, np.nan), where=known)
        mean = np.where(known, f1, 0.0).sum(axis=1) / known.sum(axis=1)
        return np.column_stack((mean, f1))


def fscore_statistics(
    counted: CountedEvents, criterion: Collar | Intersection, threshold: float = THRESHOLD
) -> FscoreStatistics:
    """Count hits and false alarms of each clip at ``threshold``; SedlabError when no class has an event."""
    if not counted.present:
        raise SedlabError(NO_EVENT)
    hits, false_alarms = counted.counts_at(criterion, threshold)
    num_events = counted.events.groupby(["clip_id", "label"]).size().unstack(fill_value=0)
    return FscoreStatistics(
        units=tuple(counted.clip_ids),
        classes=counted.present,
        missing_classes=counted.missing_classes,
        hits=hits,
        false_alarms=false_alarms,
        num_events=num_events.loc[counted.clip_ids, list(counted.present)].to_numpy(dtype=np.float64),
    )
