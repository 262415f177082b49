"""Curves: PSD-ROC of scored detections, and what a training run did over its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sedlab.views.figures.style import (
    CLASS_CYCLE,
    MODEL_STYLE,
    STUDENT,
    TEACHER,
    Picture,
    class_name,
    empty_figure,
    label_axes,
    legend,
    metric_name,
    model_name,
    model_style,
    new_figure,
)

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from sedlab.scoring.metrics.psds import PsdRoc, PsdsResult

_DASHES = ("-", "--", "-.", ":")
_PLOTLY_DASH = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}


def psd_roc_figure(
    results: Mapping[str, PsdsResult], *, max_efpr: float = 100.0, label: str | None = None, title: str = "PSD-ROC"
) -> Picture:
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
    drawn = _curves(results, label)
    if not drawn:
        return empty_figure(title, "No scores to compare: evaluate a model first.")
    figure = new_figure(6.4, 4.4)
    ax = figure.subplots()
    for name, (curve, area, options) in drawn.items():
        x, y = _staircase(curve, max_efpr)
        ax.step(x, y, where="post", linewidth=1.8, label=f"{model_name(name)}   {area:.3f}", **options)
    ax.set_xlim(0, max_efpr)
    ax.set_ylim(0, 1)
    what = f"{title}: {class_name(label)}" if label else title
    label_axes(ax, title=what, x="Effective false positives (per hour)", y="Effective true positive ratio", grid="both")
    legend(ax, title="PSDS", title_fontsize=8, loc="upper left" if _low(drawn, max_efpr) else "lower right")
    return figure


def psd_roc_plotly(
    results: Mapping[str, PsdsResult], *, max_efpr: float = 100.0, label: str | None = None, title: str = "PSD-ROC"
) -> go.Figure:
    """Return the curves of ``psd_roc_figure`` for plotly: hover for values, press a legend entry to hide a curve."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, (curve, area, options) in _curves(results, label).items():
        x, y = _staircase(curve, max_efpr)
        figure.add_scatter(
            x=x.round(3),
            y=y.round(4),
            mode="lines",
            name=f"{model_name(name)} {area:.3f}",
            line={"shape": "hv", "color": options["color"], "dash": _PLOTLY_DASH[options["linestyle"]]},
            hovertemplate="%{x:.1f} per hour, %{y:.3f}<extra>" + model_name(name) + "</extra>",
        )
    if not figure.data:
        figure.add_annotation(text="No scores to compare: evaluate a model first.", showarrow=False)
    figure.update_layout(
        title=f"{title}: {class_name(label)}" if label else title,
        xaxis={"title": "Effective false positives (per hour)", "range": [0, max_efpr]},
        yaxis={"title": "Effective true positive ratio", "range": [0, 1]},
        template="plotly_white",
        width=720,
        height=440,
        legend_title_text="PSDS",
    )
    return figure


def learning_curves_figure(history: pd.DataFrame | Mapping[str, pd.DataFrame], *, title: str = "Training") -> Picture:
    """Return losses and validation values by step, for one training run or several.

    Parameters
    ----------
    history : DataFrame, or {name: DataFrame}
        Columns `step`, `epoch`, `lr`, `loss/<part>` (a total and its parts) and `val/<name>`, as in ``history.csv``.
        Missing columns are left out; validation cells are empty where nothing was validated. With one run the first
        panel has every loss part, with several the total of each. Long losses are averaged over neighbouring steps.
    """
    runs = dict(history) if isinstance(history, Mapping) else {"": history}
    runs = {name: table for name, table in runs.items() if len(table)}
    if not runs:
        return empty_figure(title, "No history yet: train first.")
    names = list(dict.fromkeys(column for table in runs.values() for column in table.columns))
    losses = [name for name in names if name.startswith("loss/")]
    panels = _validation_panels([name for name in names if name.startswith("val/")])
    with_rate = len(runs) == 1 and "lr" in names and bool(losses)
    num_panels = bool(losses) + len(panels) + with_rate
    if not num_panels:
        return empty_figure(title, "The history has no loss and no validation column.")

    columns = 2 if num_panels in (2, 4) else min(3, num_panels)
    rows = -(-num_panels // columns)
    figure = new_figure(4.3 * columns if columns > 1 else 6.4, 3.1 * rows + 0.3, title=title)
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    if losses:
        _draw_losses(axes.pop(0), runs, losses)
    for panel, names_of_panel in panels.items():
        _draw_validation(axes.pop(0), runs, panel, names_of_panel)
    if with_rate:
        ax = axes.pop(0)
        _line(ax, next(iter(runs.values())), "lr", color=STUDENT)
        label_axes(ax, title="Learning rate", x="Optimiser step", y="Largest rate of all groups", grid="y")
    for ax in axes:
        ax.set_axis_off()
    return figure


def _curves(results: Mapping[str, PsdsResult], label: str | None) -> dict[str, tuple[PsdRoc, float, dict]]:
    """Return {name: (curve, area, line options)} of the results that have a curve."""
    drawn: dict[str, tuple[PsdRoc, float, dict]] = {}
    seen: list[str] = []
    for place, (name, result) in enumerate(results.items()):
        curve = result.curve if label is None else result.class_curves.get(label)
        if curve is None or len(curve.efpr) == 0:
            continue
        area = result.overall if label is None else result.per_class[label]
        drawn[name] = (curve, area, _curve_options(name, place, seen))
    return drawn


def _curve_options(name: str, place: int, seen: list[str]) -> dict[str, object]:
    """Return colour and dash of a curve: a model keeps its colour, its later iterations differ by dash."""
    model = name.split(" ")[0]
    if model not in MODEL_STYLE:
        return {"color": CLASS_CYCLE[place % len(CLASS_CYCLE)], "linestyle": _DASHES[place % len(_DASHES)]}
    options = {key: value for key, value in model_style(model)[1].items() if key != "marker"}
    if model in seen:
        others = [dash for dash in _DASHES if dash != options["linestyle"]]
        options["linestyle"] = others[(seen.count(model) - 1) % len(others)]
    seen.append(model)
    return options


def _staircase(curve: PsdRoc, max_efpr: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the curve from 0 to ``max_efpr``: the ratio at a rate holds until the next rate."""
    order = np.argsort(curve.efpr, kind="stable")
    x, y = np.asarray(curve.efpr, dtype=float)[order], np.asarray(curve.etpr, dtype=float)[order]
    inside = x <= max_efpr
    x, y = x[inside], y[inside]
    start = [] if len(x) and x[0] == 0 else [0.0]
    last = y[-1] if len(y) else 0.0
    return np.concatenate([start, x, [max_efpr]]), np.concatenate([[0.0] * len(start), y, [last]])


def _low(drawn: Mapping[str, tuple[PsdRoc, float, dict]], max_efpr: float) -> bool:
    """Return whether all curves end in the lower half, so that the upper corner is free for the legend."""
    return all(_staircase(curve, max_efpr)[1][-1] < 0.5 for curve, _, _ in drawn.values())


def _validation_panels(names: list[str]) -> dict[str, list[str]]:
    """Group ``val/...`` columns by what they measure: student and teacher share a panel."""
    panels: dict[str, list[str]] = {}
    for name in names:
        panels.setdefault(_measure(name), []).append(name)
    return panels


def _measure(name: str) -> str:
    parts = name.removeprefix("val/").replace("_", "/").split("/")
    return " ".join(part for part in parts if part not in ("student", "teacher")) or "value"


def _draw_losses(ax: Axes, runs: Mapping[str, pd.DataFrame], losses: list[str]) -> None:
    if len(runs) > 1:
        for place, (name, table) in enumerate(runs.items()):
            column = "loss/total" if "loss/total" in table else next((c for c in losses if c in table), None)
            if column is not None:
                options = {**_run_options(place, name), "marker": None}
                _line(ax, _averaged(table), column, label=model_name(name), **options)
        label_axes(ax, title="Total loss", x="Optimiser step", y="Loss", grid="y")
    else:
        table = _averaged(next(iter(runs.values())))
        parts = [column for column in losses if column != "loss/total"]
        for place, column in enumerate(parts):
            options = {"color": CLASS_CYCLE[place % len(CLASS_CYCLE)], "linestyle": _DASHES[place % len(_DASHES)]}
            _line(ax, table, column, label=column.removeprefix("loss/").replace("_", " "), linewidth=1.1, **options)
        if "loss/total" in losses:
            _line(ax, table, "loss/total", label="total", linewidth=1.8, color="black")
        label_axes(ax, title="Loss and its parts", x="Optimiser step", y="Loss", grid="y")
    values = np.concatenate([line.get_ydata() for line in ax.get_lines()] or [np.ones(1)])
    values = values[np.isfinite(values) & (values > 0)]
    if values.size and values.max() / values.min() > 30:
        ax.set_yscale("log")
        ax.set_ylim(bottom=max(values.min(), values.max() * 1e-4) * 0.8)
    if len(runs) == 1:
        _make_headroom(ax, 0.09 * (1 + (len(ax.get_lines()) + 1) // 2))
        legend(ax, loc="upper right", ncols=2)
    else:
        legend(ax)


def _make_headroom(ax: Axes, share: float) -> None:
    """Free the upper ``share`` of ``ax`` for a legend, on a linear or a logarithmic scale."""
    scale = ax.yaxis.get_transform()
    low, high = scale.transform(np.array(ax.get_ylim()))
    ax.set_ylim(top=float(scale.inverted().transform(np.array([low + (high - low) / (1 - share)]))[0]))


def _draw_validation(ax: Axes, runs: Mapping[str, pd.DataFrame], panel: str, names: list[str]) -> None:
    for place, (run, table) in enumerate(runs.items()):
        for name in names:
            who = next((word for word in ("student", "teacher") if word in name), "")
            if len(runs) == 1:
                options = {"color": TEACHER if who == "teacher" else STUDENT, "marker": "o"}
            else:
                options = _run_options(place, run)
            options["linestyle"] = "--" if who == "teacher" else "-"
            label = " ".join(filter(None, (model_name(run), who)))
            _line(ax, table, name, label=label or "_", markersize=3.5, **options)
    name = metric_name(panel)
    label_axes(ax, title=f"Validation: {name}", x="Optimiser step", y=_sentence(name), grid="y")
    legend(ax)


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:] if words.islower() else words


def _run_options(place: int, name: str) -> dict[str, object]:
    model = next((model for model in MODEL_STYLE if model in name), None)
    options = dict(model_style(model)[1]) if model else {"color": CLASS_CYCLE[place % len(CLASS_CYCLE)]}
    return {"marker": "osD^v"[place % 5], **options, "linestyle": _DASHES[place % len(_DASHES)]}


def _averaged(table: pd.DataFrame, num_points: int = 250) -> pd.DataFrame:
    """Return ``table`` with neighbouring steps averaged to at most ``num_points`` rows: batches differ a lot."""
    if len(table) <= num_points:
        return table
    return table.select_dtypes("number").groupby(np.arange(len(table)) * num_points // len(table)).mean()


def _line(ax: Axes, table: pd.DataFrame, column: str, **options: object) -> None:
    """Draw the filled cells of ``column`` against `step`, or against the row number where there is no step."""
    if column not in table:
        return
    values = pd.to_numeric(table[column], errors="coerce")
    steps = table["step"] if "step" in table else pd.Series(np.arange(len(table)), index=table.index)
    filled = values.notna()
    ax.plot(steps[filled].to_numpy(float), values[filled].to_numpy(float), **options)
