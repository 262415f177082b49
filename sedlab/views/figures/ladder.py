"""How far each step of the method takes: metrics by iteration and stage, and by class."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sedlab.scoring.names import STAGE_NAME, class_names, metric_name, model_name
from sedlab.scoring.results import ALL, LADDER, ladder, ladder_subsets, pivot, select
from sedlab.views.figures import frame, marks, style

#: A bar per iteration: from light to dark, so that later iterations stand out in grey too.
_ITERATION_COLOURS = {1: (style.STUDENT,), 2: ("#9CCBE8", style.STUDENT), 3: ("#9CCBE8", style.STUDENT, "#062F4F")}


def ladder_figure(results: pd.DataFrame, *, title: str = "Step by step") -> frame.Picture:
    """Return PSDS1 (DESED) and mpAUC (MAESTRO) of every model after each stage of each iteration.

    ``results`` is a results table (``sedlab.scoring.results``), or what ``ladder`` makes of one. Median-filtered
    student values are shown; a metric that is not there stays empty. With several seeds: their mean, and a bar of one
    standard deviation to either side.
    """
    spread = None
    if "sd" in results:
        spread = ladder(results.assign(value=results["sd"]))
        title += f" (mean ± standard deviation of {results['seeds'].max():.0f} seeds)"
        results = results.assign(value=results["mean"])
    subsets = ladder_subsets(set(results["subset"])) if "metric" in results else {}
    table = results if "metric" not in results else ladder(results)
    table = table[table["stage"] != "pretrain"]
    if table.empty:
        return frame.empty_figure(title, "No results yet: run and evaluate an iteration first.")
    steps = list(dict.fromkeys(zip(table["iteration"], table["stage"], strict=True)))
    figure = frame.new_figure(10, 3.9, title=title)
    axes = figure.subplots(1, len(LADDER))
    for ax, (metric, (usual, *_)) in zip(axes, LADDER.items(), strict=True):
        name, subset = metric_name(metric), subsets.get(metric, usual)
        frame.label_axes(ax, title=f"{name} on {subset}", x="Training step", y=name, grid="y")
        _draw_ladder(ax, table, steps, metric)
        if spread is not None:
            _draw_spread(ax, table, spread, steps, metric)
    # One legend for both panels, beside them: curves cross, and no corner is safe.
    handles, names = next((found for ax in axes if (found := ax.get_legend_handles_labels())[0]), ([], []))
    if handles:
        frame.figure_legend(figure, handles, names)
    return figure


def class_bars_figure(
    results: pd.DataFrame,
    metric: str = "psds1",
    subset: str | None = None,
    *,
    model: str | None = None,
    stage: str = "stage2",
    title: str = "",
) -> frame.Picture:
    """Return the metric of each class as bars, one for each iteration: which classes did self-training help?

    Parameters
    ----------
    results : DataFrame
        As for ``ladder_figure``.
    subset : str or None
        None: the subset on which the ladder reads this metric.
    model : str or None
        None: the ensemble where there is one, otherwise the first model.
    """
    usual, *_ = LADDER.get(metric, next(iter(LADDER.values())))
    subset = subset or ladder_subsets(set(results["subset"])).get(metric, usual)
    table = select(results, label=None, metric=metric, subset=subset, stage=stage)
    table = table[table["label"] != ALL]
    present = list(dict.fromkeys(table["model"]))
    model = model or ("ensemble" if "ensemble" in present else next(iter(present), ""))
    table = table[table["model"] == model]
    name = metric_name(metric)
    title = title or f"{name} by class on {subset}: {model_name(model)}, {STAGE_NAME[stage]}"
    if table.empty:
        return frame.empty_figure(title, _told_absent(results, name, subset))

    iterations = sorted(set(table["iteration"]))
    values = pivot(table, ["label"], "iteration", order=iterations).set_index("label")
    values = values.sort_values(iterations[-1], na_position="first")
    figure, ax = frame.single(7.2, 1.2 + 0.34 * len(values), title=title, x=name, y="Class", grid="x")
    num_bars = values.shape[1]
    height, colours = 0.78 / num_bars, _ITERATION_COLOURS.get(num_bars, style.CLASS_CYCLE * num_bars)
    for order, (iteration, colour) in enumerate(zip(values.columns, colours, strict=False)):
        # The first iteration is the upper bar of each pair, as one reads.
        places = np.arange(len(values)) + height * ((num_bars - 1) / 2 - order)
        lengths = values[iteration].fillna(0).to_numpy(float)
        ax.barh(places, lengths, height=height * 0.94, color=colour, label=f"iteration {iteration}")
    _write_gain(ax, values)
    frame.name_rows(ax, class_names(values.index))
    ax.set_xlim(0, 1.15 * max(0.05, np.nanmax(values.to_numpy(float), initial=0.0)))
    if num_bars > 1:
        frame.legend(ax, loc="lower right")
    return figure


def _told_absent(results: pd.DataFrame, name: str, subset: str) -> str:
    if len(results) and subset not in set(results["subset"]):
        return f"No {name}: {subset} is not among the data of this run."
    return f"No {name} of single classes on {subset}: evaluate this step first."


def _draw_ladder(ax: Axes, table: pd.DataFrame, steps: list[tuple[int, str]], metric: str) -> None:
    for model in dict.fromkeys(table["model"]):
        rows = table[table["model"] == model].dropna(subset=[metric])
        places = [steps.index(step) for step in zip(rows["iteration"], rows["stage"], strict=True)]
        if places:
            look = style.MODEL_LOOK.get(model, style.OTHER_LOOK)
            ax.plot(places, rows[metric], label=model_name(model), linewidth=1.6, markersize=6, **look)
    if not ax.get_lines():
        frame.say_empty(ax, "not evaluated")
        return
    names = [f"Iteration {iteration}\n{STAGE_NAME[stage].capitalize()}" for iteration, stage in steps]
    ax.set_xticks(range(len(steps)), names)
    ax.set_xlim(-0.3, len(steps) - 0.7)
    for place in range(1, len(steps)):
        if steps[place][0] != steps[place - 1][0]:
            ax.axvline(place - 0.5, color="#BBBBBB", linewidth=0.8, linestyle=":")


def _draw_spread(
    ax: Axes, table: pd.DataFrame, spread: pd.DataFrame, steps: list[tuple[int, str]], metric: str
) -> None:
    both = table.merge(spread, on=["iteration", "stage", "model"], suffixes=("", "_sd")).dropna(subset=[metric])
    for model, rows in both.groupby("model", sort=False):
        places = [steps.index(step) for step in zip(rows["iteration"], rows["stage"], strict=True)]
        colour = style.MODEL_LOOK.get(model, style.OTHER_LOOK).get("color", style.MUTED)
        ax.errorbar(places, rows[metric], rows[f"{metric}_sd"].fillna(0), fmt="none", ecolor=colour, capsize=3)


def _write_gain(ax: Axes, values: pd.DataFrame) -> None:
    """Write the change from the first to the last iteration at the end of each pair of bars."""
    if values.shape[1] < 2:
        return
    gains = values[values.columns[-1]] - values[values.columns[0]]
    texts = [f"{gain:+.3f}".replace("-", "−") if np.isfinite(gain) else "" for gain in gains]
    marks.write_beside(ax, values.max(axis=1), texts)
