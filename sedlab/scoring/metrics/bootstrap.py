"""How sure is a value? Confidence intervals by the bootstrap.

The clips of a test set are a sample. Drawing as many clips from it, with replacement, shows how a metric would vary
with another sample of the same kind. MAESTRO is resampled by recording, DESED by clip. What varies is the sample of
clips only: the spread over training seeds comes on top.

Intervals are percentile intervals: the quantiles (1 - confidence) / 2 and (1 + confidence) / 2 of the replicates
(Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13). Few recordings (MAESTRO) make narrow
intervals, and those of single classes are too narrow: on samples of 600 clips from a synthetic population of three
classes (benchmarks/bootstrap_coverage.py), 90 % intervals of PSDS1 held the truth, by 6,000 clips, in 90 to 92 % of the
samples, those of single classes in 70 to 89 %, as a curve passes through the best points that a sample happens to
offer.

A class that a replicate lacks has no value there. It is left out of that replicate's metric, as the metrics leave out
classes that the whole set lacks, and such replicates are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sedlab.progress import Progress, no_progress
from sedlab.scoring.metrics.events import Threshold
from sedlab.scoring.metrics.fscores import THRESHOLD
from sedlab.scoring.metrics.statistics.base import Statistics
from sedlab.scoring.metrics.statistics.choice import Counted, metric_statistics
from sedlab.scoring.names import ALL

#: Replicates computed at a time, between two reports of progress.
BATCH = 50


@dataclass(frozen=True)
class Resampling:
    """How the clips are drawn again and again."""

    replicates: int = 1000
    confidence: float = 0.95
    """Of the intervals, in (0, 1)."""
    seed: int = 0
    """The same seed gives the same resamples."""


DEFAULT = Resampling()
NO_RESAMPLING = Resampling(replicates=0)


@dataclass(frozen=True)
class Interval:
    """A value and the confidence interval around it."""

    value: float
    """On the test set itself, not the mean of the replicates."""
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class MetricIntervals:
    """A metric of one system with its uncertainty."""

    metric: str
    overall: Interval
    per_class: dict[str, Interval]
    """Of the classes that have a value."""
    num_without_positive: dict[str, int]
    """Replicates that lacked a class, by class; ``ALL``: that lacked any of them."""
    missing_classes: tuple[str, ...]
    """Classes that the whole test set lacks."""
    num_units: int
    """Clips, or recordings, that were resampled."""
    resampling: Resampling


def bootstrap_intervals(
    counted: Counted,
    metric: str = "psds1",
    *,
    threshold: Threshold = THRESHOLD,
    resampling: Resampling = DEFAULT,
    progress: Progress = no_progress,
) -> MetricIntervals:
    """Return one system's metric with confidence intervals, overall and of each class.

    Parameters
    ----------
    counted : CountedEvents, or CountedSegments for mpauc
        What counts of the system's scores.
    metric : str
        One of ``METRICS``.
    threshold : float
        For F1: a score above it is a detection.
    progress : Progress
        Counts replicates.

    Raises
    ------
    SedlabError
        Where ``metric_statistics`` or the metric does: missing scores or durations, no event.
    """
    statistics = metric_statistics(metric, counted, threshold)
    value, drawn = replicates_of([statistics], resampling, progress, metric)
    labels = (ALL, *statistics.classes)
    intervals = {
        label: percentile_interval(value[0, k], drawn[0, :, k], resampling.confidence) for k, label in enumerate(labels)
    }
    return MetricIntervals(
        metric=metric,
        overall=intervals.pop(ALL),
        per_class=intervals,
        num_without_positive=num_without_positive(labels, drawn[0]),
        missing_classes=statistics.missing_classes,
        num_units=len(statistics.units),
        resampling=resampling,
    )


def replicates_of(
    systems: Sequence[Statistics], resampling: Resampling, progress: Progress, what: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return values on the test set, (systems, 1 + classes), and on resamples, (systems, replicates, 1 + classes)."""
    num_units = len(systems[0].units)
    values = np.concatenate([system.evaluate(np.ones((1, num_units))) for system in systems])
    drawn = []
    for weights in resamples(num_units, resampling):
        drawn.append([system.evaluate(weights) for system in systems])
        progress(sum(len(rows[0]) for rows in drawn), resampling.replicates, what)
    return values, np.concatenate(drawn, axis=1)


def resamples(num_units: int, resampling: Resampling) -> Iterator[np.ndarray]:
    """Yield (up to BATCH, units): how often each unit is drawn in ``num_units`` draws with replacement."""
    rng = np.random.default_rng(resampling.seed)
    for start in range(0, resampling.replicates, BATCH):
        draws = rng.integers(num_units, size=(min(BATCH, resampling.replicates - start), num_units))
        yield np.stack([np.bincount(row, minlength=num_units) for row in draws])


def percentile_interval(value: float, replicates: np.ndarray, confidence: float) -> Interval:
    """Return the percentile interval; replicates without value do not count."""
    known = replicates[~np.isnan(replicates)]
    if not len(known):
        return Interval(float(value), np.nan, np.nan)
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(value), float(low), float(high))


def num_without_positive(labels: Sequence[str], drawn: np.ndarray) -> dict[str, int]:
    """Return in how many replicates, (replicates, 1 + classes), each class has no value; ``ALL``: any class."""
    lacking = np.isnan(drawn)
    lacking[:, 0] = lacking[:, 1:].any(axis=1)
    return {label: int(count) for label, count in zip(labels, lacking.sum(axis=0), strict=True)}
