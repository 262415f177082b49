"""PSD-ROC curves: how many events are found at each rate of false alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sedlab.scoring.names import class_name, model_name
from sedlab.views.figures import frame, style

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from sedlab.scoring.metrics.psds import PsdRoc, PsdsResult

_X, _Y = "Effective false positives (per hour)", "Effective true positive ratio"
_EMPTY = "No scores to compare: evaluate a model first."
_PLOTLY_DASH = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}


@dataclass(frozen=True)
class _Curve:
    name: str
    area: float
    x: np.ndarray
    y: np.ndarray
    """The corners of the staircase: the ratio at a rate holds until the next rate."""
    look: dict[str, str]
    """Colour and line style."""


def psd_roc_figure(
    results: Mapping[str, PsdsResult], *, max_efpr: float = 100.0, label: str | None = None, title: str = "PSD-ROC"
) -> frame.Picture:
    """Return the PSD-ROC curves of several models; the area under each, divided by ``max_efpr``, is its PSDS.

    Parameters
    ----------
    results : {name: PsdsResult}
        A name whose first word is a known model ("atst iteration 2") gets that model's colour.
    max_efpr : float
        Right end of the axis in effective false positives per hour.
    label : str or None
        Draw the curve of this class alone, in place of the curve over all classes.
    """
    curves = _curves(results, max_efpr, label)
    if not curves:
        return frame.empty_figure(title, _EMPTY)
    figure, ax = frame.single(6.4, 4.4, title=_title(title, label), x=_X, y=_Y, grid="both")
    for curve in curves:
        name = f"{curve.name}   {curve.area:.3f}"
        ax.step(curve.x, curve.y, where="post", linewidth=1.8, label=name, **curve.look)
    ax.set(xlim=(0, max_efpr), ylim=(0, 1))
    # Where all curves end in the lower half, the upper corner is free.
    low = all(curve.y[-1] < 0.5 for curve in curves)
    frame.legend(ax, title="PSDS", title_fontsize=8, loc="upper left" if low else "lower right")
    return figure


def psd_roc_plotly(
    results: Mapping[str, PsdsResult], *, max_efpr: float = 100.0, label: str | None = None, title: str = "PSD-ROC"
) -> go.Figure:
    """Return the curves of ``psd_roc_figure`` for plotly: hover for values, press a legend entry to hide a curve."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for curve in _curves(results, max_efpr, label):
        figure.add_scatter(
            x=curve.x.round(3),
            y=curve.y.round(4),
            mode="lines",
            name=f"{curve.name} {curve.area:.3f}",
            line={"shape": "hv", "color": curve.look["color"], "dash": _PLOTLY_DASH[curve.look["linestyle"]]},
            hovertemplate="%{x:.1f} per hour, %{y:.3f}<extra>" + curve.name + "</extra>",
        )
    if not figure.data:
        figure.add_annotation(text=_EMPTY, showarrow=False)
    figure.update_layout(
        title=_title(title, label),
        xaxis={"title": _X, "range": [0, max_efpr]},
        yaxis={"title": _Y, "range": [0, 1]},
        template="plotly_white",
        width=720,
        height=440,
        legend_title_text="PSDS",
    )
    return figure


def _title(title: str, label: str | None) -> str:
    return f"{title}: {class_name(label)}" if label else title


def _curves(results: Mapping[str, PsdsResult], max_efpr: float, label: str | None) -> list[_Curve]:
    """Return the curves of the results that have one."""
    curves: list[_Curve] = []
    seen: list[str] = []
    for place, (name, result) in enumerate(results.items()):
        curve = result.curve if label is None else result.class_curves.get(label)
        if curve is not None and len(curve.efpr):
            area = result.overall if label is None else result.per_class[label]
            look = _look(name, place, seen)
            curves.append(_Curve(model_name(name), area, *_staircase(curve, max_efpr), look))
    return curves


def _look(name: str, place: int, seen: list[str]) -> dict[str, str]:
    """Return colour and dash of a curve: a model keeps its colour, its later iterations differ by dash."""
    model = name.split(" ")[0]
    if model not in style.MODEL_LOOK:
        return {"color": style.class_colour(place), "linestyle": style.DASHES[place % len(style.DASHES)]}
    look = style.MODEL_LOOK[model]
    line = look["linestyle"]
    if model in seen:
        others = [dash for dash in style.DASHES if dash != line]
        line = others[(seen.count(model) - 1) % len(others)]
    seen.append(model)
    return {"color": look["color"], "linestyle": line}


def _staircase(curve: PsdRoc, max_efpr: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the curve from 0 to ``max_efpr``."""
    order = np.argsort(curve.efpr, kind="stable")
    x, y = np.asarray(curve.efpr, dtype=float)[order], np.asarray(curve.etpr, dtype=float)[order]
    inside = x <= max_efpr
    x, y = x[inside], y[inside]
    start = [] if len(x) and x[0] == 0 else [0.0]
    last = y[-1] if len(y) else 0.0
    return np.concatenate([start, x, [max_efpr]]), np.concatenate([[0.0] * len(start), y, [last]])
