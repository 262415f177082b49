"""What a network's front-end makes of a sound: features as pictures, side by side.

Shape letters: F bands, T frames.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from sedlab.grid import CLIP_SECONDS
from sedlab.views.figures import frame, marks, style

#: Marked on an axis of frequencies where they lie within the bands.
TICKS_HERTZ = (125, 500, 1000, 2000, 4000, 6000)


def features_figure(
    features: Mapping[str, np.ndarray],
    *,
    clip_seconds: float = CLIP_SECONDS,
    band_edges: Mapping[str, ArrayLike] | ArrayLike | None = None,
    same_scale: bool = False,
    columns: int = 3,
    title: str = "",
) -> frame.Picture:
    """Return named features (F, T) of one clip, low frequencies at the bottom, the clip's time below.

    Parameters
    ----------
    band_edges : (F + 2,) floats in Hz, or {name: such}
        Of the front-end that made them (`Frontend.band_edges`): marks frequencies on the axis and tells the range.
        None: the axis counts bands.
    same_scale : bool
        Gives all one colour scale, to compare versions of the same features; otherwise each has its own.
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
        edges = band_edges.get(name) if isinstance(band_edges, Mapping) else band_edges
        title = name if edges is None else f"{name}: {edges[0]:.0f} to {edges[-1]:.0f} Hz"
        frame.label_axes(ax, title=title, x="Time (s)", y="Band")
        mark_frequencies(ax, edges)
    return figure


def mark_frequencies(ax: Axes, band_edges: ArrayLike | None) -> None:
    """Mark kHz on the axis of a picture whose row i lies at (i, i + 1): at the middles of bands; None: count bands."""
    if band_edges is None:
        ax.set_ylabel("Band", fontsize=style.LABEL_SIZE)
        return
    peaks = np.asarray(band_edges, dtype=float)[1:-1]
    ticks = [hertz for hertz in TICKS_HERTZ if peaks[0] <= hertz <= peaks[-1]]
    ax.set_yticks(np.interp(ticks, peaks, np.arange(len(peaks)) + 0.5), [f"{hertz / 1000:g}" for hertz in ticks])
    ax.set_ylabel("Frequency (kHz)", fontsize=style.LABEL_SIZE)
