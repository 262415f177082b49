"""Curves as tables: a row a point, for files and for what is said below the pointer."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from sedlab.scoring.curves.system import OperatingPoint, SystemCurves
from sedlab.scoring.names import ALL

COLUMNS = ("system", "label", "rate", "ratio", "threshold", "hits", "num_positive", "false_alarms")


def curve_points(system: str, curves: SystemCurves, label: str | None) -> pd.DataFrame:
    """Return the points of a curve of a class, or over all classes (None).

    Columns are `COLUMNS`: where the point lies (`rate`, `ratio`), its decision threshold, how many events (or seconds)
    are found of how many, and how many false alarms there are in an hour. A point over all classes has no threshold of
    its own: each class stands at the one that it has at this rate. Without the curve: no row.
    """
    curve = curves.curve(label)
    if curve is None:
        return pd.DataFrame(columns=list(COLUMNS))
    # The last point over all classes is the end of the axis, not a threshold of its own.
    rates = curve.rate[curve.rate <= curves.max_rate]
    return pd.DataFrame(
        [
            _row(system, label, curves.point(curves.thresholds_at(rate, label)), rate, ratio)
            for rate, ratio in zip(rates, curve.ratio, strict=False)
        ],
        columns=list(COLUMNS),
    )


def operating_points(points: Iterable[tuple[str, str | None, OperatingPoint]]) -> pd.DataFrame:
    """Return points (system, class or None, point) as a table with the columns `COLUMNS`."""
    rows = [_row(system, label, point, point.rate, point.ratio) for system, label, point in points]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(system: str, label: str | None, point: OperatingPoint, rate: float, ratio: float) -> tuple:
    counts = (point.hits, point.num_positive, point.false_alarms)
    return (system, label or ALL, float(rate), float(ratio), point.threshold, *counts)
