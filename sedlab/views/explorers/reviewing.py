"""Decisions beside the player: who decides, what is gone through, how far one is; the player's keys do the rest."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import ipywidgets as widgets
import pandas as pd

from sedlab.data.review.decisions import DECISIONS, SAME_SECONDS, SUSPECT, Decision, default_reviewer, latest
from sedlab.errors import SedlabError, count_of
from sedlab.views.explorers.panel import Panel, dropdown
from sedlab.views.player.player import ClipPlayer

LISTED = "clips of the list"
_HOW = (
    "In the player: press a bar (or <kbd>j</kbd>) to choose an event, then <kbd>1</kbd> right, <kbd>2</kbd> wrong, "
    "<kbd>3</kbd> unsure; drag its edges to move it; <kbd>?</kbd> lists all keys."
)


class Store(Protocol):
    """Where decisions are kept, such as `runs.Review`."""

    path: Path

    def table(self) -> pd.DataFrame: ...
    def add(self, decision: Decision) -> pd.DataFrame: ...
    def undo(self, reviewer: str) -> pd.DataFrame: ...


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


class ReviewPanel(Panel):
    """Go through clips or suspects and decide; every decision is written at once.

    Parameters
    ----------
    player : ClipPlayer
        Its keys are ``subset/clip_id``.
    store : Store
        Where decisions are kept.
    desk : Explorer or None
        The list that the queue narrows; None: the player's own queue.
    queues : {name: function}
        Others than the clips of the list: each function returns a table `key, label, onset, offset`, perhaps `what`.
    reviewer : str
        Who decides; empty: `default_reviewer`.
    classes : function or None
        Takes a key and returns the labels that can be decided about there; None: those that are not masked.
    export : function or None
        Writes the corrected labels and returns in words where to.
    where : str
        What the file of the decisions is called; empty: its path.

    Attributes
    ----------
    decisions : DataFrame
        Those of this person that count.
    queue : tuple of Place
        What is gone through.
    """

    def __init__(
        self,
        player: ClipPlayer,
        store: Store,
        *,
        desk: Any = None,
        queues: Mapping[str, Callable[[], pd.DataFrame]] | None = None,
        reviewer: str = "",
        classes: Callable[[str], Sequence[str]] | None = None,
        export: Callable[[], str] | None = None,
        where: str = "",
    ) -> None:
        super().__init__()
        self.player, self._store, self._desk = player, store, desk
        self._classes, self._export = classes, export
        self._queues, self._where = dict(queues or {}), where or str(store.path)
        self.queue: tuple[Place, ...] = ()
        self.decisions = latest(store.table(), reviewer=reviewer or default_reviewer())
        self.reviewer = widgets.Text(
            description="Reviewer", value=reviewer or default_reviewer(), continuous_update=False
        )
        self.source = dropdown("Queue", [LISTED, *self._queues])
        self.begin = widgets.Button(description="Go through", tooltip="Begin with the first that is not decided")
        self.advance = widgets.Checkbox(description="go on after deciding", value=False, indent=False)
        self.written = widgets.Button(
            description="Write corrected labels", disabled=export is None, layout=widgets.Layout(width="auto")
        )
        self.told, self.counts = widgets.HTML(), widgets.HTML()
        self.arrange(
            [self.reviewer, self.source, self.begin, self.advance, self.written],
            [self.told, self.counts],
        )
        self.on_change(self._read, self.reviewer)
        self.begin.on_click(lambda _button: self.run(self.start))
        self.written.on_click(lambda _button: self.run(self._write))
        player.on_message("review", lambda message, _buffers: self.run(lambda: self._receive(message)))
        player.observe(lambda _change: self._tell_player(), "key")
        self.run(self._read)

    def start(self) -> None:
        """Make the queue of the chosen source and show its first place that is not decided."""
        source = self.source.value
        self.told.value = "<div role='status'>looking for what there is to decide ...</div>"
        if source == LISTED:
            self.queue = self._listed()
        else:
            table = self._queues[source]()
            columns = [name for name in ("key", "label", "onset", "offset", "what") if name in table]
            self.queue = tuple(Place(*row) for row in table[columns].itertuples(index=False, name=None))
            keys = list(dict.fromkeys(place.key for place in self.queue))
            if self.queue and self._desk is not None:
                self._desk.narrow(keys, source, {place.key: place.focus for place in reversed(self.queue)})
            elif self.queue:
                self.player.queue = keys
        self._say()
        if self.queue:
            self._go(self._next_place(-1))
        self._tell_player()

    def next(self) -> None:
        """Show the next place of the queue that is not decided."""
        if not self.queue:
            self.queue = self._listed()
        self._go(self._next_place(self._present()))

    def is_decided(self, place: Place) -> bool:
        """Return whether this person decided about a place: the event that it asks about, or anything in its clip."""
        own = self._of_clip(place.key)
        if place.label and not math.isnan(place.onset):
            same = (own["label"] == place.label) & (own["onset"] - place.onset).abs().le(SAME_SECONDS)
            own = own[same & (own["offset"] - place.offset).abs().le(SAME_SECONDS)]
        return len(own) > 0

    @property
    def progress(self) -> str:
        """How far one is, in words; empty without a queue."""
        if not self.queue:
            return ""
        return f"{sum(map(self.is_decided, self.queue))} of {len(self.queue)} decided"

    def still(self) -> Iterator[bytes | str]:
        """Give how many decisions there are."""
        yield self.counts.value

    def _listed(self) -> tuple[Place, ...]:
        """Return the clips of the list, each with the case that its narrowing frames."""
        if self._desk is None:
            return tuple(map(Place, self.player.queue))
        cases = self._desk.focuses
        return tuple(_place(key, cases.get(key)) for key in self._desk.chosen.iloc[:, 0].astype(str))

    def _present(self) -> int:
        """Return the place in view: of several in a clip the one that is framed."""
        focus = dict(self.player.focus or {})
        here = [k for k, place in enumerate(self.queue) if place.key == self.player.key]
        framed = [k for k in here if self.queue[k].focus == focus]
        return (framed or here or [-1])[0]

    def _next_place(self, after: int) -> int | None:
        order = [*range(after + 1, len(self.queue)), *range(after + 1)]
        return next((k for k in order if not self.is_decided(self.queue[k])), None)

    def _go(self, number: int | None) -> None:
        if number is None:
            self.told.value = f"<div role='status'>All {len(self.queue)} are decided.</div>"
            return
        place = self.queue[number]
        if self._desk is None:
            self.player.go(place.key, place.focus)
        else:
            self._desk.open(place.key, place.focus)

    def _receive(self, message: Mapping[str, Any]) -> None:
        """Do what was asked for in the player."""
        action = message.get("action")
        if action == "next":
            self.next()
            return
        name = self._name()
        table = self._store.undo(name) if action == "undo" else self._store.add(self._decision(message))
        self._take(table)
        if action == "decide" and self.advance.value and self.queue:
            present = self._present()
            if present < 0 or self.is_decided(self.queue[present]):
                self.next()

    def _decision(self, message: Mapping[str, Any]) -> Decision:
        item, (subset, _, clip_id) = message["item"], message["key"].partition("/")
        return Decision(
            subset=subset,
            clip_id=clip_id,
            onset=_number(item.get("onset")),
            offset=_number(item.get("offset")),
            label=item["label"],
            what=item["what"],
            decision=message["decision"],
            new_onset=_number(message.get("newOnset")),
            new_offset=_number(message.get("newOffset")),
            note=message.get("note", ""),
            reviewer=self._name(),
            system=item.get("system", ""),
        )

    def _name(self) -> str:
        name = " ".join(self.reviewer.value.split())
        if not name:
            raise SedlabError("Reviewer: who decides? Write a name first.")
        return name

    def _read(self) -> None:
        self._take(self._store.table())

    def _take(self, table: pd.DataFrame) -> None:
        self.decisions = latest(table, reviewer=self._name())
        self._say()
        self._tell_player()

    def _say(self) -> None:
        name, told = html.escape(self._name()), self.decisions
        counts = ", ".join(f"{int((told['decision'] == one).sum())} {one}" for one in DECISIONS)
        number = count_of(len(told), "decision")
        self.counts.value = f"<div>{number} by {name} ({counts}), kept in <code>{html.escape(self._where)}</code></div>"
        queue = f"{html.escape(self.source.value)}: {self.progress}" if self.queue else _HOW
        self.told.value = f"<div role='status'>{queue}</div>"

    def _of_clip(self, key: str) -> pd.DataFrame:
        subset, _, clip_id = key.partition("/")
        return self.decisions[(self.decisions["subset"] == subset) & (self.decisions["clip_id"] == clip_id)]

    def _tell_player(self) -> None:
        key = self.player.key
        own = [place for place in self.queue if place.key == key and place.label]
        self.player.review = {
            "key": key,
            "reviewer": self.reviewer.value,
            "progress": self.progress,
            "classes": None if self._classes is None or not key else list(self._classes(key)),
            "decisions": [_plain(row) for row in self._of_clip(key).itertuples()],
            "suspects": [place.focus for place in own if place.what == SUSPECT],
        }

    def _write(self) -> None:
        self.told.value = "<div role='status'>writing ...</div>"
        self.told.value = f"<div role='status'>{html.escape(self._export())}</div>"


def _place(key: str, focus: Mapping[str, Any] | None) -> Place:
    if not focus or not focus.get("label"):
        return Place(key)
    return Place(key, focus["label"], _number(focus.get("onset")), _number(focus.get("offset")))


def _plain(row: Any) -> dict[str, Any]:
    """Return a decision for the browser; None for times that it has not."""
    times = {"onset": row.onset, "offset": row.offset, "newOnset": row.new_onset, "newOffset": row.new_offset}
    told = {"what": row.what, "system": row.system, "label": row.label, "decision": row.decision, "note": row.note}
    return told | {name: None if math.isnan(value) else float(value) for name, value in times.items()}


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
