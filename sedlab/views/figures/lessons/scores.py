"""What a network says, and what a stage changed of it: the sureness of scores, scores before and after.

Shape letters: T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sedlab.grid import CLIP_SECONDS
from sedlab.scoring.names import class_name
from sedlab.views.figures import frame, style


def score_change_figure(
    before: np.ndarray,
    after: np.ndarray,
    classes: Sequence[str],
    events: pd.DataFrame,
    *,
    names: tuple[str, str] = ("after stage 1", "after stage 2"),
    clip_seconds: float = CLIP_SECONDS,
    title: str = "",
) -> frame.Picture:
    """Return scores of a clip before and after, a panel for each class, with what people wrote as a bar below.

    Parameters
    ----------
    before, after : (T, C)
        Probabilities of ``classes``.
    events : DataFrame
        `onset`, `offset` (s), `label`; those of other classes are left out.
    """
    if not len(classes):
        return frame.empty_figure(title, "No class to compare.")
    figure, axes = frame.panels(len(classes), 2, (4.6, 2.0), margins=(0, 0.6), title=title, sharex=True)
    edges = np.linspace(0, clip_seconds, len(before) + 1)
    for place, (ax, label) in enumerate(zip(axes, classes, strict=True)):
        moved = np.abs(after[:, place] - before[:, place]).mean()
        frame.label_axes(ax, y="Probability", grid="y")
        ax.set_title(f"{class_name(label)}: moved by {moved:.3f}", fontsize=style.LABEL_SIZE, loc="left", pad=3)
        old = ax.stairs(before[:, place], edges, color=style.MUTED, linestyle=":", linewidth=1.6, baseline=None)
        new = ax.stairs(after[:, place], edges, color=style.STUDENT, linewidth=1.4, baseline=None)
        rows = events[events["label"] == label]
        spans = list(zip(rows["onset"], rows["offset"] - rows["onset"], strict=True))
        bar = ax.broken_barh(spans, (-0.09, 0.06), facecolor=style.GROUND_TRUTH)
        ax.set_ylim(-0.11, 1)
        ax.set_xlim(0, clip_seconds)
        if place >= len(classes) - 2:
            ax.set_xlabel("Time (s)", fontsize=style.LABEL_SIZE)
    handles, told = [old, new, bar], [*names, "what people wrote"]
    frame.figure_legend(figure, handles, told, loc="outside lower center", ncols=3)
    return figure


def sureness_figure(
    probabilities: Mapping[str, np.ndarray], *, num_bins: int = 20, title: str = "How sure the network is"
) -> frame.Picture:
    """Return which share of each named set of probabilities, of any shape, lies in each twentieth of [0, 1]."""
    arrays = {name: np.asarray(values).ravel() for name, values in probabilities.items()}
    arrays = {name: values for name, values in arrays.items() if values.size}
    if not arrays:
        return frame.empty_figure(title, "No scores to show.")
    labels = {"x": "Probability of a class in a frame", "y": "Share of all frames and classes (%)"}
    figure, ax = frame.single(7, 3.8, title=title, **labels, grid="y")
    edges = np.linspace(0, 1, num_bins + 1)
    for place, (name, values) in enumerate(arrays.items()):
        share = 100 * np.histogram(values, edges)[0] / values.size
        look = {"linestyle": style.DASHES[place % len(style.DASHES)], "linewidth": 1.7}
        ax.stairs(share, edges, color=style.class_colour(place), label=name, baseline=None, **look)
    ax.set_yscale("log")
    ax.set_xlim(0, 1)
    frame.legend(ax, loc="upper center")
    return figure
