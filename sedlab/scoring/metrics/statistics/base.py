"""What the statistics of every metric have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Statistics(ABC):
    """What one system's scores leave behind for resampling: counts by clip or recording."""

    units: tuple[str, ...]
    """What is resampled: the clips with at least one event, or the recordings."""
    classes: tuple[str, ...]
    """Those that have a value."""
    missing_classes: tuple[str, ...]
    """The others: without event, or present in no segment or in all of them."""

    @abstractmethod
    def evaluate(self, weights: np.ndarray) -> np.ndarray:
        """Return values of resamples, (resamples, 1 + classes): the metric itself, then each class alone.

        Equals the metric of a data set in which each unit occurs as often as its weight says. A class that has no value
        in a resample is nan there and left out of the metric.

        Parameters
        ----------
        weights : (resamples, units)
            How often each unit was drawn.
        """
