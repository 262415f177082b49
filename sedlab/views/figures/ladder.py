"""How far each step of the method takes: metrics by iteration and stage, and by class."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sedlab.scoring.results import ALL, LADDER, STAGES, ladder
from sedlab.views.figures.style import (
    CLASS_CYCLE,
    MODEL_STYLE,
    STUDENT,
    TICK_SIZE,
    Picture,
    class_name,
    empty_figure,
    label_axes,
    legend,
    metric_name,
    model_name,
    model_style,
    new_figure,
    say_empty,
)

_STAGE_NAME = {"pretrain": "Pre-training", "stage1": "Stage 1", "stage2": "Stage 2"}
#: A bar per iteration: from light to dark, so that later iterations stand out in grey too.
_ITERATION_COLOURS = {1: (STUDENT,), 2: ("#9CCBE8", STUDENT), 3: ("#9CCBE8", STUDENT, "#062F4F")}


def ladder_figure(results: pd.DataFrame, *, title: str = "Step by step") -> Picture:
    """Return PSDS1 (DESED) and mpAUC (MAESTRO) of every model after each stage of each iteration.

    Parameters
    ----------
    results : DataFrame
        A results table (``sedlab.scoring.results``), or what ``ladder`` makes of one: iteration, model, stage, and a
        column for each metric. Median-filtered student values are shown; a metric that is not there stays empty.
    """
    table = results if "metric" not in results else ladder(results)
    table = table[table["stage"] != "pretrain"]
    if table.empty:
        return empty_figure(title, "No results yet: run and evaluate an iteration first.")
    steps = sorted(
        set(zip(table["iteration"], table["stage"], strict=True)), key=lambda step: (step[0], STAGES.index(step[1]))
    )
    figure = new_figure(10, 3.9, title=title)
    axes = figure.subplots(1, len(LADDER))
    for ax, (metric, subset) in zip(axes, LADDER.items(), strict=True):
        _draw_ladder(ax, table, steps, metric)
        label_axes(ax, title=f"{metric_name(metric)} on {subset}", x="Training step", y=metric_name(metric), grid="y")
    # One legend for both panels, beside them: curves cross, and no corner is safe.
    handles, names = next((found for ax in axes if (found := ax.get_legend_handles_labels())[0]), ([], []))
    if handles:
        figure.legend(handles, names, loc="outside right center", fontsize=TICK_SIZE, frameon=False)
    return figure


def class_bars_figure(
    results: pd.DataFrame,
    metric: str = "psds1",
    subset: str | None = None,
    *,
    model: str | None = None,
    stage: str = "stage2",
    title: str = "",
) -> Picture:
    """Return the metric of each class as bars, one for each iteration: which classes did self-training help?

    Parameters
    ----------
    results : DataFrame
        A results table (``sedlab.scoring.results``); median-filtered student values are shown.
    subset : str or None
        None: the subset on which the ladder reads this metric.
    model : str or None
        None: the ensemble where there is one, otherwise the first model.
    """
    subset = subset or LADDER.get(metric, next(iter(LADDER.values())))
    table = results[
        (results["metric"] == metric)
        & (results["subset"] == subset)
        & (results["stage"] == stage)
        & (results["postprocess"] == "median")
        & (results["label"] != ALL)
        & ~results["teacher"].astype(bool)
    ]
    present = list(dict.fromkeys(table["model"]))
    model = model or ("ensemble" if "ensemble" in present else next(iter(present), ""))
    table = table[table["model"] == model]
    name = metric_name(metric)
    title = title or f"{name} by class on {subset}: {model_name(model)}, {_STAGE_NAME[stage].lower()}"
    if table.empty:
        return empty_figure(title, f"No {name} of single classes on {subset}: evaluate this step first.")

    values = table.pivot_table(index="label", columns="iteration", values="value", aggfunc="last", dropna=False)
    values = values.reindex(values[values.columns[-1]].sort_values(na_position="first").index)
    figure = new_figure(7.2, 1.2 + 0.34 * len(values))
    ax = figure.subplots()
    places = np.arange(len(values))
    height = 0.78 / values.shape[1]
    colours = _ITERATION_COLOURS.get(values.shape[1], CLASS_CYCLE * values.shape[1])
    for order, iteration in enumerate(values.columns):
        # The first iteration is the upper bar of each pair, as one reads.
        ax.barh(
            places + height * ((values.shape[1] - 1) / 2 - order),
            values[iteration].fillna(0).to_numpy(float),
            height=height * 0.94,
            color=colours[order],
            label=f"iteration {iteration}",
        )
    _write_gain(ax, values)
    ax.set_yticks(places, [class_name(label) for label in values.index])
    ax.set_xlim(0, max(0.05, float(np.nanmax(values.to_numpy(float), initial=0.0))) * 1.15)
    label_axes(ax, title=title, x=name, y="Class", grid="x")
    ax.tick_params(axis="y", length=0)
    if values.shape[1] > 1:
        legend(ax, loc="lower right")
    return figure


def _draw_ladder(ax: Axes, table: pd.DataFrame, steps: list[tuple[int, str]], metric: str) -> None:
    place_of = {step: place for place, step in enumerate(steps)}
    order = {model: place for place, model in enumerate(MODEL_STYLE)}
    for model in sorted(set(table["model"]), key=lambda model: order.get(model, len(order))):
        rows = table[table["model"] == model].dropna(subset=[metric]) if metric in table else table.iloc[:0]
        if rows.empty:
            continue
        points = sorted(
            (place_of[iteration, stage], value)
            for iteration, stage, value in zip(rows["iteration"], rows["stage"], rows[metric], strict=True)
        )
        name, options = model_style(model)
        x, y = zip(*points, strict=True)
        ax.plot(x, y, label=name, linewidth=1.6, markersize=6, **options)
    if not ax.get_lines():
        say_empty(ax, "not evaluated")
        return
    ax.set_xticks(range(len(steps)), [f"Iteration {iteration}\n{_STAGE_NAME[stage]}" for iteration, stage in steps])
    ax.set_xlim(-0.3, len(steps) - 0.7)
    for place in range(1, len(steps)):
        if steps[place][0] != steps[place - 1][0]:
            ax.axvline(place - 0.5, color="#BBBBBB", linewidth=0.8, linestyle=":")


def _write_gain(ax: Axes, values: pd.DataFrame) -> None:
    """Write the change from the first to the last iteration at the end of each pair of bars."""
    if values.shape[1] < 2:
        return
    gains = values[values.columns[-1]] - values[values.columns[0]]
    for place, (gain, longest) in enumerate(zip(gains, values.max(axis=1), strict=True)):
        if np.isfinite(gain):
            ax.text(longest, place, f" {gain:+.3f}".replace("-", "−"), va="center", fontsize=TICK_SIZE)
