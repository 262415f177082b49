"""What is tried, and the best setting of each class among it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from sedlab.scoring.metrics.psds import Scenario
from sedlab.scoring.postprocess.csebbs import CsebbsParams
from sedlab.scoring.postprocess.median import MedianParams

#: Values that agree in so many decimals are equal.
VALUE_DECIMALS = 12


@dataclass(frozen=True)
class CsebbsGrid:
    """Parameters of sound event bounding boxes to try."""

    steps: tuple[float, ...]
    """Seconds."""
    absolute: tuple[float, ...]
    relative: tuple[float, ...]

    @property
    def thresholds(self) -> tuple[tuple[float, float], ...]:
        """Pairs (absolute, relative), of which one is infinite; absolute ones first."""
        return (*((value, np.inf) for value in self.absolute), *((np.inf, value) for value in self.relative))


@dataclass(frozen=True, eq=False)
class Tuning:
    """The best parameters and how all others did."""

    params: CsebbsParams | MedianParams
    best: dict[str, float]
    """Value reached by each class; nan for a class without event, which is not tuned."""
    grid: CsebbsGrid | tuple[int, ...]
    """What was tried; of the median filter lengths in frames."""
    values: np.ndarray
    """(classes, steps, thresholds) or (classes, lengths): value of every setting."""


def best_of_each(
    classes: Sequence[str], values: np.ndarray, settings: Sequence
) -> tuple[dict[str, object], dict[str, float]]:
    """Return the best of ``settings`` for each class and its value; ``values`` (classes, ...) lie as they do.

    The first of equals is best. Where all are nan nothing is, and the class has no setting.
    """
    chosen, best = {}, {}
    for label, row in zip(classes, values.reshape(len(classes), -1), strict=True):
        best[label] = np.nan
        if not np.isnan(row).all():
            # Rounded, so that a sum in another order is no improvement.
            k = int(np.argmax(np.round(row, VALUE_DECIMALS)))
            chosen[label], best[label] = settings[k], float(row[k])
    return chosen, best


def provenance(scenario: Scenario, grid: Mapping[str, object], best: Mapping[str, float]) -> dict[str, object]:
    """Return what a file of parameters says about how they were found."""
    tuned = {label: value for label, value in best.items() if not np.isnan(value)}
    not_tuned = [label for label in best if label not in tuned]
    about = {"metric": "single-class PSDS", "scenario": asdict(scenario), "grid": grid, "value": tuned}
    return about | ({"not_tuned": not_tuned} if not_tuned else {})
