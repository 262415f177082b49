"""How sure is a curve? The band in which curves of resampled clips lie, at each rate of errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sedlab.progress import Progress, no_progress
from sedlab.scoring.metrics.bootstrap import DEFAULT, Resampling, resamples
from sedlab.scoring.metrics.statistics.curves import CurveStatistics
from sedlab.scoring.names import ALL

#: Places on the axis at which a band is known: a picture is not finer.
NUM_RATES = 201


@dataclass(frozen=True, eq=False)
class CurveBands:
    """A percentile band around every curve of a system; of each rate by itself, not of the curve as a whole."""

    rate: np.ndarray
    """(rates,) ascending, from 0 to the end of the axis"""
    low: dict[str, np.ndarray]
    """By class, and over all classes (``ALL``): (rates,) part found; nan where no resample has the class"""
    high: dict[str, np.ndarray]
    resampling: Resampling
    num_units: int
    """Clips, or recordings, that were resampled."""


def curve_bands(
    statistics: CurveStatistics,
    max_rate: float,
    *,
    resampling: Resampling = DEFAULT,
    progress: Progress = no_progress,
) -> CurveBands:
    """Return the bands up to ``max_rate``; ``progress`` counts resamples."""
    rates = np.linspace(0.0, max_rate, NUM_RATES)
    drawn = np.concatenate(list(_drawn(statistics, rates, resampling, progress)))
    ends = [(1 - resampling.confidence) / 2, (1 + resampling.confidence) / 2]
    labels = (ALL, *statistics.classes)
    low, high = np.full((2, len(labels), len(rates)), np.nan)
    for k in range(len(labels)):
        # A class that a resample lacks has no curve in it.
        known = drawn[~np.isnan(drawn[:, k, 0]), k]
        if len(known):
            low[k], high[k] = np.quantile(known, ends, axis=0)
    return CurveBands(
        rate=rates,
        low=dict(zip(labels, low, strict=True)),
        high=dict(zip(labels, high, strict=True)),
        resampling=resampling,
        num_units=len(statistics.units),
    )


def _drawn(
    statistics: CurveStatistics, rates: np.ndarray, resampling: Resampling, progress: Progress
) -> Iterator[np.ndarray]:
    done = 0
    for weights in resamples(len(statistics.units), resampling):
        # Half of the memory, and finer than any picture.
        yield statistics.curves(weights, rates).astype(np.float32)
        done += len(weights)
        progress(done, resampling.replicates, "resamples")
