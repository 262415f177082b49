"""The frame of every figure: how it is made and divided, how axes are labelled, what is said where there is no data.

Figures are plain ``Figure`` objects outside pyplot's registry, so that nothing has to be closed and nothing leaks when
a notebook or a widget draws hundreds of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sedlab.views.figures.embed import figure_to_png
from sedlab.views.figures.style import DPI, LABEL_SIZE, MUTED, TICK_SIZE, TITLE_SIZE

#: Inches; a title fits in.
_LEAST_WIDTH = 4.5


class Picture(Figure):
    """A matplotlib figure that shows itself in a notebook, also where pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        return figure_to_png(self)


def new_figure(width: float, height: float, *, title: str = "") -> Picture:
    """Return an empty figure of ``width`` x ``height`` inches that lays itself out."""
    figure = Picture(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    if title:
        # A name in it may hold dollars, between which matplotlib would look for a formula.
        figure.suptitle(title.replace("$", r"\$"), fontsize=TITLE_SIZE, fontweight="bold", x=0.01, ha="left")
    return figure


def single(width: float, height: float, **labels: str) -> tuple[Picture, Axes]:
    """Return a figure of ``width`` x ``height`` inches and its only axes, with ``labels`` as of `label_axes`."""
    figure = new_figure(width, height)
    return figure, label_axes(figure.subplots(), **labels)


def empty_figure(title: str, sentence: str) -> Picture:
    """Return a figure that says why it is empty."""
    figure, ax = single(6, 2.2, title=title)
    say_empty(ax, sentence)
    return figure


def panels(
    count: int,
    columns: int,
    size: tuple[float, float],
    *,
    margins: tuple[float, float] = (0.0, 0.0),
    title: str = "",
    **options: object,
) -> tuple[Picture, list[Axes]]:
    """Return a figure and its ``count`` axes, row by row in at most ``columns`` columns.

    Parameters
    ----------
    size : (width, height) of a panel in inches
    margins : (width, height) in inches beside all of them
    options
        Of ``Figure.subplots``: ``sharex=True``.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    width, height = size[0] * columns + margins[0], size[1] * rows + margins[1]
    figure = new_figure(max(_LEAST_WIDTH, width), height, title=title)
    axes = list(figure.subplots(rows, columns, squeeze=False, **options).ravel())
    for place in range(count, rows * columns):
        axes[place].remove()
        # The one above is now the lowest of its column.
        axes[place - columns].tick_params(labelbottom=True)
    return figure, axes[:count]


def label_axes(ax: Axes, *, title: str = "", x: str = "", y: str = "", grid: str | None = None) -> Axes:
    """Label ``ax`` in the house style; ``grid`` is None, "x", "y" or "both"."""
    if title:
        ax.set_title(title, fontsize=TITLE_SIZE, loc="left")
    ax.set_xlabel(x, fontsize=LABEL_SIZE)
    ax.set_ylabel(y, fontsize=LABEL_SIZE)
    ax.tick_params(labelsize=TICK_SIZE, length=3, color=MUTED)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(MUTED)
    if grid:
        ax.grid(True, axis=grid, color="#E4E4E4", linewidth=0.7)
        ax.set_axisbelow(True)
    return ax


def name_rows(ax: Axes, names: Sequence[str], *, downwards: bool = False, margin: float = 0.6) -> None:
    """Name rows of ``ax`` from the bottom up, or from the top ``downwards``; ``margin`` is free around their middles.

    Comes after ``label_axes``, which gives axes their tick marks: rows have none.
    """
    ax.set_yticks(range(len(names)), names, fontsize=TICK_SIZE)
    ax.tick_params(axis="y", length=0)
    ends = (-margin, len(names) - 1 + margin)
    ax.set_ylim(*(reversed(ends) if downwards else ends))


def legend(ax: Axes, **options: object) -> None:
    """Put a legend on ``ax`` if it has anything to name."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(**{"fontsize": TICK_SIZE, "frameon": True, "framealpha": 0.9, "edgecolor": "#DDDDDD", **options})


def legend_beside(ax: Axes, *, x: float = 1.0) -> None:
    """Put a legend at the right of ``ax``, ``x`` of its width from the left, where it hides no data."""
    legend(ax, loc="upper left", bbox_to_anchor=(x, 1.0), frameon=False)


def figure_legend(figure: Figure, handles: Sequence[Artist], names: Sequence[str], **options: object) -> None:
    """Put one legend for all axes beside them."""
    options = {"loc": "outside right center", "fontsize": TICK_SIZE, "frameon": False, **options}
    figure.legend(handles, names, **options)


def say_empty(ax: Axes, sentence: str) -> None:
    """Write ``sentence`` in the middle of ``ax`` in place of data: what is missing, or what to run."""
    ax.text(0.5, 0.5, sentence, transform=ax.transAxes, ha="center", va="center", fontsize=LABEL_SIZE, color=MUTED)
    # Hide rather than remove: axes may share their ticks with others that do have data.
    ax.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
