"""What an augmentation does to a clip and its labels: before on the left, after on the right.

Shape letters: F bands, T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from sedlab.grid import CLIP_SECONDS
from sedlab.views.figures import frame, marks, style
from sedlab.views.figures.clips import tracks
from sedlab.views.figures.clips.spectrogram import DYNAMIC_RANGE_DB
from sedlab.views.figures.lessons.demonstration import Demonstration
from sedlab.views.figures.lessons.features import mark_frequencies

#: A class is worth a row when its target is above this anywhere.
_SHOWN_ABOVE = 0.01


def augmentation_figure(
    demonstration: Demonstration, *, classes: Sequence[str] | None = None, clip_seconds: float = CLIP_SECONDS
) -> frame.Picture:
    """Return features and labels before (left) and after (right); both sides share their colour scales."""
    classes = demonstration.classes if classes is None else classes
    rows = _shown(demonstration.labels, classes)
    label_inches = max(0.5, tracks.ROW_HEIGHT * len(rows)) + 0.35
    heights = [1.9] * len(demonstration.features) + [label_inches]
    figure = frame.new_figure(10, sum(heights) + 0.8, title=demonstration.title)
    axes = figure.subplots(len(heights), 2, sharex=True, squeeze=False, height_ratios=heights)
    for pair, (name, pictures) in zip(axes, demonstration.features.items(), strict=False):
        low, high = min(map(np.min, pictures)), max(map(np.max, pictures))
        limits = (max(low, high - DYNAMIC_RANGE_DB), high)
        edges = demonstration.band_edges.get(name, (None, None))
        for ax, side, picture, bands in zip(pair, ("before", "after"), pictures, edges, strict=True):
            extent = (0, clip_seconds, 0, len(picture))
            marks.image(ax, picture, style.SPECTROGRAM_CMAP, limits, extent, origin="lower")
            mark_frequencies(frame.label_axes(ax, title=f"{name}, {side}"), bands)
        if np.array_equal(*edges):
            pair[1].set_ylabel("")
            pair[1].tick_params(labelleft=False)
    for ax, side, labels in zip(axes[-1], ("before", "after"), demonstration.labels, strict=True):
        frame.label_axes(ax, title=f"Labels, {side}", x="Time (s)")
        _draw_labels(ax, labels, rows, classes, clip_seconds)
    axes[-1, 1].tick_params(labelleft=False)
    return figure


def _shown(labels: tuple[np.ndarray, np.ndarray], classes: Sequence[str]) -> list[str]:
    peaks = np.maximum(*(side.max(axis=1) for side in labels))
    return [label for label, peak in zip(classes, peaks, strict=True) if peak > _SHOWN_ABOVE]


def _draw_labels(ax: Axes, labels: np.ndarray, rows: list[str], classes: Sequence[str], clip_seconds: float) -> None:
    if tracks.class_rows(ax, rows, "no label"):
        values = labels[[list(classes).index(label) for label in rows]]
        marks.image(ax, values, style.TRUTH_CMAP, extent=(0, clip_seconds, len(rows) - 0.5, -0.5))
