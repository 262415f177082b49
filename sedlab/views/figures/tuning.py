"""How the parameters of a post-processing were found: the value of every setting of the grid, by class."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sedlab.views.figures.style import (
    MUTED,
    PSEUDO_LABEL,
    SCORE_CMAP,
    STUDENT,
    Picture,
    class_name,
    label_axes,
    new_figure,
)

if TYPE_CHECKING:
    from sedlab.scoring.tuning.csebbs import CsebbsTuning
    from sedlab.scoring.tuning.median import MedianTuning

_COLUMNS = 4


def csebbs_tuning_figure(tuning: CsebbsTuning, *, title: str = "cSEBBs: PSDS1 of every setting") -> Picture:
    """Return a map for each class: step filters down, merging thresholds across, a ring around the chosen setting.

    Each map has its own scale, from its worst (light) to its best (dark); the numbers are in its title.
    """
    grid = tuning.grid
    names = [f"{value:g}" for value in (*grid.absolute, *grid.relative)]
    picture, panels = _panels(len(tuning.best), 2.1, title)
    for k, (label, ax) in enumerate(zip(tuning.best, panels, strict=True)):
        values, setting = tuning.values[k], tuning.params.settings[label]
        label_axes(ax, title=_range(label, values))
        ax.imshow(values, cmap=SCORE_CMAP, aspect="auto", interpolation="nearest")
        column = grid.thresholds.index((setting.absolute, setting.relative))
        row = grid.steps.index(setting.step)
        ax.plot(column, row, marker="o", markersize=9, fillstyle="none", color=PSEUDO_LABEL, markeredgewidth=2)
        ax.axvline(len(grid.absolute) - 0.5, color=MUTED, linewidth=0.8)
        ax.set_xticks(range(0, len(names), 2), names[::2], rotation=90)
        ax.set_yticks(range(0, len(grid.steps), 2), [f"{step:g}" for step in grid.steps[::2]])
    picture.supxlabel("Merging threshold: absolute, then relative", fontsize=9)
    picture.supylabel("Step filter (s)", fontsize=9)
    return picture


def median_tuning_figure(tuning: MedianTuning, *, title: str = "Median filter: PSDS1 of every length") -> Picture:
    """Return a curve for each class: the value over the filter length, a ring around the chosen one."""
    picture, panels = _panels(len(tuning.best), 1.8, title)
    for k, (label, ax) in enumerate(zip(tuning.best, panels, strict=True)):
        values = tuning.values[k]
        label_axes(ax, title=_range(label, values), grid="both")
        ax.plot(tuning.lengths, values, marker=".", color=STUDENT, linewidth=1.2)
        if not math.isnan(tuning.best[label]):
            chosen = int(np.argmin(np.abs(values - tuning.best[label])))
            ax.plot(tuning.lengths[chosen], values[chosen], "o", markersize=9, fillstyle="none", color=PSEUDO_LABEL)
    picture.supxlabel("Filter length (frames)", fontsize=9)
    picture.supylabel("PSDS1 of the class alone", fontsize=9)
    return picture


def _panels(count: int, height: float, title: str) -> tuple[Picture, list]:
    """Return a figure of ``count`` axes; each row is ``height`` inches high."""
    rows = math.ceil(count / _COLUMNS)
    picture = new_figure(11, 0.9 + height * rows, title=title)
    axes = picture.subplots(rows, min(count, _COLUMNS), squeeze=False).reshape(-1)
    for ax in axes[count:]:
        ax.set_visible(False)
    return picture, list(axes[:count])


def _range(label: str, values: np.ndarray) -> str:
    if np.isnan(values).all():
        return f"{class_name(label)}\nno event"
    return f"{class_name(label)}\n{np.nanmin(values):.3f} to {np.nanmax(values):.3f}"
