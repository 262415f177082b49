"""The curves as plotly traces: values under the pointer, a click that says which point of which curve it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sedlab.scoring.names import ALL, class_name, metric_name
from sedlab.views.figures.curves.drawn import AXES, DrawnCurve, marked, staircase

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SYMBOL = {"-": "circle", "--": "diamond", "-.": "square", ":": "triangle-up"}
_DASH = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}
#: Steps of the axis at which a long tread of the staircase can be pointed at too.
_STEPS = 100


def curve_traces(one: DrawnCurve, metric: str, max_rate: float) -> tuple[list[go.Scatter], np.ndarray]:
    """Return the traces of a curve and, of each place of its line, the row of `DrawnCurve.points` that holds there.

    The last trace is the operating point, the one before it the line.
    """
    import plotly.graph_objects as go

    x, y, place = _densified(one, max_rate)
    colour = one.look["color"]
    said = [told(one, row, metric) for row in range(len(one.points))]
    traces: list[go.Scatter] = []
    if one.band is not None:
        rates, low, high = one.band
        edge = {"mode": "lines", "hoverinfo": "skip", "showlegend": False, "legendgroup": one.name}
        edge["line"] = {"width": 0, "shape": "hv", "color": colour}
        traces.append(go.Scatter(x=rates, y=low.round(4), **edge))
        traces.append(go.Scatter(x=rates, y=high.round(4), fill="tonexty", fillcolor=_pale(colour), **edge))
    traces.append(
        go.Scatter(
            x=x.round(5),
            y=y.round(4),
            mode="lines",
            name=one.name,
            legendgroup=one.name,
            line={"shape": "hv", "color": colour, "width": 2, "dash": _DASH[one.look["linestyle"]]},
            text=np.array(said, dtype=object)[place],
            hovertemplate="%{text}<extra></extra>",
        )
    )
    traces.append(operating_trace(one, metric, max_rate))
    return traces, place


def operating_trace(one: DrawnCurve, metric: str, max_rate: float) -> go.Scatter:
    """Return the mark of the operating point; without one, an empty trace."""
    import plotly.graph_objects as go

    return go.Scatter(
        mode="markers",
        name=f"{one.system}: operating point",
        legendgroup=one.name,
        showlegend=False,
        hovertemplate="%{text}<extra></extra>",
        cliponaxis=False,
        **operating_mark(one, metric, max_rate),
    )


def operating_mark(one: DrawnCurve, metric: str, max_rate: float) -> dict[str, Any]:
    """Return what changes of that trace as thresholds move."""
    if one.at is None:
        return {"x": [], "y": [], "text": []}
    x, y, inside = marked(one.at, max_rate)
    symbol = _SYMBOL[one.look["linestyle"]]
    kinds = {"symbol": symbol if inside else f"{symbol}-open", "size": 12, "color": one.look["color"]}
    text = f"<b>{_who(one)}</b><br>now: {_at(one.at.threshold)}<br>" + _counts(
        one.at.hits, one.at.num_positive, one.at.false_alarms, metric
    )
    if not inside:
        text += "<br>beyond the end of the axis"
    return {"x": [x], "y": [y], "text": [text], "marker": kinds}


def curves_layout(metric: str, max_rate: float, title: str) -> dict[str, Any]:
    """Return the layout: as wide as its place, see-through, so that it suits a light and a dark page."""
    x_name, y_name, _ = AXES[metric]
    grid = {"gridcolor": "rgba(128,128,128,0.25)", "zerolinecolor": "rgba(128,128,128,0.5)"}
    return {
        "title": {"text": title, "font": {"size": 14}},
        "xaxis": {"title": {"text": x_name}, "range": [-0.01 * max_rate, max_rate], **grid},
        "yaxis": {"title": {"text": y_name}, "range": [0, 1.01], **grid},
        "legend": {"title": {"text": metric_name(metric)}, "orientation": "h", "y": -0.2, "yanchor": "top"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 56, "r": 12, "t": 40, "b": 40},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "#888888", "activecolor": "#0072B2"},
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "height": 460,
        "autosize": True,
    }


def told(one: DrawnCurve, row: int, metric: str) -> str:
    """Return what is said of a point of a curve."""
    point = one.points.iloc[row]
    rate = f"{point['rate']:.1%} of the seconds without" if metric == "mpauc" else f"{point['rate']:.1f} an hour"
    effective = "false positive rate" if metric == "mpauc" else "effective false positives"
    return "<br>".join(
        [
            f"<b>{_who(one)}</b>",
            _at(point["threshold"]),
            _counts(int(point["hits"]), int(point["num_positive"]), point["false_alarms"], metric),
            f"{effective}: {rate}, ratio {point['ratio']:.3f}",
        ]
    )


def _who(one: DrawnCurve) -> str:
    return f"{one.system}, {class_name(one.label) if one.label else ALL + ' classes'}"


def _at(threshold: float) -> str:
    return "a threshold for each class" if np.isnan(threshold) else f"threshold {threshold:.3f}"


def _counts(hits: int, num_positive: int, false_alarms: float, metric: str) -> str:
    what = AXES[metric][2]
    false = "false alarms" if what == "events" else "false seconds"
    return f"finds {hits} of {num_positive} {what}<br>{false_alarms:.1f} {false} an hour"


def _densified(one: DrawnCurve, max_rate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the corners of the staircase with places along its treads between them."""
    x, y, place = staircase(one.curve, max_rate)
    between = np.setdiff1d(np.linspace(0, max_rate, _STEPS + 1), x)
    holds = np.searchsorted(x, between, side="right") - 1
    order = np.argsort(np.concatenate((x, between)), kind="stable")
    x, y, place = (np.concatenate(pair)[order] for pair in ((x, between), (y, y[holds]), (place, place[holds])))
    return x, y, np.minimum(place, len(one.points) - 1)


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.15)"
