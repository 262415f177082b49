"""A table whose bars and rows can be pressed, by mouse and by keyboard."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from sedlab.views.kept import KeptWidget
from sedlab.views.modules import joined


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    title: str
    digits: int | None = None
    """Of a number, after the point; None: text"""
    unit: str = ""
    """Written behind a number, such as "%" """
    minor: int = 0
    """1: left out where the table is narrow (480 px); 2: already below 820 px."""


@dataclass(frozen=True)
class Bar:
    """A part of a row's bar."""

    part: str
    value: float
    told: str
    """What pressing it shows, as a screen reader says it: "Blender: lost 93 %, 12.3 s in 14 clips" """
    left: bool = False
    """Drawn to the left of the axis."""


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    name: str
    """Unique in the table; what a press tells."""
    cells: Mapping[str, Any]
    """{column: number, text or None}"""
    told: str
    """What pressing the row's first cell shows."""
    bars: tuple[Bar, ...] = ()
    faint: bool = False
    """Of something beside the point, such as a class that the mask hides."""
    fixed: bool = False
    """Stays on top, however the table is sorted."""


@dataclass(frozen=True)
class PressTableContents:
    """What a `PressTable` shows."""

    title: str = ""
    columns: tuple[Column, ...] = ()
    """The first holds the buttons of the rows."""
    rows: tuple[Row, ...] = ()
    bars: str = ""
    """Title of the column of bars; empty: there are none."""
    parts: tuple[str, ...] = field(default_factory=tuple)
    """Parts of bars that have a place in the legend, in their order."""


class PressTable(KeptWidget, anywidget.AnyWidget):
    """Show a table; ``on_press`` is told the name of a row, and the part of its bar ("" for the row), that is pressed.

    Its columns sort it. Tab enters the table, arrow keys go from bar to bar, Enter presses.
    """

    _esm = joined(Path(__file__).parent, "press_table.js")

    contents = traitlets.Dict().tag(sync=True)
    pressed = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Row and part that were pressed last; empty: none."""

    def __init__(self, on_press: Callable[[str, str], None]) -> None:
        super().__init__()
        self._on_press = on_press
        self.on_msg(self._receive)

    def show(self, contents: PressTableContents) -> None:
        """Show other contents."""
        self.contents = asdict(contents)

    def press(self, row: str, part: str = "") -> None:
        """Do what pressing a bar, or the name of a row, does."""
        self.pressed = [row, part]
        self._on_press(row, part)

    def still(self) -> Iterator[str]:
        """Give its rows as a table of HTML."""
        columns, rows = self.contents.get("columns", ()), self.contents.get("rows", ())
        if rows:
            yield _html_table(columns, rows)

    def _receive(self, _widget: object, content: dict, _buffers: object) -> None:
        if content.get("type") == "press":
            self.press(content["row"], content["part"])


def _html_table(columns: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> str:
    head = "".join(f"<th>{html.escape(column['title'])}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_written(row['cells'].get(c['name']), c))}</td>" for c in columns) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _written(value: object, column: Mapping[str, Any]) -> str:
    if value is None:
        return ""
    digits = column["digits"]
    return str(value) if digits is None else f"{value:.{digits}f}{column['unit']}"
