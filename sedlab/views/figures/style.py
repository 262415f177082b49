"""The look of every figure: colours by meaning, one scale for scores, the names of classes, models and metrics."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap

#: By meaning. Okabe & Ito (2008), https://jfly.uni-koeln.de/color/: distinct for all common kinds of colour blindness,
#: and of different lightness, so that they stay apart in grey.
GROUND_TRUTH = "#222222"
STUDENT = "#0072B2"
DETECTION = STUDENT
PSEUDO_LABEL = "#D55E00"
TEACHER = "#CC79A7"
NOT_ANNOTATED = "#D9D9D9"
MUTED = "#7A7A7A"
#: What two sides agree on, neither people's black nor the pseudo-labels' orange; what is right.
BOTH = "#009E73"

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

DASHES = ("-", "--", "-.", ":")
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


def class_name(label: str) -> str:
    """Return ``label`` as words: the corpora spell some classes with underscores."""
    return str(label).replace("_", " ")


def class_names(labels: Iterable[str]) -> list[str]:
    """Return ``labels`` as words."""
    return [class_name(label) for label in labels]


def class_colour(place: int) -> str:
    """Return the colour of the class, or other thing without a colour of its own, at ``place`` of a list."""
    return CLASS_CYCLE[place % len(CLASS_CYCLE)]


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
