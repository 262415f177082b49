"""Where two systems differ, and how sure one can be of it."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from sedlab.scoring.names import ALL, class_names, metric_name, model_name
from sedlab.views.figures import frame, style


def differences_figure(table: pd.DataFrame, *, a: str = "A", b: str = "B", title: str = "") -> frame.Picture:
    """Return the difference of each metric, overall and by class, with its confidence interval.

    One panel a metric. Dark: the interval excludes zero. Grey: the sign of the difference is open. Classes are sorted
    by their difference; the numbers at the right are the values of both systems. ``table`` is ``Comparison.table()``;
    ``a`` and ``b`` name the two systems, and a difference is b - a.
    """
    a, b = model_name(a), model_name(b)
    title = title or f"{b} against {a}"
    if table.empty:
        return frame.empty_figure(title, "Nothing to compare: name two systems and a metric.")
    parts = dict(iter(table.groupby("metric", sort=False)))
    rows = max(len(part) for part in parts.values())
    figure = frame.new_figure(1.2 + 4.6 * len(parts), 1.5 + 0.3 * rows, title=title)
    panels = figure.subplots(1, len(parts), squeeze=False)[0]
    for ax, (metric, part) in zip(panels, parts.items(), strict=True):
        name = metric_name(metric)
        frame.label_axes(ax, title=name, x=f"Difference in {name}: {b} − {a}", y="Class", grid="x")
        _draw_differences(ax, part)
    return figure


def _draw_differences(ax: Axes, part: pd.DataFrame) -> None:
    classes = part[part["label"] != ALL].sort_values("difference", na_position="first")
    # From bottom to top, so that the metric itself comes first as one reads.
    rows = pd.concat([classes, part[part["label"] == ALL]])
    ax.axvline(0, color=style.MUTED, linewidth=1)
    right = ax.get_yaxis_transform()
    for place, row in enumerate(rows.itertuples()):
        clear = row.low > 0 or row.high < 0
        colour = (style.GROUND_TRUTH if row.label == ALL else style.STUDENT) if clear else style.MUTED
        ax.plot([row.low, row.high], [place, place], color=colour, linewidth=2.2 if clear else 1.4)
        marker = "D" if row.label == ALL else "o"
        ax.plot(row.difference, place, marker, color=colour, markersize=6, fillstyle="full" if clear else "none")
        text = f"{row.a:.3f} → {row.b:.3f}"
        ax.text(1.01, place, text, transform=right, va="center", fontsize=style.TICK_SIZE, color=style.MUTED)
    frame.name_rows(ax, class_names(rows["label"]), margin=0.7)
    if ALL in set(rows["label"]):
        ax.axhline(len(rows) - 1.5, color=style.MUTED, linewidth=0.6, linestyle=":")
        ax.get_yticklabels()[-1].set_fontweight("bold")
