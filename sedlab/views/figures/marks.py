"""What is drawn again and again: images, coloured tables, stacked bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, Normalize
from matplotlib.image import AxesImage

from sedlab.views.figures.frame import name_rows
from sedlab.views.figures.style import AMOUNT_CMAP, LABEL_SIZE, NUMBER, TICK_SIZE

#: What is there only on one side: told apart by its hatch, too.
HATCH = {"hatch": "///", "edgecolor": "white"}
#: Above this part of the scale, black on the colours of amounts cannot be read.
DARK = 0.45


def image(
    ax: Axes,
    values: np.ndarray,
    cmap: Colormap | str,
    limits: tuple[float | None, float | None] = (0, 1),
    extent: tuple[float, float, float, float] | None = None,
    **options: Any,
) -> AxesImage:
    """Draw ``values`` (rows, columns) as cells that fill ``extent`` (left, right, bottom, top)."""
    options = {"aspect": "auto", "interpolation": "nearest", **options}
    return ax.imshow(values, cmap=cmap, vmin=limits[0], vmax=limits[1], extent=extent, **options)


def colour_bar(drawn: AxesImage, label: str, **options: Any) -> Colorbar:
    """Put the scale of ``drawn`` at its right."""
    bar = drawn.figure.colorbar(drawn, ax=drawn.axes, pad=0.01, **options)
    bar.set_label(label, fontsize=LABEL_SIZE)
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)
    return bar


def coloured_table(
    ax: Axes,
    values: np.ndarray,
    norm: Normalize,
    write: Callable[[float], str],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
) -> AxesImage:
    """Draw a cell for each of ``values`` (rows, columns), with what ``write`` makes of it; NaN stays white and empty.

    Comes after ``label_axes``.
    """
    values = np.asarray(values, dtype=float)
    drawn = image(ax, values, AMOUNT_CMAP, (None, None), norm=norm)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value) and (text := write(value)):
            colour = "white" if norm(value) > DARK else "black"
            ax.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    ax.set_xticks(range(len(columns)), columns, rotation=40, ha="right")
    name_rows(ax, rows, downwards=True, margin=0.5)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return drawn


def stacked_bars(
    ax: Axes, parts: Mapping[str, tuple[np.ndarray, dict[str, Any]]], *, height: float = 0.78
) -> np.ndarray:
    """Draw the named parts of each row one after the other from 0, negative ones to the left; return the right ends.

    Parameters
    ----------
    parts : {name: (widths (rows,), look)}
        ``look``: options of the bars, such as their colour.
    """
    right = left = np.zeros(1)
    for name, (widths, look) in parts.items():
        widths = np.asarray(widths, dtype=float)
        starts = np.where(widths < 0, left, right)
        ax.barh(range(len(widths)), widths, left=starts, height=height, label=name, linewidth=0, **look)
        right, left = right + widths.clip(min=0), left + widths.clip(max=0)
    return right


def write_beside(ax: Axes, ends: Sequence[float], texts: Sequence[str]) -> None:
    """Write the text of each row, if it has one, at the right of where its bar ends."""
    look = {"va": "center", "fontsize": TICK_SIZE, "color": NUMBER}
    for place, (end, text) in enumerate(zip(ends, texts, strict=True)):
        if text:
            ax.annotate(text, (end, place), (3, 0), textcoords="offset points", **look)
