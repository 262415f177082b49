"""PSD-ROC and ROC curves of systems, with bands and operating points: what to draw, and the picture of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sedlab.scoring.curves.bands import CurveBands
from sedlab.scoring.curves.system import Curve, OperatingPoint, SystemCurves
from sedlab.scoring.curves.tables import curve_points
from sedlab.scoring.names import ALL, class_name, metric_name
from sedlab.views.figures import frame, style

#: By metric: the axes, and what is counted.
AXES = {
    "psds1": ("Effective false positives (per hour)", "Effective true positive ratio", "events"),
    "psds2": ("Effective false positives (per hour)", "Effective true positive ratio", "events"),
    "mpauc": ("False positive rate (of the seconds without)", "True positive rate (of the seconds with)", "seconds"),
}
#: The mark of an operating point by the dash of its line: two of one colour are told apart.
MARKERS = {"-": "o", "--": "D", "-.": "s", ":": "^"}
EMPTY = "No curve: choose a system, and a class that has events here."


@dataclass(frozen=True, eq=False)
class DrawnCurve:
    """One curve of a picture."""

    system: str
    label: str | None
    """A class; None: all together."""
    curve: Curve
    points: pd.DataFrame
    """Of the curve, see `sedlab.scoring.curves.tables.curve_points`."""
    look: dict[str, str]
    """Colour and line style."""
    band: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    """Rates, lower and upper end."""
    at: OperatingPoint | None = None
    """Where the thresholds stand."""
    named_by_class: bool = False

    @property
    def name(self) -> str:
        """What the legend says."""
        who = class_name(self.label or "all classes") if self.named_by_class else ""
        return f"{self.system}{', ' * bool(who)}{who}  {self.curve.area:.3f}"


def drawn_curves(
    systems: Mapping[str, SystemCurves],
    labels: Sequence[str | None],
    *,
    bands: Mapping[str, CurveBands] | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> list[DrawnCurve]:
    """Return what to draw of several systems, {name: curves}.

    Parameters
    ----------
    labels : sequence of str or None
        Classes; None: all together. With more than one, a colour is a class and a dash a system; else the other way.
    bands : {name: CurveBands}
        Of those systems that get one.
    thresholds : {class: threshold}
        Where operating points are marked; a class that is not named has none.
    """
    drawn, looks = [], system_looks(list(systems))
    for place, (system, curves) in enumerate(systems.items()):
        for k, label in enumerate(labels):
            curve = curves.curve(label)
            if curve is None or not len(curve.rate):
                continue
            look = looks[system]
            if len(labels) > 1:
                look = {"color": style.class_colour(k), "linestyle": style.DASHES[place % len(style.DASHES)]}
            # Bands of every class on top of each other would hide the curves.
            band = (bands or {}).get(system) if len(labels) == 1 else None
            name = label or ALL
            drawn.append(
                DrawnCurve(
                    system=system,
                    label=label,
                    curve=curve,
                    points=curve_points(system, curves, label),
                    look=look,
                    band=(band.rate, band.low[name], band.high[name]) if band and name in band.low else None,
                    at=_point(curves, label, thresholds or {}),
                    named_by_class=len(labels) > 1,
                )
            )
    return drawn


def with_thresholds(
    drawn: Sequence[DrawnCurve], systems: Mapping[str, SystemCurves], thresholds: Mapping[str, float]
) -> list[DrawnCurve]:
    """Return the same curves with their operating points at other thresholds; quick enough for a slider."""
    return [replace(one, at=_point(systems[one.system], one.label, thresholds)) for one in drawn]


def curves_figure(
    drawn: Sequence[DrawnCurve], metric: str, *, max_rate: float, title: str, empty: str = EMPTY
) -> frame.Picture:
    """Return the curves as a picture; the number beside a name is the area under its curve."""
    if not drawn:
        return frame.empty_figure(title, empty)
    x_name, y_name, _ = AXES[metric]
    many = len(drawn) > 6
    figure, ax = frame.single(9.4 if many else 6.8, 4.6, title=title, x=x_name, y=y_name, grid="both")
    for one in drawn:
        if one.band is not None:
            rates, low, high = one.band
            ax.fill_between(rates, low, high, step="post", color=one.look["color"], alpha=0.15, linewidth=0)
        x, y, _ = staircase(one.curve, max_rate)
        ax.step(x, y, where="post", linewidth=1.8, label=one.name, **one.look)
        if one.at is not None:
            x, y, inside = marked(one.at, max_rate)
            fill = "full" if inside else "none"
            marker = MARKERS[one.look["linestyle"]]
            ax.plot(x, y, marker, color=one.look["color"], markersize=8, fillstyle=fill, clip_on=False, zorder=5)
    ax.set(xlim=(0, max_rate), ylim=(0, 1))
    low = all(one.curve.ratio[-1] < 0.5 for one in drawn)
    if many:
        frame.legend_beside(ax)
    else:
        frame.legend(ax, title=metric_name(metric), title_fontsize=8, loc="upper left" if low else "lower right")
    return figure


def staircase(curve: Curve, max_rate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the corners from 0 to ``max_rate``, and of each the place of the point that holds there.

    Before the first point nothing is found; what stands there is the place of the first.
    """
    inside = curve.rate < max_rate
    x, y = curve.rate[inside], curve.ratio[inside]
    place = np.arange(len(x))
    if not len(x) or x[0] > 0:
        x, y, place = np.append(0.0, x), np.append(0.0, y), np.append(0, place)
    return np.append(x, max_rate), np.append(y, y[-1]), np.append(place, place[-1])


def marked(point: OperatingPoint, max_rate: float) -> tuple[float, float, bool]:
    """Return where an operating point is drawn, and whether that is where it is: beyond the end, it is at the edge."""
    inside = point.rate <= max_rate
    return (point.rate if inside else max_rate), point.ratio, inside


def system_looks(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return colour and line style of each system: a model keeps its colour, its later iterations differ by dash."""
    looks: dict[str, dict[str, str]] = {}
    seen: list[str] = []
    for place, name in enumerate(names):
        model = style.model_in(name.lower())
        if model is None:
            looks[name] = {"color": style.class_colour(place), "linestyle": style.DASHES[place % len(style.DASHES)]}
            continue
        look = style.MODEL_LOOK[model]
        dashes = [look["linestyle"], *(dash for dash in style.DASHES if dash != look["linestyle"])]
        looks[name] = {"color": look["color"], "linestyle": dashes[seen.count(model) % len(dashes)]}
        seen.append(model)
    return looks


def _point(curves: SystemCurves, label: str | None, thresholds: Mapping[str, float]) -> OperatingPoint | None:
    chosen = {name: thresholds[name] for name in curves.classes if name in thresholds and label in (None, name)}
    return curves.point(chosen) if chosen else None
