"""How often each class is heard in an epoch, by the way in which its clips are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sedlab.scoring.names import class_names
from sedlab.views.figures import frame, style

_MARKERS = ("o", "D", "s", "^")
#: More classes than this are numbered, not named.
_NAMED_CLASSES = 60
#: Above this ratio of the most to the least frequent class, the axis is logarithmic.
_LONG_TAIL = 50


def class_draws_figure(
    events: pd.DataFrame,
    draws: Mapping[str, Sequence[Sequence[str]]],
    *,
    names: Mapping[str, str] | None = None,
    title: str = "How often each class is heard",
) -> frame.Picture:
    """Return, for each class, how many of an epoch's clips have it: one line for each way of drawing.

    Parameters
    ----------
    events : DataFrame
        Columns clip_id and label.
    draws : {way of drawing: epochs}
        An epoch is the ids of its clips; the mean over epochs is shown.
    names : {label: name}, optional
        What classes are called in the figure.
    """
    if events.empty or not draws:
        return frame.empty_figure(title, "No clips with events to draw: prepare the corpus first.")
    holds = events[["clip_id", "label"]].drop_duplicates()
    clips_of = holds["label"].value_counts()
    classes = list(clips_of.index)
    labels = {"title": title, "x": "Class, most frequent first", "y": "Clips of an epoch"}
    figure, ax = frame.single(min(11, 3 + 0.22 * len(classes)), 4.4, **labels, grid="y")
    places = np.arange(len(classes))
    ax.step(places, clips_of.to_numpy(), where="mid", color=style.MUTED, linewidth=0.8, label="all clips")
    for (way, epochs), colour, marker in zip(draws.items(), style.CLASS_CYCLE, _MARKERS, strict=False):
        drawn = pd.Series(np.concatenate([np.asarray(epoch) for epoch in epochs])).value_counts()
        heard = holds.assign(times=holds["clip_id"].map(drawn).fillna(0)).groupby("label")["times"].sum() / len(epochs)
        ax.plot(places, heard.reindex(classes), marker, color=colour, markersize=4, label=way)
    if clips_of.max() > _LONG_TAIL * clips_of.min():
        ax.set_yscale("log")
    else:
        ax.set_ylim(bottom=0)
    if len(classes) <= _NAMED_CLASSES:
        ax.set_xticks(places, class_names((names or {}).get(label, label) for label in classes), rotation=90)
    frame.legend(ax, loc="upper right")
    return figure
