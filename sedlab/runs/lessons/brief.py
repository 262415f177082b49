"""The shortest event of a test set, with what a model says around it: what a long window does to a short sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sedlab.errors import SedlabError
from sedlab.runs.clips import active_events
from sedlab.runs.layout import ENSEMBLE
from sedlab.runs.run import Run
from sedlab.runs.scores import read_scores


@dataclass(frozen=True, eq=False)
class BriefEvent:
    """An event and the raw scores of its class in its clip."""

    clip_id: str
    label: str
    onset: float
    offset: float
    """Seconds."""
    scores: np.ndarray
    """(frames,) probabilities, not filtered"""
    frame_times: np.ndarray
    """(frames + 1,) boundaries in seconds"""


def brief_event(
    run: Run, iteration: int, subset: str, *, model: str = ENSEMBLE, label: str | None = None, threshold: float = 0.5
) -> BriefEvent:
    """Return the shortest event of a subset (of one class, if named) that a model hears before any filter.

    It hears it where a frame within it scores above ``threshold``; if it hears none, the shortest is returned.
    """
    events = active_events(run, subset)
    if label is not None:
        events = events[events["label"] == label]
    if events.empty:
        raise SedlabError(f"{subset}: has no event{f' of {label!r}' if label else ''}. Choose another subset or class.")
    scores = read_scores(run.score_file(iteration, model, subset)).select(list(dict.fromkeys(events["clip_id"])))
    rows, probabilities, times = (
        {name: row for row, name in enumerate(scores.clip_ids)},
        scores.probabilities,
        scores.frame_times,
    )
    events = events.assign(seconds=events["offset"] - events["onset"]).sort_values(["seconds", "clip_id", "onset"])
    found = []
    for event in events.itertuples():
        column = probabilities[rows[event.clip_id], :, scores.classes.index(event.label)]
        inside = (times[1:] > event.onset) & (times[:-1] < event.offset)
        found.append(BriefEvent(event.clip_id, event.label, float(event.onset), float(event.offset), column, times))
        if inside.any() and column[inside].max() > threshold:
            return found[-1]
    return found[0]
