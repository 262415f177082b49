"""A few events and detections written down by hand, as what metrics count: to see what a rule does with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sedlab.scoring.metrics.events import CountedEvents

#: The clip that everything lies in.
CLIP = "by hand"


def counted_by_hand(
    events: pd.DataFrame, detections: pd.DataFrame, duration: float, classes: Sequence[str] | None = None
) -> CountedEvents:
    """Return what counts of one recording.

    Parameters
    ----------
    events : DataFrame
        label, onset, offset (seconds).
    detections : DataFrame
        label, onset, offset (seconds), score in (0, 1]: the detection is there at every threshold below. Those of one
        class do not overlap.
    duration : float
        Of the recording in seconds.
    classes : sequence of str, optional
        Default: those that occur.
    """
    labels = tuple(classes or sorted({*events["label"], *detections["label"]}))
    edges = np.unique([0.0, duration, *detections["onset"], *detections["offset"]])
    values = np.zeros((len(edges) - 1, len(labels)))
    for row in detections.itertuples():
        inside = (edges[:-1] >= row.onset) & (edges[1:] <= row.offset)
        column = labels.index(row.label)
        values[inside, column] = np.maximum(values[inside, column], row.score)
    table = pd.DataFrame(np.column_stack((edges[:-1], edges[1:], values)), columns=["onset", "offset", *labels])
    return CountedEvents.of({CLIP: table}, events.assign(clip_id=CLIP), {CLIP: duration}, labels)
