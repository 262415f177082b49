"""What an augmentation does to a clip and its labels: before on the left, after on the right.

Shape letters: F bins, T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from sedlab.grid import CLIP_SECONDS
from sedlab.labels import CLASSES
from sedlab.views.figures.clips.spectrogram import DYNAMIC_RANGE_DB
from sedlab.views.figures.lessons.demonstration import Demonstration
from sedlab.views.figures.style import (
    MUTED,
    SPECTROGRAM_CMAP,
    TICK_SIZE,
    TRUTH_CMAP,
    Picture,
    class_name,
    label_axes,
    new_figure,
    say_empty,
)

#: A class is worth a row when its target is above this anywhere.
_SHOWN_ABOVE = 0.01


def augmentation_figure(
    demonstration: Demonstration, *, classes: Sequence[str] = CLASSES, clip_seconds: float = CLIP_SECONDS
) -> Picture:
    """Return features and labels before (left) and after (right); both sides share their colour scales."""
    rows = _shown(demonstration.labels, classes)
    label_inches = max(0.5, 0.2 * len(rows)) + 0.35
    heights = [1.9] * len(demonstration.features) + [label_inches]
    figure = new_figure(10, sum(heights) + 0.8, title=demonstration.title)
    axes = figure.subplots(len(heights), 2, sharex=True, squeeze=False, height_ratios=heights)
    for pair, (name, pictures) in zip(axes, demonstration.features.items(), strict=False):
        low, high = min(map(np.min, pictures)), max(map(np.max, pictures))
        for ax, side, picture in zip(pair, ("before", "after"), pictures, strict=True):
            _draw_picture(ax, picture, (low, high), clip_seconds)
            label_axes(ax, title=f"{name}, {side}", y="Bin")
    for ax, side, labels in zip(axes[-1], ("before", "after"), demonstration.labels, strict=True):
        _draw_labels(ax, labels, rows, classes, clip_seconds)
        label_axes(ax, title=f"Labels, {side}", x="Time (s)")
    for ax in axes[:, 1]:
        ax.set_ylabel("")
        ax.tick_params(labelleft=False)
    return figure


def _shown(labels: tuple[np.ndarray, np.ndarray], classes: Sequence[str]) -> list[str]:
    peaks = np.maximum(*(side.max(axis=1) for side in labels))
    return [label for label, peak in zip(classes, peaks, strict=True) if peak > _SHOWN_ABOVE]


def _draw_picture(ax: Axes, picture: np.ndarray, limits: tuple[float, float], clip_seconds: float) -> None:
    ax.imshow(
        picture,
        origin="lower",
        aspect="auto",
        cmap=SPECTROGRAM_CMAP,
        vmin=max(limits[0], limits[1] - DYNAMIC_RANGE_DB),
        vmax=limits[1],
        extent=(0, clip_seconds, 0, len(picture)),
        interpolation="nearest",
    )


def _draw_labels(ax: Axes, labels: np.ndarray, rows: list[str], classes: Sequence[str], clip_seconds: float) -> None:
    if not rows:
        say_empty(ax, "no label")
        ax.tick_params(bottom=True, labelbottom=True)
        return
    ax.imshow(
        labels[[list(classes).index(label) for label in rows]],
        aspect="auto",
        cmap=TRUTH_CMAP,
        vmin=0,
        vmax=1,
        extent=(0, clip_seconds, len(rows) - 0.5, -0.5),
        interpolation="nearest",
    )
    ax.set_yticks(range(len(rows)), [class_name(label) for label in rows], fontsize=TICK_SIZE)
    for border in range(1, len(rows)):
        ax.axhline(border - 0.5, color=MUTED, linewidth=0.4)
