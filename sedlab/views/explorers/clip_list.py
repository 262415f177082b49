"""The list of clips beside a player: a table of `itables` (DataTables), and the filters above it.

The order shown in the browser, sorted and filtered, is the player's queue, without asking Python. Numbers that take
time to compute come in parts, when the browser asks for more.
"""

from __future__ import annotations

import html
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
from sedlab.scoring.names import class_name, class_names
from sedlab.views.modules import joined

_HERE = Path(__file__).parent
PAGE_ROWS = 50
NO_FILTERS: dict[str, Any] = {"label": "", "relation": "either", "choices": {}, "ranges": {}}
_RENDER_NUMBER = (
    "function(data, type) {{ const known = typeof data === 'number' && data === data;"
    " if (type === 'display') return known ? data.toFixed({digits}) : '';"
    " return known ? data : type === 'filter' ? '' : -1e99; }}"
)
# An API of DataTables is had only inside its callbacks: the filters find it on the table.
_TELL_DRAWN = (
    "function(settings) { settings.nTable.sedlabApi = this.api();"
    " settings.nTable.dispatchEvent(new CustomEvent('sedlab-draw', { bubbles: true })); }"
)


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
        self.on_settled: Callable[[], None] = lambda: None
        super().__init__(
            classes=[{"label": label, "name": class_name(label)} for label in classes],
            player=f"IPY_MODEL_{player.model_id or ''}",
            order=list(range(len(clips))),
            filters={**NO_FILTERS, **(filters or {})},
            more=parts is not None,
        )
        self.columns = [self._told(name) for name in self.clips]
        self.on_msg(self._receive)

    def table(self) -> widgets.DOMWidget:
        """Return a new table of the clips (`itables.widget.ITable`), which belongs beside this widget."""
        from itables.javascript import JavascriptFunction
        from itables.widget import ITable

        shown = pd.DataFrame({name: _shown(self.clips[name]) for name in self.clips})
        shown["place"] = np.arange(len(shown))  # sorts clips as `Explorer.narrow` was given them
        kinds = {name: column_kind(self.clips[name]) for name in self.clips}
        definitions: list[dict[str, Any]] = [
            {"targets": [0, len(self.clips.columns)], "visible": False, "searchable": False, "className": "noVis"}
        ]
        # What is the same everywhere, and what the chooser above says, need not take the width of the window.
        same = [at for at, name in enumerate(self.clips) if (at and name in _HIDDEN) or self._is_same(name)]
        definitions.append({"targets": same, "visible": False})
        for at, (name, kind) in enumerate(kinds.items()):
            if kind == "number":
                render = JavascriptFunction(_RENDER_NUMBER.format(digits=_digits(self.clips[name])))
                definition = {"type": "num", "render": render, "orderSequence": ["desc", "asc", ""]}
                definitions.append({"targets": at, **definition})
        table = ITable(
            shown,
            columnDefs=definitions,
            select={"style": "single", "info": False},
            paging=True,
            pageLength=PAGE_ROWS,
            lengthMenu=[25, 50, 100, 500],
            layout={
                "topStart": {
                    "buttons": [{"extend": "colvis", "text": "Columns", "columns": ":not(.noVis)"}, _tsv_button()]
                },
                "topEnd": "search",
                "bottomStart": "info",
                "bottomEnd": {"paging": {"numbers": 3}},
            },
            drawCallback=JavascriptFunction(_TELL_DRAWN),
            classes="compact",
            style="table-layout:auto;width:100%;margin:0",
            # All rows are needed: a part of the clips would be sorted as if it were all.
            maxBytes=0,
            maxRows=0,
            maxColumns=0,
            showIndex=False,
            text_in_header_can_be_selected=False,
            autoWidth=False,
            language={
                "search": "Search",
                "info": "_START_ to _END_ of _TOTAL_",
                "infoFiltered": "",
                "emptyTable": "no clips",
                "zeroRecords": "no clip is left",
            },
            warn_on_undocumented_option=False,
        )
        table.add_class("sedlab-clip-table")
        return table

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
                told.append({"name": name, **_values(self.clips[name])})
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

    def _is_same(self, name: str) -> bool:
        return column_kind(self.clips[name]) == "choice" and self.clips[name].nunique() == 1 and len(self.clips) > 1

    def _told(self, name: str) -> dict[str, Any]:
        values, kind = self.clips[name], column_kind(self.clips[name])
        digits = _digits(values) if kind == "number" else 0
        told = {"name": name, "title": name, "help": self._help.get(name, ""), "kind": kind, "digits": digits}
        return {**told, **_values(values)}

    def _receive(self, _widget: object, content: dict, _buffers: object) -> None:
        if content.get("type") == "more" and self.more:
            self.advance()
        elif content.get("type") == "settled":
            self.on_settled()


def column_kind(values: pd.Series) -> str:
    """Return how a column is filtered: "number", "classes" (tuples of labels), "choice" (few texts) or "text"."""
    if pd.api.types.is_numeric_dtype(values):
        return "number"
    if len(values) and isinstance(values.iloc[0], tuple):
        return "classes"
    return "choice" if values.nunique() <= max(2, min(40, len(values) // 2)) else "text"


def _values(values: pd.Series) -> dict[str, Any]:
    """Return a column as JSON, and beside classes how they are written."""
    kind = column_kind(values)
    if kind == "number":
        return {"values": [None if not np.isfinite(value) else float(value) for value in values.astype(float)]}
    if kind == "classes":
        return {"values": [list(labels) for labels in values], "shown": [html.escape(text) for text in _shown(values)]}
    return {"values": [str(value) for value in values]}


def _shown(values: pd.Series) -> pd.Series:
    kind = column_kind(values)
    if kind == "number":
        return values.astype(float)
    return values.map(lambda labels: ", ".join(class_names(labels))) if kind == "classes" else values.astype(str)


def _digits(values: pd.Series) -> int:
    return 0 if pd.api.types.is_integer_dtype(values) or values.name in _WHOLE else 2


#: Columns that are there when asked for.
_HIDDEN = ("group", "seconds", "gained s", "lost s")
#: Columns that count, but hold nan until they are computed.
_WHOLE = ("false alarms", "missed", "wrong class", "boundaries", "in pieces")


def _tsv_button() -> dict[str, Any]:
    return {
        "extend": "csv",
        "text": "TSV",
        "fieldSeparator": "\t",
        "extension": ".tsv",
        "fieldBoundary": "",
        "exportOptions": {"columns": ":not(.noVis)"},
        "filename": "clips",
        "titleAttr": "Write the list, as it is sorted and filtered, to a file",
    }
