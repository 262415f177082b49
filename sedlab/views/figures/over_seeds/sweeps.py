"""What the values of a setting come to: means, their spread over seeds, and differences from the base in pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from sedlab.scoring.names import metric_name, model_name
from sedlab.scoring.seeds.against_base import METRICS, against_base, is_clear, shown_models, told_difference
from sedlab.views.figures import frame, style

#: By iteration, from light to dark, so that later ones stand out in grey too.
_COLOURS = {1: (style.STUDENT,), 2: ("#7FB8DE", style.STUDENT), 3: ("#7FB8DE", style.STUDENT, "#062F4F")}
_DODGE = 0.14
_TITLE = "Every value, every seed"
_EMPTY = "No numbers yet: run the sweep until an iteration is evaluated."


def sweep_figure(numbers: pd.DataFrame, keys: Sequence[str], *, title: str = _TITLE) -> frame.Picture:
    """Return what the values of some settings come to, by metric; with two settings a map of them.

    Above: mean and standard deviation, a small mark for each seed. Below: the difference from the base within each
    seed, with the 95 % interval of its mean (paired t-test); filled: the interval leaves zero out. The ensemble of each
    iteration and the single models by their mean, after stage 2. In a map, of the last iteration: means as colours, and
    the difference in words, bold where its interval leaves zero out; a frame around the base.

    Parameters
    ----------
    numbers : DataFrame
        Of `sedlab.runs.sweep_numbers`: variant, the settings, base, seed, metric, iteration, stage, model, value.
    keys : sequence of str
        The settings that differ.
    """
    if numbers.empty or not numbers["base"].any():
        return frame.empty_figure(title, _EMPTY)
    base = int(numbers.loc[numbers["base"], "variant"].iloc[0])
    values = numbers.drop_duplicates("variant").set_index("variant")[list(keys)].sort_index()
    table, numbers = shown_models(against_base(numbers, base)), shown_models(numbers)
    metrics = [metric for metric in METRICS if metric in set(table["metric"])]
    draw = _maps if len(keys) == 2 else _curves
    return draw(table, numbers, values, base, metrics, title)


def _curves(
    table: pd.DataFrame, numbers: pd.DataFrame, values: pd.DataFrame, base: int, metrics: Sequence[str], title: str
) -> frame.Picture:
    paired = bool((table["pairs"] > 0).any())
    rows = 2 if paired else 1
    width = max(3.3, 1.0 + 0.62 * len(values))
    figure = frame.new_figure(1.7 + width * len(metrics), 1.2 + 2.4 * rows, title=title)
    axes = figure.subplots(rows, len(metrics), squeeze=False, sharex="col")
    series = list(dict.fromkeys(zip(table["iteration"], table["model"], strict=True)))
    ticks = [_told(row, place == base) for place, row in values.iterrows()]
    for column, metric in enumerate(metrics):
        part, seeds, name = table[table["metric"] == metric], numbers[numbers["metric"] == metric], metric_name(metric)
        frame.label_axes(axes[0][column], title=name, y="Mean and seeds" if column == 0 else "", grid="y")
        if paired:
            frame.label_axes(axes[1][column], y="Difference from the base" if column == 0 else "", grid="y")
            axes[1][column].axhline(0, color=style.MUTED, linewidth=1)
        for place, one in enumerate(series):
            look = _look(*one, sorted(set(table["iteration"])))
            shift = _DODGE * (place - (len(series) - 1) / 2)
            chosen = part[(part["iteration"] == one[0]) & (part["model"] == one[1])]
            _means(axes[0][column], chosen, _of(seeds, one), values.index, shift, look)
            if paired:
                _differences(axes[1][column], chosen, values.index, shift, look)
        last = axes[-1][column]
        last.set_xticks(range(len(values)), ticks, rotation=0 if max(map(len, ticks)) < 12 else 30)
        last.set_xlim(-0.5, len(values) - 0.5)
        last.set_xlabel("\n".join(values.columns), fontsize=style.LABEL_SIZE)
    drawn = dict(zip(*reversed(axes[0][0].get_legend_handles_labels()), strict=True))
    for ax in axes[0][1:]:
        drawn |= dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    frame.figure_legend(figure, list(drawn.values()), list(drawn))
    return figure


def _means(
    ax: Axes, chosen: pd.DataFrame, seeds: pd.DataFrame, variants: pd.Index, shift: float, look: dict[str, object]
) -> None:
    if chosen.empty:
        return
    places = [variants.get_loc(variant) + shift for variant in chosen["variant"]]
    ax.plot(places, chosen["mean"], linewidth=1.3, **look)
    ax.errorbar(places, chosen["mean"], chosen["sd"].fillna(0), fmt="none", ecolor=look["color"], capsize=3)
    every = [variants.get_loc(variant) + shift for variant in seeds["variant"]]
    ax.plot(every, seeds["value"], "_", color=style.MUTED, markersize=7, zorder=1)


def _differences(ax: Axes, chosen: pd.DataFrame, variants: pd.Index, shift: float, look: dict[str, object]) -> None:
    for row in chosen[chosen["pairs"] > 0].itertuples():
        place, clear = variants.get_loc(row.variant) + shift, is_clear(row)
        ax.plot([place] * 2, [row.low, row.high], color=look["color"], linewidth=2.2 if clear else 1.2)
        marker = {"marker": look["marker"], "markersize": 6, "fillstyle": "full" if clear else "none"}
        ax.plot(place, row.difference, color=look["color"], linestyle="none", **marker)


def _maps(
    table: pd.DataFrame, numbers: pd.DataFrame, values: pd.DataFrame, base: int, metrics: Sequence[str], title: str
) -> frame.Picture:
    down, across = (list(dict.fromkeys(values[key])) for key in values.columns)
    last = table[table["iteration"] == table["iteration"].max()]
    width, height = 1.0 + 1.25 * len(across), 1.4 + 0.62 * len(down)
    figure = frame.new_figure(0.6 + max(2.8, width) * len(metrics), height + 0.5, title=title)
    for ax, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        part = last[last["metric"] == metric]
        model = "ensemble" if "ensemble" in set(part["model"]) else part["model"].iloc[0]
        part = part[part["model"] == model]
        told = f"{metric_name(metric)}\n{model_name(model)}, iteration {part['iteration'].iloc[0]}"
        key_down, key_across = values.columns
        frame.label_axes(ax, title=told, x=key_across, y=key_down if metric == metrics[0] else "")
        grid = np.full((len(down), len(across)), np.nan)
        for row in part.itertuples():
            place = values.loc[row.variant]
            grid[down.index(place[key_down]), across.index(place[key_across])] = row.mean
        shown = ax.imshow(grid, cmap=style.SCORE_CMAP, aspect="auto")
        for row in part.itertuples():
            place = values.loc[row.variant]
            x, y = across.index(place[key_across]), down.index(place[key_down])
            _cell(ax, row, x, y, shown.cmap(shown.norm(row.mean)), is_base=row.variant == base)
        ax.set_xticks(range(len(across)), across)
        ax.set_yticks(range(len(down)), down)
    return figure


def _cell(ax: Axes, row: object, x: int, y: int, colour: Sequence[float], *, is_base: bool) -> None:
    red, green, blue = to_rgb(colour)
    ink = "white" if 0.3 * red + 0.59 * green + 0.11 * blue < 0.5 else style.GROUND_TRUTH
    spread = "" if np.isnan(row.sd) else f" ± {row.sd:.3f}"
    told = "base" if is_base else told_difference(row).partition(" (")[0]
    text = {"ha": "center", "fontsize": style.TICK_SIZE, "color": ink}
    ax.text(x, y - 0.04, f"{row.mean:.3f}{spread}", va="bottom", **text)
    ax.text(x, y + 0.04, told, va="top", fontweight="bold" if is_clear(row) else "normal", **text)
    if is_base:
        ax.add_patch(Rectangle((x - 0.49, y - 0.48), 0.98, 0.96, fill=False, edgecolor=style.PSEUDO_LABEL, linewidth=2))


def _of(numbers: pd.DataFrame, one: tuple[int, str]) -> pd.DataFrame:
    return numbers[(numbers["iteration"] == one[0]) & (numbers["model"] == one[1])]


def _look(iteration: int, model: str, iterations: Sequence[int]) -> dict[str, object]:
    shades = _COLOURS[min(len(iterations), len(_COLOURS))]
    is_ensemble = model == "ensemble"
    return {
        "color": shades[min(list(iterations).index(iteration), len(shades) - 1)],
        "marker": "D" if is_ensemble else "o",
        "linestyle": "-" if is_ensemble else "--",
        "markersize": 5,
        "label": f"{model_name(model)}, iteration {iteration}",
    }


def _told(values: Sequence[str], is_base: bool) -> str:
    told = ", ".join(map(str, values))
    return f"{told}\n(base)" if is_base else told
