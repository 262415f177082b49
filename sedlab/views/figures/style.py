"""The look of every figure: colours by meaning, by model, and one scale for scores."""

from __future__ import annotations

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
NUMBER = "#444444"
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
#: Models are told apart by shape as well as by colour.
MODEL_LOOK: dict[str, dict[str, str]] = {
    "passt": {"color": "#4477AA", "marker": "s", "linestyle": "--"},
    "beats": {"color": "#EE6677", "marker": "^", "linestyle": "-."},
    "atst": {"color": "#228833", "marker": "o", "linestyle": "-"},
    "ensemble": {"color": "#222222", "marker": "D", "linestyle": "-"},
}
OTHER_LOOK = {"color": MUTED, "marker": "v", "linestyle": ":"}
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


def class_colour(place: int) -> str:
    """Return the colour of the class, or other thing without a colour of its own, at ``place`` of a list."""
    return CLASS_CYCLE[place % len(CLASS_CYCLE)]


def model_in(name: str) -> str | None:
    """Return the model that ``name`` speaks of, say that of a step of a run; None: no known one."""
    return next((model for model in MODEL_LOOK if model in name), None)
