"""What a step gained in each seed, and how sure the mean is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sedlab.scoring.names import metric_name, model_name
from sedlab.scoring.seeds.gains import paired_gains, seed_gains
from sedlab.scoring.seeds.tables import SINGLE
from sedlab.views.figures import frame, style


def seed_gains_figure(results: pd.DataFrame, *, title: str = "What each step gained, seed by seed") -> frame.Picture:
    """Return the gain of each step: a dot for each seed, the mean with its 95 % interval (paired t-test).

    One panel a metric; the single models by their mean, and the ensemble. Dark: the interval excludes zero. ``results``
    are those of several seeds (`sedlab.scoring.seeds.tables.joined`).
    """
    gains = seed_gains(results)
    gains = gains[gains["model"].isin([SINGLE, "ensemble"]) | (gains["model"].nunique() < 2)]
    if gains.empty:
        return frame.empty_figure(title, "No pairs of steps yet: run an experiment with --seeds 3.")
    parts = dict(iter(gains.groupby("metric", sort=False)))
    rows = max(part.groupby(["step", "model"]).ngroups for part in parts.values())
    figure = frame.new_figure(3.4 + 4.0 * len(parts), 1.5 + 0.42 * rows, title=title)
    panels = figure.subplots(1, len(parts), squeeze=False)[0]
    for place, (ax, (metric, part)) in enumerate(zip(panels, parts.items(), strict=True)):
        name = metric_name(metric)
        frame.label_axes(ax, title=name, x=f"Gain in {name}", y="Step" if place == 0 else "", grid="x")
        _draw(ax, part, named=place == 0)
    return figure


def _draw(ax: Axes, part: pd.DataFrame, *, named: bool) -> None:
    table = paired_gains(part).iloc[::-1].reset_index(drop=True)  # from the bottom up
    ax.axvline(0, color=style.MUTED, linewidth=1)
    right = ax.get_yaxis_transform()
    for place, row in enumerate(table.itertuples()):
        clear = row.low > 0 or row.high < 0
        colour = style.STUDENT if clear else style.MUTED
        found = part[(part["step"] == row.step) & (part["model"] == row.model)]["gain"]
        ax.plot(found, np.full(len(found), place - 0.18), "|", color=style.GROUND_TRUTH, markersize=8)
        ax.plot([row.low, row.high], [place + 0.12] * 2, color=colour, linewidth=2.2 if clear else 1.4)
        ax.plot(row.gain, place + 0.12, "D", color=colour, markersize=6, fillstyle="full" if clear else "none")
        text = f"{row.gain:+.3f}, {row.up} of {row.pairs} up".replace("-", "−")
        ax.text(1.01, place, text, transform=right, va="center", fontsize=style.TICK_SIZE, color=style.MUTED)
    names = [f"{row.step}\n{model_name(row.model)}" for row in table.itertuples()]
    frame.name_rows(ax, names if named else [""] * len(names), margin=0.7)
