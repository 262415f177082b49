"""The look of every figure: colours by meaning, one scale for scores, one way to make and label axes.

Figures are plain ``Figure`` objects outside pyplot's registry, so that nothing has to be closed and nothing leaks when
a notebook or a widget draws hundreds of them.
"""

from __future__ import annotations

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

#: By meaning. Okabe & Ito (2008), https://jfly.uni-koeln.de/color/: distinct for all common kinds of colour blindness,
#: and of different lightness, so that they stay apart in grey.
GROUND_TRUTH = "#222222"
STUDENT = "#0072B2"
DETECTION = STUDENT
PSEUDO_LABEL = "#D55E00"
TEACHER = "#CC79A7"
NOT_ANNOTATED = "#D9D9D9"
MUTED = "#7A7A7A"

#: Colour-blind-safe cycle for classes: the "muted" scheme of P. Tol, https://personal.sron.nl/~pault/.
CLASS_CYCLE = (
    "#332288",
    "#CC6677",
    "#117733",
    "#88CCEE",
    "#882255",
    "#DDCC77",
    "#44AA99",
    "#AA4499",
    "#999933",
)

#: Display name, colour, marker and line style of a model: told apart by shape as well as by colour.
MODEL_STYLE: dict[str, tuple[str, str, str, str]] = {
    "passt": ("fPaSST", "#4477AA", "s", "--"),
    "beats": ("BEATs", "#EE6677", "^", "-."),
    "atst": ("ATST", "#228833", "o", "-"),
    "ensemble": ("Ensemble", "#222222", "D", "-"),
}
METRIC_NAME = {
    "psds1": "PSDS1",
    "psds2": "PSDS2",
    "pipsds1": "piPSDS1",
    "collar_f1": "collar F1",
    "collar_f1_best": "best collar F1",
    "intersection_f1": "intersection F1",
    "intersection_f1_best": "best intersection F1",
    "mpauc": "mpAUC",
    "mpauc_linear": "mpAUC (linear)",
    "objective": "selection objective",
}
LABEL_KIND_COLOUR = {"strong": "#222222", "soft": "#4477AA", "weak": "#CCBB44", "none": "#D9D9D9"}
GROUP_COLOUR = {
    "maestro": "#4477AA",
    "strong": "#222222",
    "synth": "#AA4499",
    "weak": "#CCBB44",
    "unlabeled": "#BBBBBB",
    "audioset": "#44AA99",
}

#: Colour maps have 64 steps: as many as the eye tells apart, and few enough for a PNG palette.
SPECTROGRAM_CMAP = colormaps["magma"].resampled(64)
#: All run from white (0) to a dark tone (1), so a strip reads the same in grey.
TRUTH_CMAP = LinearSegmentedColormap.from_list("truth", ["#FFFFFF", GROUND_TRUTH], N=64)
PSEUDO_LABEL_TONES = ("#FFFFFF", "#FBC59A", PSEUDO_LABEL, "#5A2600")
PSEUDO_LABEL_CMAP = LinearSegmentedColormap.from_list("pseudo_label", PSEUDO_LABEL_TONES, N=64)
SCORE_CMAP = LinearSegmentedColormap.from_list("score", ["#FFFFFF", "#9CCBE8", STUDENT, "#062F4F"], N=64)
AMOUNT_CMAP = LinearSegmentedColormap.from_list("amount", ["#F7F7F7", "#8FC7BD", "#1B7A6E", "#0A332E"], N=64)

DPI = 100
TITLE_SIZE = 11
LABEL_SIZE = 9
TICK_SIZE = 8


class Picture(Figure):
    """A matplotlib figure that shows itself in a notebook, also where pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        from sedlab.views.figures.embed import figure_to_png

        return figure_to_png(self)


def new_figure(width: float, height: float, *, title: str = "") -> Picture:
    """Return an empty figure of ``width`` x ``height`` inches that lays itself out."""
    figure = Picture(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title, fontsize=TITLE_SIZE, fontweight="bold", x=0.01, ha="left")
    return figure


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


def legend(ax: Axes, **options: object) -> None:
    """Put a legend on ``ax`` if it has anything to name."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(**{"fontsize": TICK_SIZE, "frameon": True, "framealpha": 0.9, "edgecolor": "#DDDDDD", **options})


def say_empty(ax: Axes, sentence: str) -> None:
    """Write ``sentence`` in the middle of ``ax`` in place of data: what is missing, or what to run."""
    ax.text(0.5, 0.5, sentence, transform=ax.transAxes, ha="center", va="center", fontsize=LABEL_SIZE, color=MUTED)
    # Hide rather than remove: axes may share their ticks with others that do have data.
    ax.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)


def empty_figure(title: str, sentence: str) -> Picture:
    """Return a figure that says why it is empty."""
    figure = new_figure(6, 2.2)
    ax = label_axes(figure.subplots(), title=title)
    say_empty(ax, sentence)
    return figure


def class_name(label: str) -> str:
    """Return ``label`` as words: the corpora spell some classes with underscores."""
    return str(label).replace("_", " ")


def model_style(model: str) -> tuple[str, dict[str, object]]:
    """Return the display name of ``model`` and its line keywords; unknown models get a muted line."""
    name, colour, marker, line = MODEL_STYLE.get(model, (model, MUTED, "v", ":"))
    return name, {"color": colour, "marker": marker, "linestyle": line}


def model_name(name: str) -> str:
    """Return ``name`` with a leading model key spelt as in print: "atst iteration 2" becomes "ATST iteration 2"."""
    first, *rest = str(name).split(" ", 1)
    return " ".join([MODEL_STYLE[first][0] if first in MODEL_STYLE else first, *rest])


def metric_name(metric: str) -> str:
    """Return the display name of ``metric``: "mpauc" becomes "mpAUC", others lose their underscores."""
    return METRIC_NAME.get(metric, str(metric).replace("_", " "))
