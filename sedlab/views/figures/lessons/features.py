"""What a network's front-end makes of a sound: features as pictures, side by side.

Shape letters: F bins, T frames.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sedlab.grid import CLIP_SECONDS
from sedlab.views.figures import frame, marks, style


def features_figure(
    features: Mapping[str, np.ndarray],
    *,
    clip_seconds: float = CLIP_SECONDS,
    same_scale: bool = False,
    columns: int = 3,
    title: str = "",
) -> frame.Picture:
    """Return named features (F, T) of one clip, low bins at the bottom, the clip's time below.

    ``same_scale`` gives all one colour scale, to compare versions of the same features; otherwise each has its own.
    """
    arrays = {name: np.asarray(values, dtype=float) for name, values in features.items()}
    if not arrays:
        return frame.empty_figure(title, "There are no features to show.")
    limits = (min(map(np.min, arrays.values())), max(map(np.max, arrays.values()))) if same_scale else (None, None)
    margins = (0, 0.3 * bool(title))
    figure, axes = frame.panels(len(arrays), columns, (3.4, 2.3), margins=margins, title=title, sharex=True)
    for ax, (name, values) in zip(axes, arrays.items(), strict=True):
        extent = (0, clip_seconds, 0, len(values))
        marks.image(ax, values, style.SPECTROGRAM_CMAP, limits, extent, origin="lower")
        frame.label_axes(ax, title=name, x="Time (s)", y="Bin")
    return figure
