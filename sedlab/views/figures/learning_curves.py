"""What a training run did over its steps: losses, validation values, learning rate."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sedlab.scoring.names import measure_name, model_name
from sedlab.views.figures import frame, style

_STEP = "Optimiser step"
_TOTAL = "loss/total"
#: Losses that span more than this are drawn on a logarithmic scale.
_WIDE_SPAN = 30
#: What is smaller than this part of the largest is left out there: terms begin at 0.
_SHOWN_SPAN = 1e-4


def learning_curves_figure(
    history: pd.DataFrame | Mapping[str, pd.DataFrame], *, title: str = "Training"
) -> frame.Picture:
    """Return losses and validation values by step, for one training run or several.

    ``history`` has columns `step`, `epoch`, `lr`, `loss/<part>` (a total and its parts) and `val/<name>`, as in
    ``history.csv``. Missing columns are left out; validation cells are empty where nothing was validated. With one run
    the first panel has every loss part, with several the total of each. Long losses are averaged over nearby steps.
    """
    runs = dict(history) if isinstance(history, Mapping) else {"": history}
    runs = {name: table for name, table in runs.items() if len(table)}
    if not runs:
        return frame.empty_figure(title, "No history yet: train first.")
    names = list(dict.fromkeys(column for table in runs.values() for column in table.columns))
    losses = [name for name in names if name.startswith("loss/")]
    measures = _by_measure([name for name in names if name.startswith("val/")])
    with_rate = len(runs) == 1 and "lr" in names and bool(losses)
    num_panels = bool(losses) + len(measures) + with_rate
    if not num_panels:
        return frame.empty_figure(title, "The history has no loss and no validation column.")

    size = (6.4 if num_panels == 1 else 4.3, 3.1)
    columns = 2 if num_panels in (2, 4) else 3
    margins = (0, 0.3 + 0.6 * bool(losses)) if len(runs) == 1 else (1.4 * bool(measures), 0.3)
    figure, axes = frame.panels(num_panels, columns, size, margins=margins, title=title)
    if losses and len(runs) == 1:
        _draw_parts(axes.pop(0), *runs.values(), losses)
    elif losses:
        _draw_totals(axes.pop(0), runs, losses)
    for measure, columns_of_measure in measures.items():
        _draw_validation(axes[0], runs, measure, columns_of_measure)
        handles, labels = axes.pop(0).get_legend_handles_labels()
    if len(runs) > 1 and measures:
        frame.figure_legend(figure, handles, labels)  # one for all: in a panel it would hide the first values
    if with_rate:
        ax = frame.label_axes(axes.pop(0), title="Learning rate", x=_STEP, y="Largest rate of all groups", grid="y")
        _line(ax, *runs.values(), "lr", color=style.STUDENT)
    return figure


def _by_measure(columns: list[str]) -> dict[str, list[str]]:
    """Group ``val/...`` columns by what they measure: student and teacher share a panel."""
    measures: dict[str, list[str]] = {}
    for column in columns:
        words = column.removeprefix("val/").replace("_", "/").split("/")
        measure = "_".join(word for word in words if word not in ("student", "teacher")) or "value"
        measures.setdefault(measure, []).append(column)
    return measures


def _draw_parts(ax: Axes, history: pd.DataFrame, losses: list[str]) -> None:
    """Draw the parts of one run's loss, and their total."""
    frame.label_axes(ax, title="Loss and its parts", x=_STEP, y="Loss", grid="y")
    table = _averaged(history)
    # Parts that are not in use, such as pseudo-labels in iteration 1, are zero throughout.
    parts = [column for column in losses if column != _TOTAL and (history[column] != 0).any()]
    for place, column in enumerate(parts):
        look = {"color": style.class_colour(place), "linestyle": style.DASHES[place % len(style.DASHES)]}
        _line(ax, table, column, label=column.removeprefix("loss/").replace("_", " "), linewidth=1.1, **look)
    _line(ax, table, _TOTAL, label="total", linewidth=1.8, color="black")
    _scale_losses(ax)
    # Below, where it hides no curve: room above them would take the axis through decades in which no loss lies.
    frame.legend(ax, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, frameon=False, columnspacing=1.0)


def _draw_totals(ax: Axes, runs: Mapping[str, pd.DataFrame], losses: list[str]) -> None:
    """Draw the total loss of each run, or what it has in its place."""
    frame.label_axes(ax, title="Total loss", x=_STEP, y="Loss", grid="y")
    for place, (name, table) in enumerate(runs.items()):
        column = next((column for column in (_TOTAL, *losses) if column in table), None)
        if column is not None:
            look = _run_look(place, name) | {"marker": None}
            _line(ax, _averaged(table), column, label=model_name(name), **look)
    _scale_losses(ax)
    frame.legend(ax)


def _scale_losses(ax: Axes) -> None:
    values = np.concatenate([line.get_ydata() for line in ax.get_lines()] or [np.ones(1)])
    values = values[np.isfinite(values) & (values > 0)]
    if values.size and values.max() / values.min() > _WIDE_SPAN:
        ax.set_yscale("log")
        ax.set_ylim(max(values.min(), values.max() * _SHOWN_SPAN) * 0.8, values.max() * 1.25)


def _draw_validation(ax: Axes, runs: Mapping[str, pd.DataFrame], measure: str, columns: list[str]) -> None:
    name = measure_name(measure)
    y = name[0].upper() + name[1:] if name.islower() else name
    frame.label_axes(ax, title=f"Validation: {name}", x=_STEP, y=y, grid="y")
    for place, (run, table) in enumerate(runs.items()):
        for column in columns:
            who = "teacher" if "teacher" in column else "student" if "student" in column or len(columns) > 1 else ""
            alone = {"color": style.TEACHER if who == "teacher" else style.STUDENT, "marker": "o"}
            look = {**(alone if len(runs) == 1 else _run_look(place, run)), "markersize": 3.5}
            look["linestyle"] = "--" if who == "teacher" else "-"
            _line(ax, table, column, label=" ".join(filter(None, (model_name(run), who))) or "_", **look)
    if len(runs) == 1:
        frame.legend(ax)


def _run_look(place: int, name: str) -> dict[str, object]:
    """Return marker, colour and dash of a run: the colour of the model in its name, if there is one."""
    look = style.MODEL_LOOK.get(style.model_in(name), {"color": style.class_colour(place)})
    return {"marker": "osD^v"[place % 5], **look, "linestyle": style.DASHES[place % len(style.DASHES)]}


def _averaged(table: pd.DataFrame, num_points: int = 250) -> pd.DataFrame:
    """Return ``table`` with neighbouring steps averaged to at most ``num_points`` rows: batches differ a lot."""
    if len(table) <= num_points:
        return table
    return table.select_dtypes("number").groupby(np.arange(len(table)) * num_points // len(table)).mean()


def _line(ax: Axes, table: pd.DataFrame, column: str, **options: object) -> None:
    """Draw the filled cells of ``column`` against `step`, or against the row number where there is no step."""
    if column in table:
        by_step = table.set_index("step") if "step" in table else table.reset_index(drop=True)
        values = pd.to_numeric(by_step[column], errors="coerce").dropna()
        ax.plot(values.index.to_numpy(float), values.to_numpy(float), **options)
