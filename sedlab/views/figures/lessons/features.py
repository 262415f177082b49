"""What a network's front-end makes of a sound: features as pictures, side by side.

Shape letters: F bins, T frames.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sedlab.grid import CLIP_SECONDS
from sedlab.views.figures.style import SPECTROGRAM_CMAP, Picture, empty_figure, label_axes, new_figure


def features_figure(
    features: Mapping[str, np.ndarray],
    *,
    clip_seconds: float = CLIP_SECONDS,
    same_scale: bool = False,
    columns: int = 3,
    title: str = "",
) -> Picture:
    """Return named features (F, T) of one clip, low bins at the bottom, the clip's time below.

    Parameters
    ----------
    features : {name: (F, T) array or tensor}
    same_scale : bool
        One colour scale for all, to compare versions of the same features; otherwise each has its own.
    """
    arrays = {name: np.asarray(values, dtype=float) for name, values in features.items()}
    if not arrays:
        return empty_figure(title, "There are no features to show.")
    limits = (min(map(np.min, arrays.values())), max(map(np.max, arrays.values()))) if same_scale else (None, None)
    columns = min(columns, len(arrays))
    rows = -(-len(arrays) // columns)
    figure = new_figure(3.4 * columns, 2.3 * rows + 0.3 * bool(title), title=title)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for ax, (name, values) in zip(axes, arrays.items(), strict=False):
        ax.imshow(
            values,
            origin="lower",
            aspect="auto",
            cmap=SPECTROGRAM_CMAP,
            vmin=limits[0],
            vmax=limits[1],
            extent=(0, clip_seconds, 0, len(values)),
            interpolation="nearest",
        )
        label_axes(ax, title=name, x="Time (s)", y="Bin")
    for ax in axes[len(arrays) :]:
        ax.set_axis_off()
    return figure
