"""The controls of the explorer of curves: systems, metric, post-processing, class, band, and whom to compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from sedlab.errors import SedlabError
from sedlab.scoring.curves.curve_set import CurveSet
from sedlab.scoring.names import class_name, metric_name
from sedlab.views.explorers.panel import ALL, dropdown
from sedlab.views.kept import LIVE_ONLY

#: The choice that draws the curve of every class.
EACH = "each"
_CLASSES = {ALL: "all together", EACH: "each apart"}
_WAYS = {"none": "no post-processing", "median": "median filter", "boxes": "event boxes"}


class CurveControls:
    """What to draw.

    Parameters
    ----------
    curves : CurveSet
        Its systems, metrics and ways can be chosen.
    systems, metric, way
        What to begin with; SedlabError for a system that is not there.
    earlier : str
        Whom to compare with first, where one system is drawn.
    """

    def __init__(
        self, curves: CurveSet, systems: Sequence[str], metric: str | None, way: str | None, earlier: str = ""
    ) -> None:
        unknown = [name for name in systems if name not in curves.systems]
        if unknown:
            raise SedlabError(f"no system {unknown[0]!r} among these. There are: {'; '.join(curves.systems)}.")
        self.systems = widgets.SelectMultiple(
            description="Systems",
            options=list(curves.systems),
            value=list(systems),
            rows=min(8, max(3, len(curves.systems))),
            layout=widgets.Layout(width="min(100%, 340px)"),
            tooltip="Hold Ctrl (⌘) or Shift to choose several",
        )
        self.metric = dropdown("Metric", curves.metrics, spell=metric_name)
        self.way = dropdown("Scores", curves.ways, spell=lambda name: _WAYS.get(name, name))
        self.metric.value = metric or curves.metrics[0]
        self.way.value = way or curves.ways[-1]
        self.label = dropdown("Class", [ALL])
        self.band = widgets.Checkbox(description="95 % band of resampled clips", indent=False)
        self.a, self.b = dropdown("From", curves.systems), dropdown("to", curves.systems)
        first, *more = [name for name in curves.systems if name in systems]
        self.a.value, self.b.value = (first, more[-1]) if more else (earlier or curves.systems[0], first)
        self.compare = widgets.Button(description="Compare by class", tooltip="Differences with paired intervals")

    @property
    def drawn(self) -> list[widgets.Widget]:
        """Those that say what is drawn."""
        return [self.systems, widgets.VBox([self.metric, self.way, self.label, self.band])]

    @property
    def compared(self) -> widgets.HBox:
        """Those that say what is compared."""
        wrapping = widgets.Layout(flex_flow="row wrap", grid_gap="4px 12px", align_items="center")
        box = widgets.HBox([self.a, self.b, self.compare], layout=wrapping)
        box.add_class(LIVE_ONLY)  # the table says who was compared
        return box

    @property
    def scores(self) -> tuple[str, str]:
        """The metric, and the post-processing of the scores that it is of."""
        return self.metric.value, self.way.value

    @property
    def class_in_view(self) -> str | None:
        """The class that is looked at; None: all together, or each apart."""
        return None if self.label.value in _CLASSES else self.label.value

    def heading(self, title: str) -> str:
        """Return what curves are called that are of ``title``, such as a subset; empty: not known."""
        kind = "ROC" if self.metric.value == "mpauc" else "PSD-ROC"
        what = f"{kind}, {metric_name(self.metric.value)}{' on ' * bool(title)}{title}"
        return f"{what}: {self.label.label}" if self.class_in_view else what

    def options(self, thresholds: Mapping[str, float]) -> dict[str, Any]:
        """Return the options of `PsdsExplorer` that choose the same; None for those that need not be said."""
        return {
            "systems": list(self.systems.value),
            "metric": self.metric.value,
            "postprocess": self.way.value,
            "label": None if self.label.value == ALL else self.label.value,
            "thresholds": dict(thresholds) or None,
            "band": self.band.value or None,
        }

    def labels(self, classes: Sequence[str]) -> list[str | None]:
        """Return whose curves are drawn, of those that there are; None: all together."""
        return list(classes) if self.label.value == EACH else [self.class_in_view]

    def offer(self, classes: Sequence[str], chosen: str | None = None) -> None:
        """Offer these classes; ``chosen``, or what was, is kept where it is among them."""
        options = tuple((_CLASSES.get(label, class_name(label)), label) for label in (*_CLASSES, *classes))
        wanted = chosen or self.label.value
        if options != self.label.options:
            self.label.options = options
        self.label.value = wanted if wanted in (*_CLASSES, *classes) else ALL
