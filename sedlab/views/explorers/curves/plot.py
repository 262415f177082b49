"""Curves that answer the pointer: a plotly figure in the page's colours, and the clicks on its curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import numpy as np
import traitlets

from sedlab.views.figures.curves.drawn import EMPTY, DrawnCurve
from sedlab.views.figures.curves.pointed import curve_traces, curves_layout, operating_mark
from sedlab.views.modules import joined

# Plotly writes its colours into the elements; the page's own win, so that a dark page has light letters and lines.
_STYLE = """<style>
.sedlab-curves { width: 100%; min-width: 0; overflow: hidden; }
.sedlab-curves > :has(.js-plotly-plot) { width: 100%; min-width: 0; }
.sedlab-curves svg text { fill: var(--jp-ui-font-color1, #222) !important; }
.sedlab-curves path[style*="stroke: rgb(34, 34, 34)"] { stroke: var(--jp-ui-font-color1, #222) !important; }
.sedlab-curves path[style*="fill: rgb(34, 34, 34)"] { fill: var(--jp-ui-font-color1, #222) !important; }
.sedlab-curves svg .hoverlayer path { fill: var(--jp-layout-color1, #fff) !important; }
.sedlab-curves .nsewdrag { cursor: pointer !important; }
</style>"""

#: Pixels between the widget and its plot.
_MARGIN = 8


class Manners(anywidget.AnyWidget):
    """Nothing to see: keeps keys with the widgets that have the focus, and plots as wide as their place."""

    _esm = joined(Path(__file__).parent, "manners.js")

    width = traitlets.Int(0).tag(sync=True)
    """Of the place, in pixels; 0: not known yet."""


class CurvePlot(widgets.Box):
    """Curves with values under the pointer.

    Parameters
    ----------
    on_point : function
        Takes the place of a curve in what was drawn, and the row of its points that was pressed.
    """

    def __init__(self, on_point: Callable[[int, int], None]) -> None:
        from plotly.graph_objects import FigureWidget

        self.figure = FigureWidget()
        self.figure._config |= {
            "displaylogo": False,
            "responsive": True,
            "modeBarButtonsToRemove": ["select2d", "lasso2d", "toImage"],
        }
        self._place = Manners()
        self._place.observe(lambda change: self.figure.update_layout(width=change["new"] - _MARGIN), "width")
        super().__init__(children=[widgets.HTML(_STYLE, layout={"display": "none"}), self.figure, self._place])
        self.add_class("sedlab-curves")
        self._on_point = on_point
        self._marks: list[int] = []

    def draw(self, drawn: Sequence[DrawnCurve], metric: str, max_rate: float, title: str) -> None:
        """Show these curves."""
        traces: list[Any] = []
        lines: list[tuple[int, np.ndarray]] = []
        self._marks = []
        for one in drawn:
            more, rows = curve_traces(one, metric, max_rate)
            traces += more
            self._marks.append(len(traces) - 1)
            lines.append((len(traces) - 2, rows))
        with self.figure.batch_update():
            self.figure.data = ()
            self.figure.add_traces(traces)
            self.figure.layout = curves_layout(metric, max_rate, title)
            if self._place.width:
                self.figure.layout.width = self._place.width - _MARGIN
            if not drawn:
                self.figure.add_annotation(text=EMPTY, showarrow=False)
        for place, (trace, rows) in enumerate(lines):
            self.figure.data[trace].on_click(self._listener(place, rows))

    def mark(self, drawn: Sequence[DrawnCurve], metric: str, max_rate: float) -> None:
        """Move the marks of the same curves to where their operating points are now."""
        with self.figure.batch_update():
            for trace, one in zip(self._marks, drawn, strict=True):
                self.figure.data[trace].update(operating_mark(one, metric, max_rate))

    def _listener(self, place: int, rows: np.ndarray) -> Callable[..., None]:
        def pressed(_trace: object, points: Any, _state: object) -> None:
            if points.point_inds:
                self._on_point(place, int(rows[points.point_inds[0]]))

        return pressed
