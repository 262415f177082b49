"""Decisions beside the player: who decides, what is gone through, how far one is; the player's keys do the rest."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import ipywidgets as widgets
import pandas as pd

from sedlab.data.review.decisions import DECISIONS, SUSPECT, Decision, default_reviewer, latest
from sedlab.errors import SedlabError, count_of
from sedlab.views.explorers.decisions.messages import decision_of, told_decision
from sedlab.views.explorers.decisions.queue import (
    Place,
    framed_place,
    in_view,
    is_decided,
    next_undecided,
    of_clip,
    places_of,
)
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
        self.when_closed(lambda: setattr(player, "review", {}))  # without it the player has no bar of decisions
        self.when_closed(
            player.on_message("review", lambda message, _buffers: self.run(lambda: self._receive(message)))
        )
        self.listen(player, lambda _change: self._tell_player(), "key")
        self.run(self._read)

    def start(self) -> None:
        """Make the queue of the chosen source and show its first place that is not decided."""
        source = self.source.value
        self.told.value = "<div role='status'>looking for what there is to decide ...</div>"
        try:
            self.queue = self._listed() if source == LISTED else places_of(self._queues[source]())
        except Exception:
            self._say()  # nothing is looked for any more; the panel shows the error
            raise
        if source != LISTED and self.queue:
            self._list(source)
        self._say()
        if self.queue:
            self._go(after=-1)
        else:
            self.told.value = f"<div role='status'>{html.escape(source)}: there is nothing to decide.</div>"
        self._tell_player()

    def next(self) -> None:
        """Show the next place of the queue that is not decided."""
        if not self.queue:
            self.queue = self._listed()
        self._go(after=self._present())

    def is_decided(self, place: Place) -> bool:
        """Return whether this person decided about a place: the event that it asks about, or anything in its clip."""
        return is_decided(place, self.decisions)

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
        return tuple(framed_place(key, cases.get(key)) for key in self._desk.chosen.iloc[:, 0].astype(str))

    def _list(self, source: str) -> None:
        """List the clips of the queue alone, each framed on its first place."""
        keys = list(dict.fromkeys(place.key for place in self.queue))
        if self._desk is None:
            self.player.queue = keys
        else:
            self._desk.narrow(keys, source, {place.key: place.focus for place in reversed(self.queue)})

    def _present(self) -> int:
        return in_view(self.queue, self.player.key, self.player.focus)

    def _go(self, *, after: int) -> None:
        number = next_undecided(self.queue, self.decisions, after=after)
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
        table = self._store.undo(name) if action == "undo" else self._store.add(decision_of(message, reviewer=name))
        self._take(table)
        if action == "decide" and self.advance.value and self.queue:
            present = self._present()
            if present < 0 or self.is_decided(self.queue[present]):
                self.next()

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

    def _tell_player(self) -> None:
        key = self.player.key
        own = [place for place in self.queue if place.key == key and place.label]
        self.player.review = {
            "key": key,
            "reviewer": self.reviewer.value,
            "progress": self.progress,
            "classes": None if self._classes is None or not key else list(self._classes(key)),
            "decisions": [told_decision(row) for row in of_clip(self.decisions, key).itertuples()],
            "suspects": [place.focus for place in own if place.what == SUSPECT],
        }

    def _write(self) -> None:
        self.told.value = "<div role='status'>writing ...</div>"
        try:
            written = self._export()
        except Exception:
            self._say()  # it is no longer being written; the panel shows the error
            raise
        self.told.value = f"<div role='status'>{html.escape(written)}</div>"
