"""Which metrics can be resampled, and the statistics of each."""

from __future__ import annotations

from sedlab.errors import SedlabError, nearest
from sedlab.scoring.metrics.events import CountedEvents, Threshold
from sedlab.scoring.metrics.fscores import THRESHOLD, Collar, Intersection
from sedlab.scoring.metrics.psds import PSDS1, PSDS2, Scenario
from sedlab.scoring.metrics.segments import CountedSegments
from sedlab.scoring.metrics.statistics.base import Statistics
from sedlab.scoring.metrics.statistics.fscores import fscore_statistics
from sedlab.scoring.metrics.statistics.mpauc import mpauc_statistics
from sedlab.scoring.metrics.statistics.psds import psds_statistics

Counted = CountedEvents | CountedSegments
#: What can be resampled, and what is right in it.
METRICS: dict[str, Scenario | Collar | Intersection | None] = {
    "psds1": PSDS1,
    "psds2": PSDS2,
    "collar_f1": Collar(),
    "intersection_f1": Intersection(),
    "mpauc": None,
}


def metric_statistics(metric: str, counted: Counted, threshold: Threshold = THRESHOLD) -> Statistics:
    """Return what one system's scores leave behind for resampling ``metric``; ``threshold`` is that of F1.

    SedlabError for an unknown metric, and when there is nothing to resample.
    """
    if metric not in METRICS:
        raise SedlabError(f"unknown metric {metric!r}.{nearest(metric, list(METRICS))} Known: {', '.join(METRICS)}.")
    criterion = METRICS[metric]
    if criterion is None:
        return mpauc_statistics(counted)
    if isinstance(criterion, Scenario):
        return psds_statistics(counted, criterion)
    return fscore_statistics(counted, criterion, threshold)
