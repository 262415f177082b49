"""The curve of any resample, where a metric is the area under one: what a band around a curve is made of."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from sedlab.scoring.metrics.statistics.base import Statistics

#: Rates of a resample are sums in another order: larger than their rounding, smaller than what one error adds.
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class CurveStatistics(Statistics):
    """Statistics of a metric that is the area under a staircase."""

    @abstractmethod
    def curves(self, weights: np.ndarray, rates: np.ndarray) -> np.ndarray:
        """Return the curves of resamples, (resamples, 1 + classes, rates): over all classes, then of each.

        A class that a resample lacks is nan there and left out of the curve over all.

        Parameters
        ----------
        weights : (resamples, units)
            How often each unit was drawn.
        rates : (rates,)
            Where on the axis of errors, ascending: false positives an hour of PSDS, the part of the negative seconds of
            mpAUC.
        """


def staircases(at: np.ndarray, ratios: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Return (resamples, rates): the largest of ``ratios`` at no higher rate, 0 where there is none.

    ``at`` and ``ratios`` are (resamples, points), in no order.
    """
    found = np.zeros((len(at), len(rates) + 1))
    column = np.searchsorted(rates + ROUNDING, at)
    row = np.broadcast_to(np.arange(len(at))[:, None], at.shape)
    np.maximum.at(found, (row, column), ratios)
    return np.maximum.accumulate(found[:, :-1], axis=1)
