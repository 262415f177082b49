"""How far the probability of a pseudo-label can be trusted, over all classes and class by class."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from sedlab.scoring.audit.reliability import PseudoLabelAudit
from sedlab.scoring.names import ALL, class_name
from sedlab.views.figures import frame, style

#: Bins with fewer cells than this are drawn hollow: their height is mostly chance.
FEW = 30
_MAX_CURVES = 8


def reliability_figure(
    audit: PseudoLabelAudit, *, labels: Sequence[str] | None = None, title: str = ""
) -> frame.Picture:
    """Return how often people heard a class where the pseudo-label gave it a probability.

    The thick line pools all classes; thin ones are single ``labels``, None: the eight detected most often.
    """
    title = title or f"Reliability of pseudo-labels on {audit.subset}"
    bins = audit.reliability[audit.reliability["count"] > 0]
    if bins.empty:
        return frame.empty_figure(title, "No pseudo-labels of annotated clips: write pseudo-labels first.")
    figure = frame.new_figure(9.6, 4.4, title=title)
    ax, below = figure.subplots(1, 2, width_ratios=[1.25, 1])

    ax.plot([0, 1], [0, 1], color=style.MUTED, linewidth=1, linestyle=":", label="perfect")
    for place, label in enumerate(_most_detected(audit) if labels is None else labels):
        line = ("-", "--", "-.")[place // len(style.CLASS_CYCLE) % 3]
        look = {"color": style.class_colour(place), "lw": 1, "ls": line, "label": class_name(label)}
        _draw_bins(ax, bins[bins["label"] == label], **look)
    pooled = bins[bins["label"] == ALL]
    look = {"marker": "o", "color": style.PSEUDO_LABEL, "lw": 2.6, "ms": 4, "label": "all classes"}
    ax.plot(pooled["probability"], pooled["frequency"], **look)
    ax.set(xlim=(0, 1), ylim=(0, 1.02))
    share = f"Share of {audit.unit}s annotated active"
    frame.label_axes(ax, title="Heard by people", x="Pseudo-label probability", y=share, grid="both")
    frame.legend_beside(ax)

    widths = pooled["high"] - pooled["low"]
    below.bar(pooled["low"], pooled["count"], width=widths, align="edge", color=style.PSEUDO_LABEL, edgecolor="white")
    below.set(yscale="log", xlim=(0, 1))
    title, cells = f"How many {audit.unit}s that is", f"{audit.unit.capitalize()}s × classes"
    frame.label_axes(below, title=title, x="Pseudo-label probability", y=cells, grid="y")
    return figure


def calibration_figure(audit: PseudoLabelAudit, *, title: str = "") -> frame.Picture:
    """Return the reliability curve of each class that is marked or detected, with its calibration error (ECE)."""
    title = title or f"Calibration on {audit.subset}, class by class"
    labels = _told(audit)
    if not labels:
        return frame.empty_figure(title, "Neither people nor pseudo-labels mark any event here.")
    errors = audit.per_class.set_index("label")["calibration_error"]
    figure, axes = _small_multiples(len(labels), title)
    for ax, label in zip(axes, labels, strict=True):
        rows = audit.reliability[(audit.reliability["label"] == label) & (audit.reliability["count"] > 0)]
        probability = rows["probability"]
        ax.plot([0, 1], [0, 1], color=style.MUTED, lw=0.8, ls=":")
        ax.fill_between(probability, probability, rows["frequency"], color=style.PSEUDO_LABEL, alpha=0.2, lw=0)
        _draw_bins(ax, rows, color=style.PSEUDO_LABEL, marker="o", lw=1.5, ms=3)
        _label_small(ax, f"{_short(label)}\nECE {errors[label]:.3f}")
    figure.supxlabel("Pseudo-label probability", fontsize=style.LABEL_SIZE)
    figure.supylabel(f"Share of {audit.unit}s marked by people", fontsize=style.LABEL_SIZE)
    return figure


def confidence_figure(audit: PseudoLabelAudit, *, title: str = "") -> frame.Picture:
    """Return precision and recall of each class that people marked, by the probability asked for."""
    title = title or f"Precision and recall on {audit.subset}, by confidence"
    marked = audit.per_class.set_index("label")["positive"]
    labels = [label for label in _told(audit) if marked[label] > 0]
    if not labels:
        return frame.empty_figure(title, "People mark no event here.")
    figure, axes = _small_multiples(len(labels), title)
    looks = {"precision": (style.DETECTION, "-"), "recall": (style.GROUND_TRUTH, "--")}
    for ax, label in zip(axes, labels, strict=True):
        rows = audit.by_confidence[audit.by_confidence["label"] == label]
        for column, (colour, line) in looks.items():
            ax.plot(rows["threshold"], rows[column], color=colour, ls=line, lw=1.5, label=column)
        _label_small(ax, _short(label), grid="both")
    handles, names = axes[0].get_legend_handles_labels()
    frame.figure_legend(figure, handles, names, loc="outside upper right", ncols=2)
    figure.supxlabel("Pseudo-labels above this probability", fontsize=style.LABEL_SIZE)
    return figure


def _draw_bins(ax: Axes, rows: pd.DataFrame, **look: object) -> None:
    """Draw how often people agree over the probability, bins of few cells hollow."""
    ax.plot(rows["probability"], rows["frequency"], **look)
    few = rows[rows["count"] < FEW]
    ax.plot(few["probability"], few["frequency"], "o", mfc="white", mec=look["color"], ms=4)


def _most_detected(audit: PseudoLabelAudit) -> list[str]:
    counts = audit.per_class[(audit.per_class["label"] != ALL) & (audit.per_class["detected"] > 0)]
    return list(counts.sort_values("detected", ascending=False)["label"][:_MAX_CURVES])


def _told(audit: PseudoLabelAudit) -> list[str]:
    """Return the classes that anybody marks; the pooled row, where anything is marked, is the first of the table."""
    return list(audit.per_class[audit.per_class[["positive", "detected"]].sum(axis=1) > 0]["label"])


def _small_multiples(count: int, title: str) -> tuple[frame.Picture, list[Axes]]:
    return frame.panels(count, 6, (1.6, 1.7), margins=(0.6, 0.9), title=title, sharex=True, sharey=True)


def _label_small(ax: Axes, title: str, grid: str | None = None) -> None:
    frame.label_axes(ax, grid=grid)
    ax.set_title(title, fontsize=style.TICK_SIZE, loc="left", pad=3)
    ax.set(xlim=(0, 1), ylim=(0, 1.03), xticks=(0, 0.5, 1))


def _short(label: str) -> str:
    name = class_name("all classes" if label == ALL else label)
    return name if len(name) <= 22 else f"{name[:21]}…"
