"""Events as decisions have them: wrong ones dropped, moved ones moved, missed ones added."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from sedlab.data.review.decisions import (
    CLIP,
    DETECTION,
    MISSED,
    MOVED,
    REFERENCE,
    RIGHT,
    SAME_SECONDS,
    SUSPECT,
    UNSURE,
    WRONG,
    items_of,
)
from sedlab.data.tables import EVENT_COLUMNS
from sedlab.data.tsv import line_number
from sedlab.errors import SedlabError


def effective(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return the decisions that can change events; the others say that all is as it should be, or that nobody knows."""
    decisions = _one_each(decisions)
    what, decision = decisions["what"], decisions["decision"]
    on_reference = (what == REFERENCE) & decision.isin([WRONG, MOVED])
    on_suspects = (what == SUSPECT) & decision.isin([RIGHT, WRONG, MOVED])
    on_new = what.isin([DETECTION, MISSED]) & decision.isin([RIGHT, MOVED])
    return decisions[on_reference | on_suspects | on_new]


def corrected_events(
    events: pd.DataFrame, decisions: pd.DataFrame, *, weak: bool = False, path: Path | None = None
) -> pd.DataFrame:
    """Return the events of a subset after decisions about its clips.

    - An event of the **reference**: dropped if wrong, with its new times if moved.
    - A **detection** or **missed** event that is right: added, unless an event of its class overlaps it, whose times
      then stand. Moved: added with its new times, in place of the events of its class that these overlap.
    - A **suspect** stands for the events of its class that it overlaps: dropped if it is wrong, replaced if it was
      moved, kept or, where there are none, added if it is right.
    - A suspect with the times of an event of the reference is that event: what was decided last counts.
    - What is unsure, and decisions about whole clips, change nothing.

    Parameters
    ----------
    events : DataFrame
        `EVENT_COLUMNS`, without aliased rows.
    decisions : DataFrame
        Those that count (`latest`), in their order, all of this subset.
    weak : bool
        Labels of clips, without times.
    path : Path or None
        The file of the decisions, for messages.

    Raises
    ------
    SedlabError
        When an event of the reference that was decided about is not there.
    """
    decisions = _one_each(decisions)
    touched = events["clip_id"].isin(decisions["clip_id"])
    clips: dict[str, _Clip] = {clip_id: _Clip(weak) for clip_id in dict.fromkeys(decisions["clip_id"])}
    for place, row in zip(events.index[touched], events[touched].itertuples(index=False), strict=True):
        clips[row.clip_id].events.append(_Event(row.label, row.onset, row.offset, row.confidence, place))
    for decision in decisions.itertuples():
        if not clips[decision.clip_id].apply(decision):
            raise SedlabError(_not_there(decision, path))
    subset = decisions["subset"].iloc[0] if len(decisions) else ""
    changed = [
        (event.place, subset, clip_id, event.onset, event.offset, event.label, event.confidence)
        for clip_id, clip in clips.items()
        for event in clip.events
    ]
    # What is new comes last, in the order of the decisions.
    changed.sort(key=lambda row: math.inf if row[0] is None else row[0])
    old = [row for row in changed if row[0] is not None]
    table = events[list(EVENT_COLUMNS)].drop(index=events.index[touched].difference([row[0] for row in old]))
    if old:
        table.loc[[row[0] for row in old], ["onset", "offset"]] = [row[3:5] for row in old]
    new = pd.DataFrame([row[1:] for row in changed if row[0] is None], columns=list(EVENT_COLUMNS))
    table = pd.concat([table, new], ignore_index=True) if len(table) and len(new) else (new if len(new) else table)
    return table.astype({"onset": float, "offset": float, "confidence": float}).reset_index(drop=True)


def _one_each(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return the last decision about each event, be it called a suspect or an event of the reference."""
    is_label = decisions["what"].isin([REFERENCE, SUSPECT])
    same = items_of(decisions.assign(what=decisions["what"].mask(is_label, REFERENCE)))
    return decisions[~(is_label & same.duplicated(keep="last"))]


@dataclass
class _Event:
    label: str
    onset: float
    offset: float
    confidence: float = 1.0
    place: int | None = None
    """Of its row in the table; None: it is new."""


@dataclass
class _Clip:
    """The events of a clip while decisions are applied to them."""

    weak: bool
    events: list[_Event] = field(default_factory=list)

    def apply(self, decision: Any) -> bool:
        """Change the events as a decision says; return False if it is about an event that is not there."""
        if decision.what == REFERENCE:
            found = self._same(decision)
            if decision.decision == WRONG:
                self._drop(found)
            elif decision.decision == MOVED:
                for event in found:
                    event.onset, event.offset = decision.new_onset, decision.new_offset
            return bool(found)
        if decision.what == CLIP or decision.decision == UNSURE:
            return True
        within = self._overlapping(decision.label, decision.onset, decision.offset)
        if decision.decision == WRONG and decision.what == SUSPECT:
            self._drop(within)
        elif decision.decision == RIGHT and not within:
            self._add(decision.label, decision.onset, decision.offset)
        elif decision.decision == MOVED:
            replaced = self._overlapping(decision.label, decision.new_onset, decision.new_offset)
            self._drop(replaced + (within if decision.what == SUSPECT else []))
            self._add(decision.label, decision.new_onset, decision.new_offset)
        return True

    def _same(self, decision: Any) -> list[_Event]:
        return [
            event
            for event in self.events
            if event.label == decision.label
            and _equal(event.onset, decision.onset)
            and _equal(event.offset, decision.offset)
        ]

    def _overlapping(self, label: str, onset: float, offset: float) -> list[_Event]:
        """Return the events of a class that share time with a stretch; without times, they are the clip's."""
        return [
            event
            for event in self.events
            if event.label == label
            and (self.weak or math.isnan(onset) or (event.onset < offset and onset < event.offset))
        ]

    def _drop(self, events: list[_Event]) -> None:
        self.events = [event for event in self.events if not any(event is dropped for dropped in events)]

    def _add(self, label: str, onset: float, offset: float) -> None:
        times = (math.nan, math.nan) if self.weak else (onset, offset)
        self.events.append(_Event(label, *times))


def _equal(one: float, other: float) -> bool:
    return abs(one - other) <= SAME_SECONDS or (math.isnan(one) and math.isnan(other))


def _not_there(decision: Any, path: Path | None) -> str:
    place = "decision" if path is None else f"{path}, line {line_number(decision.Index)}"
    when = "" if math.isnan(decision.onset) else f" from {decision.onset:g} to {decision.offset:g} s"
    return (
        f"{place}: {decision.subset} has no {decision.label}{when} in {decision.clip_id}. Its table has changed since: "
        "remove the row, or decide again."
    )
