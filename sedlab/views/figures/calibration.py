"""How far the probability of each class can be trusted: one small picture a class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from sedlab.scoring.audit.reliability import POOLED, PseudoLabelAudit
from sedlab.views.figures.style import (
    DETECTION,
    GROUND_TRUTH,
    LABEL_SIZE,
    MUTED,
    PSEUDO_LABEL,
    TICK_SIZE,
    Picture,
    class_name,
    empty_figure,
    label_axes,
    new_figure,
)

#: Bins with fewer cells than this are drawn hollow: their height is mostly chance.
FEW = 30
_COLUMNS = 6


def calibration_figure(audit: PseudoLabelAudit, *, title: str = "") -> Picture:
    """Return the reliability curve of each class that is marked or detected, with its calibration error (ECE)."""
    title = title or f"Calibration on {audit.subset}, class by class"
    labels = _told(audit)
    if not labels:
        return empty_figure(title, "Neither people nor pseudo-labels mark any event here.")
    errors = audit.per_class.set_index("label")["calibration_error"]
    figure, axes = _small_multiples(labels, title)
    for ax, label in zip(axes, labels, strict=True):
        rows = audit.reliability[(audit.reliability["label"] == label) & (audit.reliability["count"] > 0)]
        few = rows[rows["count"] < FEW]
        ax.plot([0, 1], [0, 1], color=MUTED, lw=0.8, ls=":")
        ax.fill_between(
            rows["probability"], rows["probability"], rows["frequency"], color=PSEUDO_LABEL, alpha=0.2, lw=0
        )
        ax.plot(rows["probability"], rows["frequency"], "o-", color=PSEUDO_LABEL, lw=1.5, ms=3)
        ax.plot(few["probability"], few["frequency"], "o", mfc="white", mec=PSEUDO_LABEL, ms=4)
        label_axes(ax)
        ax.set_title(f"{_short(label)}\nECE {errors[label]:.3f}", fontsize=TICK_SIZE, loc="left", pad=3)
        ax.set(xlim=(0, 1), ylim=(0, 1.03), xticks=(0, 0.5, 1))
    figure.supxlabel("Pseudo-label probability", fontsize=LABEL_SIZE)
    figure.supylabel(f"Share of {audit.unit}s marked by people", fontsize=LABEL_SIZE)
    return figure


def confidence_figure(audit: PseudoLabelAudit, *, title: str = "") -> Picture:
    """Return precision and recall of each class that people marked, by the probability asked for."""
    title = title or f"Precision and recall on {audit.subset}, by confidence"
    marked = audit.per_class.set_index("label")["positive"]
    labels = [label for label in _told(audit) if marked[label] > 0]
    if not labels:
        return empty_figure(title, "People mark no event here.")
    figure, axes = _small_multiples(labels, title)
    looks = {"precision": (DETECTION, "-"), "recall": (GROUND_TRUTH, "--")}
    for ax, label in zip(axes, labels, strict=True):
        rows = audit.by_confidence[audit.by_confidence["label"] == label]
        for column, (colour, line) in looks.items():
            ax.plot(rows["threshold"], rows[column], color=colour, ls=line, lw=1.5, label=column)
        label_axes(ax, grid="both")
        ax.set_title(_short(label), fontsize=TICK_SIZE, loc="left", pad=3)
        ax.set(xlim=(0, 1), ylim=(0, 1.03), xticks=(0, 0.5, 1))
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, fontsize=TICK_SIZE, frameon=False
    )
    figure.supxlabel("Pseudo-labels above this probability", fontsize=LABEL_SIZE)
    return figure


def _told(audit: PseudoLabelAudit) -> list[str]:
    """Return the classes that anybody marks, all classes together first."""
    counts = audit.per_class[audit.per_class[["positive", "detected"]].sum(axis=1) > 0]
    # The pooled row, where anything is marked, is the first of the table.
    return list(counts["label"])


def _small_multiples(labels: Sequence[str], title: str) -> tuple[Picture, list[Axes]]:
    rows = int(np.ceil(len(labels) / _COLUMNS))
    columns = min(_COLUMNS, len(labels))
    figure = new_figure(max(4.5, 0.6 + 1.6 * columns), 0.9 + 1.7 * rows, title=title)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for ax in grid[len(labels) :]:
        ax.set_visible(False)
        # The one above is now the lowest of its column.
        grid[list(grid).index(ax) - columns].tick_params(labelbottom=True)
    return figure, list(grid[: len(labels)])


def _short(label: str) -> str:
    name = class_name("all classes" if label == POOLED else label)
    return name if len(name) <= 22 else f"{name[:21]}…"
