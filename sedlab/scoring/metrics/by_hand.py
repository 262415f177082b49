"""A few events and detections written down by hand, as what metrics count: to see what a rule does with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.psds import Scenario, class_curve

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


def false_alarm_costs(
    scenarios: Mapping[str, Scenario], *, other_seconds: float = 30.0, duration: float = 360.0
) -> pd.DataFrame:
    """Return what one false alarm adds to the effective rate an hour, by where it lies.

    One dog and ``other_seconds`` of cat sound in a recording of ``duration`` seconds; the false alarm, of a dog too, is
    3 s long. Rows: in silence, on the cat; a column for each of ``scenarios``, {name: scenario}.
    """
    columns = ["label", "onset", "offset", "score"]
    events = pd.DataFrame([("Dog", 10.0, 14.0), ("Cat", 50.0, 50.0 + other_seconds)], columns=columns[:3])
    costs = {}
    for place, onset in (("in silence", duration - 20.0), ("on the cat", 50.0)):
        rows = [("Dog", onset, onset + 3.0, 0.9), ("Dog", 10.0, 14.0, 0.5)]
        counted = counted_by_hand(events, pd.DataFrame(rows, columns=columns), duration)
        # The one event is found at a lower threshold: its step stands at the rate of the false alarm.
        costs[place] = {
            name: float(class_curve(counted, replace(scenario, max_efpr=np.inf), "Dog")[1][-1])
            for name, scenario in scenarios.items()
        }
    return pd.DataFrame(costs).T
