"""The list of clips beside a player: a table of `itables` (DataTables), and the filters above it.

The order shown in the browser, sorted and filtered, is the player's queue, without asking Python. Numbers that take
time to compute come in parts, when the browser asks for more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import numpy as np
import pandas as pd
import traitlets

from sedlab.errors import SedlabError
from sedlab.scoring.names import class_name
from sedlab.views.explorers.controls.clip_values import column_kind, digits_of, sent_values
from sedlab.views.modules import joined

_HERE = Path(__file__).parent
NO_FILTERS: dict[str, Any] = {"label": "", "relation": "either", "choices": {}, "ranges": {}}


@dataclass(frozen=True, eq=False)
class LaterColumns:
    """Columns that were computed after the list was shown, for all clips in their order (N)."""

    columns: Mapping[str, Sequence[Any]]
    """{name: N values}; each must be a column of the list already."""
    by_class: Mapping[str, np.ndarray] = field(default_factory=dict)
    """{name: (N, C) numbers}: shown in place of the clips' own once a class is chosen."""
    what: str = ""
    """What comes next, while there is more."""


class ClipList(anywidget.AnyWidget):
    """Filters above a table of clips; `table` is the table.

    Parameters
    ----------
    clips : DataFrame
        The first column is the key; columns of tuples hold labels, others numbers or texts. nan: not known.
    classes : sequence of str
        The order in which a `LaterColumns` has its classes, and in which they can be chosen.
    help : {column: text}
        Said when the pointer rests on a column's head.
    parts : iterator of LaterColumns
        What is computed when asked for more; the list says how many there are by ``num_parts``.
    """

    _esm = joined(_HERE, "clip_list.js")
    _css = (_HERE / "clip_list.css").read_text(encoding="utf-8")

    columns = traitlets.List().tag(sync=True)
    classes = traitlets.List().tag(sync=True)
    player = traitlets.Unicode("").tag(sync=True)
    """IPY_MODEL_ and the player's id"""
    filters = traitlets.Dict().tag(sync=True)
    """`label`, `relation`, `choices` {column: value}, `ranges` {column: [low, high]}"""
    narrowed = traitlets.Dict().tag(sync=True)
    """`rows` and `because`: what `Explorer.narrow` leaves; empty: all"""
    order = traitlets.List().tag(sync=True)
    """Row numbers in the order shown"""
    more = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        clips: pd.DataFrame,
        player: widgets.Widget,
        *,
        classes: Sequence[str] = (),
        help: Mapping[str, str] | None = None,
        parts: Iterator[LaterColumns] | None = None,
        num_parts: int = 0,
        filters: Mapping[str, Any] | None = None,
    ) -> None:
        self.clips, self.by_class = clips.reset_index(drop=True), {}
        self._parts, self._num_parts, self._done = parts, num_parts, 0
        self._help = dict(help or {})
        self.on_table: Callable[[], None] = lambda: None
        self.on_settled: Callable[[], None] = lambda: None
        super().__init__(
            columns=[self._told(name) for name in self.clips],
            classes=[{"label": label, "name": class_name(label)} for label in classes],
            player=f"IPY_MODEL_{player.model_id or ''}",
            order=list(range(len(clips))),
            filters={**NO_FILTERS, **(filters or {})},
            more=parts is not None,
        )
        self.on_msg(self._receive)

    def table(self) -> widgets.DOMWidget:
        """Return a new table of the clips, see `clip_rows`, which belongs beside this widget."""
        from sedlab.views.explorers.controls.clip_rows import clip_rows

        return clip_rows(self.clips)

    def complete(self) -> None:
        """Compute everything that was left for later."""
        while self._parts is not None:
            self.advance()

    def advance(self) -> None:
        """Compute the next part, and send it where somebody looks on."""
        part = next(self._parts, None) if self._parts is not None else None
        if part is None:
            self.more, self._parts = False, None
            progress = {"done": self._num_parts, "total": self._num_parts, "what": "", "asked": True}
            self.send({"type": "columns", "columns": [], **progress})
            return
        self._done += 1
        self.more = self._done < self._num_parts
        self.put(part, asked=True)

    def put(self, part: LaterColumns, *, asked: bool = False) -> None:
        """Put columns into the list, and send them where somebody looks on; ``asked``: the browser waits for them."""
        names = dict.fromkeys([*part.columns, *part.by_class])
        told, buffers = [], []
        for name in names:
            if name not in self.clips:
                raise SedlabError(f"{name}: no column of this list. It has: {', '.join(self.clips)}.")
            self.clips[name] = pd.Series(part.columns[name], index=self.clips.index)
            if column_kind(self.clips[name]) != "number":
                told.append({"name": name, **sent_values(self.clips[name])})
                continue
            blocks = [np.asarray(self.clips[name], dtype="<f4")]
            if name in part.by_class:
                self.by_class[name] = part.by_class[name]
                blocks += list(np.asarray(part.by_class[name], dtype="<f4").T)
            told.append({"name": name, "buffer": len(buffers), "classes": len(blocks) > 1})
            buffers.append(np.concatenate(blocks).tobytes())
        what = part.what if self.more else ""
        progress = {"done": self._done, "total": self._num_parts, "what": what, "asked": asked}
        self.send({"type": "columns", "columns": told, **progress}, buffers)

    def _told(self, name: str) -> dict[str, Any]:
        values, kind = self.clips[name], column_kind(self.clips[name])
        digits = digits_of(values) if kind == "number" else 0
        told = {"name": name, "title": name, "help": self._help.get(name, ""), "kind": kind, "digits": digits}
        return {**told, **sent_values(values)}

    def _receive(self, _widget: object, content: dict, _buffers: object) -> None:
        if content.get("type") == "more" and self.more:
            self.advance()
        elif content.get("type") == "table":
            self.on_table()
        elif content.get("type") == "settled":
            self.on_settled()
