"""What is gone through in a review: places in a fixed order, which of them are decided, and which comes next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sedlab.data.review.decisions import SAME_SECONDS


@dataclass(frozen=True)
class Place:
    """A place in the queue: a clip, and perhaps the event in it that is asked about."""

    key: str
    label: str = ""
    onset: float = math.nan
    offset: float = math.nan
    what: str = ""
    """`SUSPECT` where the label itself is doubted; else what is decided about is an event of the reference, or a
    detection, at this place."""

    @property
    def focus(self) -> dict[str, Any] | None:
        """What the player frames."""
        return {"label": self.label, "onset": self.onset, "offset": self.offset} if self.label else None


def places_of(table: pd.DataFrame) -> tuple[Place, ...]:
    """Return the places of a table `key, label, onset, offset`, perhaps `what`, in its order."""
    columns = [name for name in ("key", "label", "onset", "offset", "what") if name in table]
    return tuple(Place(*row) for row in table[columns].itertuples(index=False, name=None))


def framed_place(key: str, focus: Mapping[str, Any] | None) -> Place:
    """Return the place of a clip with what the player frames in it; without a class: of the clip."""
    if not focus or not focus.get("label"):
        return Place(key)
    return Place(key, focus["label"], seconds_or_nan(focus.get("onset")), seconds_or_nan(focus.get("offset")))


def of_clip(decisions: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return the decisions about a clip, whose key is ``subset/clip_id``."""
    subset, _, clip_id = key.partition("/")
    return decisions[(decisions["subset"] == subset) & (decisions["clip_id"] == clip_id)]


def is_decided(place: Place, decisions: pd.DataFrame) -> bool:
    """Return whether there is a decision about a place: the event that it asks about, or anything in its clip."""
    own = of_clip(decisions, place.key)
    if place.label and not math.isnan(place.onset):
        same = (own["label"] == place.label) & (own["onset"] - place.onset).abs().le(SAME_SECONDS)
        own = own[same & (own["offset"] - place.offset).abs().le(SAME_SECONDS)]
    return len(own) > 0


def next_undecided(queue: Sequence[Place], decisions: pd.DataFrame, *, after: int) -> int | None:
    """Return which place comes next, from the beginning again after the last; None: all are decided."""
    order = [*range(after + 1, len(queue)), *range(after + 1)]
    return next((k for k in order if not is_decided(queue[k], decisions)), None)


def in_view(queue: Sequence[Place], key: str, focus: Mapping[str, Any] | None) -> int:
    """Return the place of a clip, of several the one that is framed; -1: none."""
    here = [k for k, place in enumerate(queue) if place.key == key]
    framed = [k for k in here if queue[k].focus == dict(focus or {})]
    return (framed or here or [-1])[0]


def seconds_or_nan(value: Any) -> float:
    """Return a time that the browser told; nan where it has none."""
    return math.nan if value is None else float(value)
