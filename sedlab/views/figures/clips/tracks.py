"""The tracks below a spectrogram: a row for each class, with its events as bars or its scores as a strip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.image import AxesImage

from sedlab.scoring.names import class_names
from sedlab.views.figures import frame, marks, style

#: Inches.
ROW_HEIGHT = 0.2
#: Nothing that is drawn is paler.
_PALEST = 0.1


def class_rows(ax: Axes, labels: Sequence[str], empty: str) -> bool:
    """Give each of ``labels`` a row of ``ax``, from the top down; without any, say ``empty`` and return False."""
    if not labels:
        frame.say_empty(ax, empty)
        ax.tick_params(bottom=True, labelbottom=True)
        return False
    frame.name_rows(ax, class_names(labels), downwards=True, margin=0.5)
    for border in np.arange(0.5, len(labels) - 0.5):
        ax.axhline(border, color=style.MUTED, linewidth=0.3, alpha=0.5)
    return True


def draw_events(
    ax: Axes,
    events: pd.DataFrame,
    labels: Sequence[str],
    colour: str,
    *,
    top: float,
    height: float,
    duration: float = 0.0,
    shortest: float = 0.0,
) -> None:
    """Draw those ``events`` whose label has a row in it, from ``top`` (-0.5 to 0.5) of a row down.

    Parameters
    ----------
    events : DataFrame
        `onset, offset` (s), `label`. Without times: clip-level labels, drawn hatched over ``duration`` (s). With
        `confidence` (0 to 1): surer events are darker.
    shortest : float
        Seconds; briefer events are drawn that long, to be seen at all.
    """
    for label, group in events[events["label"].isin(labels)].groupby("label", sort=False):
        weak = group["onset"].isna()
        onset = group["onset"].fillna(0.0).to_numpy(float)
        widths = np.maximum(group["offset"].fillna(duration).to_numpy(float) - onset, shortest)
        sure = group["confidence"].fillna(1.0).clip(_PALEST, 1.0) if "confidence" in group else np.ones(len(group))
        ax.broken_barh(
            list(zip(onset, widths, strict=True)),
            (labels.index(label) + top, height),
            facecolor=["none" if clip_level else (colour, s) for clip_level, s in zip(weak, sure, strict=True)],
            edgecolor=colour,
            linewidth=0.8 if weak.any() else 0,
            hatch="////" if weak.any() else None,
        )


def draw_scores(ax: Axes, values: np.ndarray, cmap: Colormap, extent: tuple[float, float, float, float]) -> AxesImage:
    """Draw ``values`` (classes, frames) in [0, 1] as strips, 0 white to 1 dark; 256 steps are enough for the eye."""
    return marks.image(ax, np.round(values * 255).astype(np.uint8), cmap, (0, 255), extent)
