"""A list of clips, the player beside it and panels below, linked: what is chosen in one is shown in the others.

It takes a table and a player, so it works on a run, a folder of recordings, or anything else that makes scenes.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd

from sedlab.errors import SedlabError, count_of, nearest
from sedlab.system.frontend import person_present
from sedlab.views.explorers.clip_list import NO_FILTERS, ClipList, LaterColumns
from sedlab.views.explorers.controls.panel_tabs import PanelTabs
from sedlab.views.explorers.panel import Panel
from sedlab.views.figures.embed import encode
from sedlab.views.kept import LIVE_ONLY, show_with_picture, without_comms
from sedlab.views.player.player import ClipPlayer

#: What a panel opens and narrows.
Focus = Mapping[str, Any]


class Explorer(Panel):
    """Clips to sort, filter and open, one of them in the player, and panels whose marks lead to clips.

    Parameters
    ----------
    clips : DataFrame
        A row a clip. The first column is its key, unique, as ``player`` loads it; what others are is said by
        `ClipList`.
    player : ClipPlayer
        Shows the clip in view.
    panels : {name: function}
        Each takes the explorer and returns a widget; it is called when its tab is first opened.
    classes, help, parts, num_parts, filters
        As `ClipList` takes them.
    call : str
        The line of Python that makes this view again; the player's begins with it.

    Attributes
    ----------
    clips : DataFrame
        The list; columns that are computed late hold nan until then (`complete`).
    player : ClipPlayer
    chosen : DataFrame
        The rows of ``clips`` that the filters leave, in the order shown.
    """

    def __init__(
        self,
        clips: pd.DataFrame,
        player: ClipPlayer,
        *,
        panels: Mapping[str, Callable[[Explorer], widgets.Widget]] | None = None,
        classes: Sequence[str] = (),
        help: Mapping[str, str] | None = None,
        parts: Iterator[LaterColumns] | None = None,
        num_parts: int = 0,
        filters: Mapping[str, Any] | None = None,
        call: str = "",
    ) -> None:
        super().__init__()
        self.player, self.call = player, call
        if call:
            player.base = call
        self._rows = {str(key): row for row, key in enumerate(clips.iloc[:, 0])}
        if len(self._rows) < len(clips):
            raise SedlabError(f"{clips.columns[0]}: two clips have one key. Give every row a key of its own.")
        self._focuses: dict[str, Focus] = {}
        self.list = ClipList(
            clips, player, classes=classes, help=help, parts=parts, num_parts=num_parts, filters=filters
        )
        self.tabs = PanelTabs({name: partial(make, self) for name, make in (panels or {}).items()}, self._make_low)
        self.tabs.add_class(LIVE_ONLY)
        player.observe(lambda change: self._follow(change["new"]), "key")
        self.list.observe(lambda change: change["new"] or self._focuses.clear(), "narrowed")
        self.list.on_table = lambda: self.run(self._put_table)
        if clips.empty:
            self.say_empty("There are no clips to show.", "sedlab run mini")
            return
        self._start(filters or {})

    @property
    def clips(self) -> pd.DataFrame:
        """The list."""
        return self.list.clips

    @property
    def chosen(self) -> pd.DataFrame:
        """The rows that the filters leave, in the order shown."""
        return self.clips.iloc[list(self.list.order)].reset_index(drop=True)

    @property
    def focuses(self) -> dict[str, Focus]:
        """What the present narrowing frames in its clips, by their keys."""
        return dict(self._focuses)

    def complete(self) -> pd.DataFrame:
        """Compute the columns that were left for later, and return the list."""
        with without_comms():
            self.list.complete()
        return self.clips

    def open(self, key: str | None = None, focus: Focus | None = None, system: str | None = None) -> None:
        """Show a clip by its key.

        Parameters
        ----------
        focus : dict, optional
            `onset`, `offset` (s), `label`: what to frame and seek.
        system : str, optional
            Name of a system that must be among those drawn.

        Raises
        ------
        SedlabError
            For a key that is not in the list, with the nearest one.
        """
        if key is None:  # that is how ipywidgets opens the line of any widget to the browser
            super().open()
            return
        if key not in self._rows:
            raise SedlabError(f"{key}: no clip of this list.{nearest(key, self._rows)}")
        with without_comms():
            self.player.go(key, focus=dict(focus or self._focuses.get(key, {})) or None)
            if system is not None and self.player.shown is not None:
                self.player.shown = list(dict.fromkeys([system, *self.player.shown]))

    def narrow(
        self, keys: Sequence[str], because: str = "chosen clips", focuses: Mapping[str, Focus] | None = None
    ) -> None:
        """List only these clips, in the order given; a mark above the list says why and takes it away.

        Other filters are taken away, and no clip is opened. Keys that are not in the list are left out. ``focuses``:
        what to frame in each, when it is opened.

        Raises
        ------
        SedlabError
            When none of the keys is in the list.
        """
        rows = [self._rows[key] for key in dict.fromkeys(keys) if key in self._rows]
        if not rows:
            raise SedlabError(f"{because}: none of {count_of(len(keys), 'clip')} is in this list. Widen its subset.")
        # In one message: of a list that was whole for a moment the browser would send the queue, to come back too late.
        with self.list.hold_sync():
            # Cleared first: the mark of the narrowing before would take these along.
            self.list.narrowed = {}
            self._focuses = dict(focuses or {})
            self.list.filters = dict(NO_FILTERS)
            self.list.narrowed = {"rows": rows, "because": because}
            self._show_order(rows)

    def widen(self) -> None:
        """List all clips again."""
        self.list.narrowed = {}
        self._show_order(range(len(self.clips)))

    def at(self, *arguments: Any, **options: Any) -> Explorer:
        """Set the player as its line of Python says (`ClipPlayer.at`), and return self."""
        self.player.at(*arguments, **options)
        return self

    def select_panel(self, name: str) -> None:
        """Open a panel by its name; SedlabError for an unknown one."""
        self.tabs.select(name)

    def close_panel(self, name: str) -> None:
        """Close a panel and free what it holds; opened again, it is made anew. SedlabError for an unknown one."""
        self.tabs.close_panel(name)

    def panel(self, name: str) -> widgets.Widget | None:
        """Return a panel that is open; None: it is not."""
        return self.tabs.built.get(name)

    def still(self) -> Iterator[bytes | str]:
        """Give how many clips there are, the clip in view, and the panel that is open."""
        if self.clips.empty:
            yield self.message.value
            return
        number, where = len(self.list.order), f"clip <b>{html.escape(self.player.key)}</b>"
        yield f"{count_of(number, 'clip')} listed, {where}"
        yield from self.player.still()
        if hasattr(self.tabs.opened, "still"):
            yield from self.tabs.opened.still()

    def _ipython_display_(self) -> None:
        if not person_present() or self.clips.empty:
            super()._ipython_display_()
            return
        self._arrange()
        # What somebody waits for is the first clip. The browser makes the view while Python is still at the scene, and
        # asks for the table when it is drawn; the picture that stays takes a second, and is drawn when all is calm.
        self.player.promise_scene()
        nothing = encode(np.full((1, 1, 3), 255, dtype=np.uint8))
        kept = show_with_picture(self, nothing, f"{count_of(len(self.list.order), 'clip')} listed")
        self.list.on_settled = lambda: self.run(lambda: kept.update(*self._kept()))
        self.run(self.player.send_early)

    def _kept(self) -> tuple[bytes, str]:
        parts = list(self.still())
        said = [part for part in parts if isinstance(part, str)]
        return next(part for part in parts if isinstance(part, bytes)), " &nbsp; ".join(said)

    def _arrange(self) -> None:
        """Put the parts in their places, but for the table, which the list asks for."""
        if self.children:
            return
        places = {"clips": [self.list], "shown": [self.message, self.player]}
        if self.tabs.children:
            places["panels"] = [self.tabs]
        self.add_class("sedlab-explorer")
        self.children = [widgets.VBox(held, _dom_classes=[f"sedlab-{name}"]) for name, held in places.items()]

    def _put_table(self) -> None:
        clips = self.children[0]
        if len(clips.children) == 1:
            clips.children = [self.list, self.list.table()]

    def _start(self, filters: Mapping[str, Any]) -> None:
        rows = range(len(self.clips))
        if label := filters.get("label"):
            having = [name for name in ("annotated", "detected") if name in self.clips]
            rows = [row for row in rows if any(label in self.clips[name].iloc[row] for name in having)] or rows
        self._show_order(rows)
        self.run(lambda: self.player.go(self.player.queue[0]))

    def _show_order(self, rows: Sequence[int]) -> None:
        with without_comms():
            self.list.order = [int(row) for row in rows]
            self.player.queue = [str(key) for key in self.clips.iloc[np.asarray(rows, dtype=int), 0]]

    def _follow(self, key: str) -> None:
        """Frame what the narrowing says of a clip that was opened in the browser."""
        if key in self._focuses and dict(self.player.focus or {}) != dict(self._focuses[key]):
            focus = dict(self._focuses[key])
            with self.player.hold_sync():
                self.player.focus = focus
                self.player.label = focus.get("label") or self.player.label

    def _make_low(self, is_low: bool) -> None:
        """Keep the player low while a panel is open: what is pressed there is to be seen above it."""
        (self.add_class if is_low else self.remove_class)("sedlab-with-panel")
