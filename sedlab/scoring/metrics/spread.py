"""What PSDS takes off for classes that differ: the mean of their curves, and the spread around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sedlab.scoring.metrics.psds import PsdRoc, Scenario


@dataclass(frozen=True, eq=False)
class ClassSpread:
    """Curves of several classes, summed up at every rate at which one of them changes."""

    efpr: np.ndarray
    """Effective false positives per hour, ascending; the last is where the curve ends."""
    mean: np.ndarray
    """Mean over classes of the true positive ratio."""
    spread: np.ndarray
    """Their standard deviation."""
    effective: np.ndarray
    """Mean minus weighted spread, at least 0: the curve whose area PSDS is."""
    mean_area: float
    """Area under ``mean``, as part of the whole: the mean of the classes' own values."""
    psds: float
    """Area under ``effective``."""


def class_spread(curves: Mapping[str, PsdRoc], scenario: Scenario) -> ClassSpread:
    """Return mean and spread of the curves of at least one class, {class: curve}; staircases, as PSDS takes them."""
    rates = np.unique(np.concatenate([curve.efpr for curve in curves.values()]))
    rates = np.append(rates[rates < scenario.max_efpr], scenario.max_efpr)
    ratios = np.stack([_at(curve, rates) for curve in curves.values()])
    mean, spread = ratios.mean(axis=0), ratios.std(axis=0)
    effective = np.maximum(mean - scenario.alpha_st * spread, 0.0)
    widths = np.diff(rates) / scenario.max_efpr
    return ClassSpread(
        rates, mean, spread, effective, float(np.sum(mean[:-1] * widths)), float(np.sum(effective[:-1] * widths))
    )


def _at(curve: PsdRoc, rates: np.ndarray) -> np.ndarray:
    """Return the ratio at each rate: that of the last step before it, 0 before the first."""
    place = np.searchsorted(curve.efpr, rates, side="right")
    return np.concatenate(([0.0], curve.etpr))[place]
