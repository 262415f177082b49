"""How the parameters of a post-processing were found: the value of every setting of the grid, by class."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from sedlab.scoring.names import class_name
from sedlab.views.figures import frame, marks, style

if TYPE_CHECKING:
    from sedlab.scoring.tuning.choice import Tuning

_RING = {"marker": "o", "markersize": 9, "fillstyle": "none", "color": style.PSEUDO_LABEL}


def csebbs_tuning_figure(tuning: Tuning, *, title: str = "cSEBBs: PSDS1 of every setting") -> frame.Picture:
    """Return a map for each class: step filters down, merging thresholds across, a ring around the chosen setting.

    Each map has its own scale, from its worst (light) to its best (dark); the numbers are in its title.
    """
    grid = tuning.grid
    names = [f"{value:g}" for value in (*grid.absolute, *grid.relative)]
    figure, axes = _panels(len(tuning.best), 2.1, title)
    for ax, label, values in zip(axes, tuning.best, tuning.values, strict=True):
        _label(ax, label, values)
        marks.image(ax, values, style.SCORE_CMAP, (None, None))
        setting = tuning.params.settings.get(label)
        if setting is not None:
            column = grid.thresholds.index((setting.absolute, setting.relative))
            ax.plot(column, grid.steps.index(setting.step), markeredgewidth=2, **_RING)
        ax.axvline(len(grid.absolute) - 0.5, color=style.MUTED, linewidth=0.8)
        ax.set_xticks(range(0, len(names), 2), names[::2], rotation=90)
        ax.set_yticks(range(0, len(grid.steps), 2), [f"{step:g}" for step in grid.steps[::2]])
    figure.supxlabel("Merging threshold: absolute, then relative", fontsize=style.LABEL_SIZE)
    figure.supylabel("Step filter (s)", fontsize=style.LABEL_SIZE)
    return figure


def median_tuning_figure(tuning: Tuning, *, title: str = "Median filter: PSDS1 of every length") -> frame.Picture:
    """Return a curve for each class: the value over the filter length, a ring around the chosen one."""
    figure, axes = _panels(len(tuning.best), 1.8, title)
    for ax, (label, best), values in zip(axes, tuning.best.items(), tuning.values, strict=True):
        _label(ax, label, values, grid="both")
        ax.plot(tuning.grid, values, marker=".", color=style.STUDENT, linewidth=1.2)
        if not math.isnan(best):
            chosen = int(np.argmin(np.abs(values - best)))
            ax.plot(tuning.grid[chosen], values[chosen], **_RING)
    figure.supxlabel("Filter length (frames)", fontsize=style.LABEL_SIZE)
    figure.supylabel("PSDS1 of the class alone", fontsize=style.LABEL_SIZE)
    return figure


def _panels(count: int, height: float, title: str) -> tuple[frame.Picture, list[Axes]]:
    return frame.panels(count, 4, (2.7, height), margins=(0.2, 0.9), title=title)


def _label(ax: Axes, label: str, values: np.ndarray, *, grid: str | None = None) -> None:
    span = "no event" if np.isnan(values).all() else f"{np.nanmin(values):.3f} to {np.nanmax(values):.3f}"
    frame.label_axes(ax, title=f"{class_name(label)}\n{span}", grid=grid)
