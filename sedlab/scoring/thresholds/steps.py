"""Counts of one class as a function of the threshold: a staircase."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Steps:
    """Hits and false alarms at every threshold.

    Between two neighbours of ``thresholds`` counts are those beside the upper one, above the last they are 0: the form
    of `sedlab.scoring.metrics.changes.Changes.cumulated`, without its infinity.
    """

    thresholds: np.ndarray
    """(steps,) ascending: scores below which a threshold has to fall for the count to change"""
    hits: np.ndarray
    """(steps,) int"""
    false_alarms: np.ndarray
    """(steps,) int"""
    num_events: int

    @classmethod
    def of(cls, thresholds: np.ndarray, hits: np.ndarray, false_alarms: np.ndarray, num_events: int) -> Steps:
        """Return the staircase of changes (levels,) when the threshold falls below each of ``thresholds``."""
        by_level = [np.rint(change).astype(int) for change in (hits, false_alarms)]
        changing = (by_level[0] != 0) | (by_level[1] != 0)
        counts = [np.cumsum(change[changing][::-1])[::-1] for change in by_level]
        return cls(thresholds[changing], *counts, num_events)

    def at(self, thresholds: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return hits and false alarms at ``thresholds``; a score above a threshold is a detection."""
        place = np.searchsorted(self.thresholds, thresholds, side="right")
        return np.append(self.hits, 0)[place], np.append(self.false_alarms, 0)[place]

    def f1(self) -> np.ndarray:
        """Return F1 (steps + 1,) below the lowest threshold, between all, above the highest; nan without event."""
        hits, false_alarms = np.append(self.hits, 0), np.append(self.false_alarms, 0)
        if not self.num_events:
            return np.full(len(hits), np.nan)
        return 2 * hits / (hits + false_alarms + self.num_events)

    def best(self) -> tuple[float, float]:
        """Return the threshold with the best F1, the highest of several, between two scores; and that F1.

        Nan where there is no event, or no threshold with a hit.
        """
        f1 = self.f1()
        if not len(self.thresholds) or not np.nanmax(f1, initial=0.0):
            return np.nan, np.nan
        top = int(len(f1) - 1 - np.argmax(f1[::-1]))
        lower = self.thresholds[top - 1] if top else min(0.0, self.thresholds[0])
        return float((lower + self.thresholds[top]) / 2), float(f1[top])

    def thinned(self, exact_up_to: int = 200, tolerance: float = 0.005) -> Steps:
        """Return fewer steps: false alarms are off by at most ``tolerance`` of themselves beyond ``exact_up_to``.

        Hits stay exact.
        """
        hits, false_alarms = self.hits, self.false_alarms
        # Levels on a grid that widens with the count; of neighbours on one level the highest threshold stands for all.
        coarse = exact_up_to + np.log(np.maximum(false_alarms, 1)) / tolerance
        level = np.where(false_alarms <= exact_up_to, false_alarms, coarse).astype(np.int64)
        kept = np.ones(len(hits), dtype=bool)
        kept[:-1] = (hits[:-1] != hits[1:]) | (level[:-1] != level[1:])
        return Steps(self.thresholds[kept], hits[kept], false_alarms[kept], self.num_events)
