"""Where two systems differ, and how sure one can be of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sedlab.scoring.metrics.bootstrap import ALL
from sedlab.views.figures.style import (
    GROUND_TRUTH,
    MUTED,
    STUDENT,
    TICK_SIZE,
    Picture,
    class_name,
    empty_figure,
    label_axes,
    metric_name,
    model_name,
    new_figure,
)


def differences_figure(table: pd.DataFrame, *, a: str = "A", b: str = "B", title: str = "") -> Picture:
    """Return the difference of each metric, overall and by class, with its confidence interval.

    One panel a metric. Dark: the interval excludes zero. Grey: the sign of the difference is open. Classes are sorted
    by their difference; the numbers at the right are the values of both systems.

    Parameters
    ----------
    table : DataFrame
        ``Comparison.table()``: metric, label, a, b, difference, low, high.
    a, b : str
        Names of the two systems; a difference is b - a.
    """
    title = title or f"{model_name(b)} against {model_name(a)}"
    if table.empty:
        return empty_figure(title, "Nothing to compare: name two systems and a metric.")
    parts = dict(iter(table.groupby("metric", sort=False)))
    rows = max(len(part) for part in parts.values())
    figure = new_figure(1.2 + 4.6 * len(parts), 1.5 + 0.3 * rows, title=title)
    panels = figure.subplots(1, len(parts), squeeze=False)[0]
    for ax, (metric, part) in zip(panels, parts.items(), strict=True):
        _draw_differences(ax, part)
        name = metric_name(metric)
        label_axes(ax, title=name, x=f"Difference in {name}: {model_name(b)} − {model_name(a)}", y="Class", grid="x")
        ax.tick_params(axis="y", length=0)
    return figure


def _draw_differences(ax: Axes, part: pd.DataFrame) -> None:
    classes = part[part["label"] != ALL].sort_values("difference", na_position="first")
    # From bottom to top, so that the metric itself comes first as one reads.
    rows = pd.concat([classes, part[part["label"] == ALL]])
    ax.axvline(0, color=MUTED, linewidth=1)
    right = ax.get_yaxis_transform()
    for place, row in enumerate(rows.itertuples()):
        clear = row.low > 0 or row.high < 0
        colour = (GROUND_TRUTH if row.label == ALL else STUDENT) if clear else MUTED
        ax.plot([row.low, row.high], [place, place], color=colour, linewidth=2.2 if clear else 1.4)
        marker = "D" if row.label == ALL else "o"
        ax.plot(row.difference, place, marker, color=colour, markersize=6, fillstyle="full" if clear else "none")
        ax.text(
            1.01, place, f"{row.a:.3f} → {row.b:.3f}", transform=right, va="center", fontsize=TICK_SIZE, color=MUTED
        )
    ax.set_yticks(np.arange(len(rows)), [class_name(label) for label in rows["label"]])
    ax.set_ylim(-0.7, len(rows) - 0.3)
    if ALL in set(rows["label"]):
        ax.axhline(len(rows) - 1.5, color=MUTED, linewidth=0.6, linestyle=":")
        ax.get_yticklabels()[-1].set_fontweight("bold")
