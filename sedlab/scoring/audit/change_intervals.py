"""How sure it is that a class gained or lost: the net change with its confidence interval, by the bootstrap.

Clips are drawn again, those cut from one recording together, as `metrics/bootstrap.py` does it for metrics (Efron &
Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13). It says whether another sample of such clips could
have shown the opposite; that another training could, it does not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from sedlab.scoring.audit.changed_seconds import ChangedSeconds
from sedlab.scoring.names import ALL


def change_intervals(
    changes: ChangedSeconds,
    *,
    recordings: Sequence[str] | None = None,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the net change of each class in seconds, and its percentile interval.

    ``recordings`` name what each clip was cut from; None or "" for a clip: it stands for itself.

    Returns
    -------
    DataFrame
        label, change (gained minus lost, s), low, high (nan with fewer than two recordings), clear (the interval
        excludes 0); the first row, "all", adds the classes up.
    """
    net = changes.gained.astype(np.float64) - changes.lost
    net = np.concatenate((net.sum(axis=1, keepdims=True), net), axis=1)
    names = (
        changes.clip_ids if recordings is None else [r or c for r, c in zip(recordings, changes.clip_ids, strict=True)]
    )
    unit = pd.factorize(np.asarray(names, dtype=object))[0]
    num_units = int(unit.max(initial=-1)) + 1
    summed = np.zeros((num_units, net.shape[1]))
    np.add.at(summed, unit, net)
    low = high = np.full(net.shape[1], np.nan)
    if num_units > 1 and replicates:
        drawn = _draws(num_units, replicates, seed) @ summed.astype(np.float32)
        ends = (1 - confidence) / 2, (1 + confidence) / 2
        low, high = np.quantile(drawn, ends, axis=0)
    table = pd.DataFrame({"label": [ALL, *changes.classes], "change": summed.sum(axis=0), "low": low, "high": high})
    return table.assign(clear=(table["low"] > 0) | (table["high"] < 0))


@lru_cache(maxsize=1)
def _draws(num_units: int, replicates: int, seed: int) -> np.ndarray:
    """Return how often each unit is drawn in each replicate, (replicates, units) float32; the same while one drags."""
    random = np.random.default_rng(seed)
    weights = np.empty((replicates, num_units), dtype=np.float32)
    for row in weights:
        row[:] = np.bincount(random.integers(num_units, size=num_units), minlength=num_units)
    return weights
