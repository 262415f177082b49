"""PSD-ROC curves: how many events are found at each rate of false alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sedlab.scoring.curves.system import Curve
from sedlab.scoring.names import class_name, model_name
from sedlab.views.figures import frame
from sedlab.views.figures.curves.drawn import staircase, system_looks

if TYPE_CHECKING:
    from sedlab.scoring.metrics.psds import PsdsResult

_X, _Y = "Effective false positives (per hour)", "Effective true positive ratio"
_EMPTY = "No scores to compare: evaluate a model first."


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


def _title(title: str, label: str | None) -> str:
    return f"{title}: {class_name(label)}" if label else title


def _curves(results: Mapping[str, PsdsResult], max_efpr: float, label: str | None) -> list[_Curve]:
    """Return the curves of the results that have one."""
    curves: list[_Curve] = []
    looks = system_looks(list(results))
    for name, result in results.items():
        found = result.curve if label is None else result.class_curves.get(label)
        if found is not None and len(found.efpr):
            area = result.overall if label is None else result.per_class[label]
            x, y, _ = staircase(Curve(found.efpr, found.etpr, area), max_efpr)
            curves.append(_Curve(model_name(name), area, x, y, looks[name]))
    return curves
