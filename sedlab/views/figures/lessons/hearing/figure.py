"""What each network is given of a clip, as a picture: one time axis, Hz at the left, a scale of values at the right."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from sedlab.views.figures import frame, marks, style
from sedlab.views.figures.lessons.features import TICKS_HERTZ
from sedlab.views.figures.lessons.hearing.ears import Heard


def heard_figure(
    before: Mapping[str, Heard], after: Mapping[str, Heard] | None = None, *, title: str = ""
) -> frame.Picture:
    """Return a row for each front-end; with ``after``, a second column on the same scales of values."""
    sides = {"": before} if after is None else {", before": before, ", after": after}
    figure = frame.new_figure(6.0 * len(sides), 1.7 * len(before) + 0.6, title=title)
    axes = figure.subplots(len(before), len(sides), sharex=True, squeeze=False)
    for place, (row, name) in enumerate(zip(axes, before, strict=True), start=1):
        heard = [side[name] for side in sides.values()]
        limits = min(one.values.min() for one in heard), max(one.values.max() for one in heard)
        for ax, one, side in zip(row, heard, sides, strict=True):
            frame.label_axes(ax, title=name + side, x="Time (s)" if place == len(before) else "")
            drawn = _draw(ax, one, limits)
        marks.colour_bar(drawn, "value")
    return figure


def _draw(ax: Axes, heard: Heard, limits: tuple[float, float]):
    """Draw features with the middle of each frame and the peak of each band where they are."""
    half = heard.hop_seconds / 2
    last = heard.first_seconds + (heard.values.shape[1] - 1) * heard.hop_seconds
    extent = (heard.first_seconds - half, last + half, -0.5, len(heard.values) - 0.5)
    drawn = marks.image(ax, heard.values, style.SPECTROGRAM_CMAP, limits, extent, origin="lower")
    ticks = [hertz for hertz in TICKS_HERTZ if heard.peaks[0] <= hertz <= heard.peaks[-1]]
    ax.set_yticks(np.interp(ticks, heard.peaks, np.arange(len(heard.peaks))), [f"{hertz:g}" for hertz in ticks])
    ax.set_ylabel("Frequency (Hz)", fontsize=style.LABEL_SIZE)
    return drawn
