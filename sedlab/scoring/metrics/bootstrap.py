"""Is a difference between two systems real? Confidence intervals by the paired bootstrap.

The clips of a test set are a sample. Drawing as many clips from it, with replacement, shows how a metric would vary
with another sample of the same kind. Both systems are scored on the same draws, so what makes a clip hard for both
cancels in their difference, which is therefore known better than either value.

Intervals are percentile intervals: the quantiles (1 - confidence) / 2 and (1 + confidence) / 2 of the replicates
(Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13). MAESTRO is resampled by recording, DESED by
clip. What varies is the sample of clips only: the spread over training seeds comes on top.

How far to trust them was measured on samples of 600 clips from a synthetic population of three classes
(benchmarks/bootstrap_coverage.py): 90 % intervals of PSDS1 held the truth, by 6,000 clips, in 90 % of the samples for
the difference of two systems and in 90 to 92 % for each alone. Intervals of single classes are too narrow: 82 to 90 %
for differences, 70 to 89 % for one system, as a curve passes through the best points that a sample happens to offer;
in a difference most of this cancels. Few recordings (MAESTRO) make narrow intervals too.

A class that a replicate lacks has no value there. It is left out of that replicate's metric, as the metrics leave out
classes that the whole set lacks, and such replicates are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError, nearest
from sedlab.labels import DESED_CLASSES, MAESTRO_EVAL_CLASSES
from sedlab.progress import Progress
from sedlab.scoring.metrics.fscore_statistics import fscore_statistics
from sedlab.scoring.metrics.fscores import THRESHOLD, Collar, Intersection
from sedlab.scoring.metrics.mpauc_statistics import mpauc_statistics
from sedlab.scoring.metrics.psds import PSDS1, PSDS2, Scenario
from sedlab.scoring.metrics.psds_statistics import psds_statistics
from sedlab.scoring.scores.tables import ScoreTables

ALL = "all"
#: Replicates computed at a time, between two reports of progress.
BATCH = 50
#: Larger than the error of a value in double precision, smaller than any difference that a clip can make.
ROUNDING = 1e-12


class Statistics(Protocol):
    """What one system's scores leave behind for resampling: counts by clip or recording."""

    units: tuple[str, ...]
    classes: tuple[str, ...]
    missing_classes: tuple[str, ...]

    def evaluate(self, weights: np.ndarray) -> np.ndarray:
        """Return (resamples, 1 + classes) values for weights (resamples, units); nan where a class is not there."""
        ...


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
    replicates: int
    confidence: float
    seed: int


@dataclass(frozen=True)
class Difference:
    """One metric, overall or of a class, of two systems and their difference B - A."""

    metric: str
    label: str
    """A class, or ``ALL``."""
    a: Interval
    b: Interval
    difference: Interval
    p: float
    """See ``sign_level``."""
    num_without_positive: int
    """Replicates that lacked the class (``ALL``: any class)."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Every difference between two systems."""

    differences: tuple[Difference, ...]
    num_units: dict[str, int]
    """By metric: clips, or recordings, that were resampled."""
    missing_classes: dict[str, tuple[str, ...]]
    """By metric: classes that the whole test set lacks."""
    replicates: int
    confidence: float
    seed: int

    def table(self) -> pd.DataFrame:
        """Return one row a difference.

        Columns: metric, label, a, a_low, a_high, b, b_low, b_high, difference (b - a), low, high, p,
        num_without_positive.
        """
        return pd.DataFrame([_row(difference) for difference in self.differences], columns=list(COLUMNS))


COLUMNS: tuple[str, ...] = (
    "metric",
    "label",
    *("a", "a_low", "a_high"),
    *("b", "b_low", "b_high"),
    *("difference", "low", "high"),
    "p",
    "num_without_positive",
)


def bootstrap_intervals(
    scores: ScoreTables,
    events: pd.DataFrame,
    clips: pd.DataFrame,
    metric: str = "psds1",
    *,
    classes: Sequence[str] | None = None,
    threshold: float = THRESHOLD,
    recording_seconds: Mapping[str, float] | None = None,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    progress: Progress | None = None,
) -> MetricIntervals:
    """Return one system's metric with confidence intervals, overall and of each class.

    Parameters
    ----------
    scores : {clip id: score table}
    events : DataFrame
        clip_id, onset, offset (seconds), label; for mpauc also confidence.
    clips : DataFrame
        clip_id, duration (seconds); for mpauc also recording and recording_onset (whole seconds).
    metric : str
        One of ``METRICS``.
    classes : sequence of str, optional
        Default: the ten DESED classes; for mpauc the eleven MAESTRO classes.
    threshold : float
        For F1: a score above it is a detection.
    recording_seconds : {recording: seconds}, optional
        For mpauc: a recording that is not named ends where its last clip does.
    replicates : int
    confidence : float
        In (0, 1).
    seed : int
        The same seed gives the same resamples.
    progress : callable, optional
        Called with (replicates done, replicates in all, what).

    Raises
    ------
    SedlabError
        For an unknown metric, and what the metric itself refuses: missing scores, durations or recordings.
    """
    statistics = metric_statistics(
        metric, scores, events, clips, classes=classes, threshold=threshold, recording_seconds=recording_seconds
    )
    value, drawn = _replicates([statistics], replicates, seed, progress, metric)
    labels = (ALL, *statistics.classes)
    intervals = {label: _interval(value[0, k], drawn[0, :, k], confidence) for k, label in enumerate(labels)}
    return MetricIntervals(
        metric=metric,
        overall=intervals.pop(ALL),
        per_class=intervals,
        num_without_positive=_num_without_positive(labels, drawn[0]),
        missing_classes=statistics.missing_classes,
        num_units=len(statistics.units),
        replicates=replicates,
        confidence=confidence,
        seed=seed,
    )


def compare(
    scores_a: ScoreTables,
    scores_b: ScoreTables,
    events: pd.DataFrame,
    clips: pd.DataFrame,
    *,
    metrics: Sequence[str] = ("psds1",),
    classes: Sequence[str] | None = None,
    threshold: float = THRESHOLD,
    recording_seconds: Mapping[str, float] | None = None,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two systems on the same clips by the paired bootstrap.

    Parameters
    ----------
    scores_a, scores_b : {clip id: score table}
        A difference is the value of B minus that of A.
    metrics : sequence of str
        Of ``METRICS``.
    events, clips, classes, threshold, recording_seconds, replicates, confidence, seed, progress
        As for ``bootstrap_intervals``.

    Raises
    ------
    SedlabError
        As ``bootstrap_intervals``.
    """
    differences: list[Difference] = []
    num_units, missing = {}, {}
    for metric in metrics:
        pair = [
            metric_statistics(
                metric, scores, events, clips, classes=classes, threshold=threshold, recording_seconds=recording_seconds
            )
            for scores in (scores_a, scores_b)
        ]
        differences += paired_bootstrap(
            metric, *pair, replicates=replicates, confidence=confidence, seed=seed, progress=progress
        )
        num_units[metric], missing[metric] = len(pair[0].units), pair[0].missing_classes
    return Comparison(tuple(differences), num_units, missing, replicates, confidence, seed)


def paired_bootstrap(
    metric: str,
    a: Statistics,
    b: Statistics,
    *,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[Difference]:
    """Return the difference of two systems overall and of each class, from their statistics on the same clips."""
    values, drawn = _replicates([a, b], replicates, seed, progress, metric)
    labels = (ALL, *a.classes)
    observed, change = _difference(*values), _difference(*drawn)
    without = _num_without_positive(labels, drawn[0])
    return [
        Difference(
            metric=metric,
            label=label,
            a=_interval(values[0, k], drawn[0, :, k], confidence),
            b=_interval(values[1, k], drawn[1, :, k], confidence),
            difference=_interval(observed[k], change[:, k], confidence),
            p=sign_level(change[:, k]),
            num_without_positive=without[label],
        )
        for k, label in enumerate(labels)
    ]


def sign_level(differences: np.ndarray) -> float:
    """Return twice the share of replicates in which the difference is zero or has the rarer sign, at most 1.

    This is the smallest level at which the percentile interval of the difference just excludes zero, read as a
    two-sided p-value with the usual +1 in numerator and denominator (Davison & Hinkley, "Bootstrap Methods and their
    Application", 1997, section 4.2.5); with 1,000 replicates it cannot fall below 0.002. It is no permutation test: it
    asks how stable the sign is, not what would happen if the systems were interchangeable. It is not corrected for
    looking at several classes or metrics.
    """
    known = differences[~np.isnan(differences)]
    if not len(known):
        return np.nan
    rarer = min(np.count_nonzero(known <= 0), np.count_nonzero(known >= 0))
    return min(1.0, 2 * (rarer + 1) / (len(known) + 1))


def metric_statistics(
    metric: str,
    scores: ScoreTables,
    events: pd.DataFrame,
    clips: pd.DataFrame,
    *,
    classes: Sequence[str] | None = None,
    threshold: float = THRESHOLD,
    recording_seconds: Mapping[str, float] | None = None,
) -> Statistics:
    """Return what one system's scores leave behind for resampling ``metric``. Arguments as ``bootstrap_intervals``."""
    if metric not in METRICS:
        raise SedlabError(f"unknown metric {metric!r}.{nearest(metric, list(METRICS))} Known: {', '.join(METRICS)}.")
    if metric == "mpauc":
        classes = classes or MAESTRO_EVAL_CLASSES
        return mpauc_statistics(scores, clips, events, classes=classes, durations=recording_seconds)
    criterion = METRICS[metric]
    classes = classes or DESED_CLASSES
    if isinstance(criterion, Scenario):
        durations: Mapping[str, float] = dict(zip(clips["clip_id"], clips["duration"], strict=True))
        return psds_statistics(scores, events, durations, classes=classes, scenario=criterion)
    return fscore_statistics(scores, events, classes=classes, criterion=criterion, threshold=threshold)


#: What can be resampled, and what counts as a hit in it.
METRICS: dict[str, Scenario | Collar | Intersection | None] = {
    "psds1": PSDS1,
    "psds2": PSDS2,
    "collar_f1": Collar(),
    "intersection_f1": Intersection(),
    "mpauc": None,
}


def _replicates(
    systems: Sequence[Statistics], replicates: int, seed: int, progress: Progress | None, what: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return values on the test set, (systems, 1 + classes), and on resamples, (systems, replicates, 1 + classes)."""
    num_units = len(systems[0].units)
    values = np.concatenate([system.evaluate(np.ones((1, num_units))) for system in systems])
    drawn = []
    for weights in _resamples(num_units, replicates, seed):
        drawn.append([system.evaluate(weights) for system in systems])
        if progress:
            progress(sum(len(rows[0]) for rows in drawn), replicates, what)
    return values, np.concatenate(drawn, axis=1)


def _resamples(num_units: int, replicates: int, seed: int) -> Iterator[np.ndarray]:
    """Yield (up to BATCH, units): how often each unit is drawn in ``num_units`` draws with replacement."""
    rng = np.random.default_rng(seed)
    for start in range(0, replicates, BATCH):
        draws = rng.integers(num_units, size=(min(BATCH, replicates - start), num_units))
        yield np.stack([np.bincount(row, minlength=num_units) for row in draws])


def _difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return b - a, exactly 0 where only rounding differs: such replicates must not count for either sign."""
    difference = b - a
    return np.where(np.abs(difference) < ROUNDING, 0.0, difference)


def _interval(value: float, replicates: np.ndarray, confidence: float) -> Interval:
    """Return the percentile interval; replicates without value do not count."""
    known = replicates[~np.isnan(replicates)]
    if not len(known):
        return Interval(float(value), np.nan, np.nan)
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(value), float(low), float(high))


def _num_without_positive(labels: Sequence[str], drawn: np.ndarray) -> dict[str, int]:
    lacking = np.isnan(drawn)
    lacking[:, 0] = lacking[:, 1:].any(axis=1)
    return {label: int(count) for label, count in zip(labels, lacking.sum(axis=0), strict=True)}


def _row(difference: Difference) -> dict[str, object]:
    flat = asdict(difference)
    for name in ("a", "b", "difference"):
        interval = flat.pop(name)
        prefix = "" if name == "difference" else f"{name}_"
        flat |= {name: interval["value"], f"{prefix}low": interval["low"], f"{prefix}high": interval["high"]}
    return flat
