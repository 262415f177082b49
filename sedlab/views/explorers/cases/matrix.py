"""A table of counts whose cells are buttons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from matplotlib.figure import Figure

from sedlab.scoring.errors.matrices import CaseMatrix
from sedlab.scoring.names import ALL, class_name
from sedlab.views.figures.embed import figure_to_png
from sedlab.views.figures.errors import matrix_figure
from sedlab.views.kept import KeptWidget
from sedlab.views.modules import joined


class MatrixView(KeptWidget, anywidget.AnyWidget):
    """Show a `CaseMatrix`; a press of a cell, or Enter, hands it to ``on_open``.

    Arrow keys move from cell to cell, Home and End along a row; a cell without a case does not open.

    Parameters
    ----------
    on_open : function
        Takes row and column of the cell that was pressed.
    """

    _esm = joined(Path(__file__).parent, "matrix.js")
    # As text: of a path anywidget would watch the file, and never let the widget go.
    _css = (Path(__file__).parent / "matrix.css").read_text(encoding="utf-8")

    content = traitlets.Dict().tag(sync=True)
    """`title, corner`, `rows` (label, name), `columns` (label, name, group), `cells` (count, total, tone)."""
    cell = traitlets.List(["", ""]).tag(sync=True)
    """Row and column of the cell that is open; empty texts: none."""

    def __init__(self, on_open: Callable[[str, str], None]) -> None:
        super().__init__()
        self._on_open = on_open
        self.matrix: CaseMatrix | None = None
        self._tones: dict[str, str] = {}
        self.on_msg(self._receive)

    def show(
        self,
        matrix: CaseMatrix,
        title: str,
        *,
        group: Callable[[str], str] = lambda _column: "",
        tone: Callable[[str, str], str] = lambda _row, _column: "plain",
        corner: str = "Class",
    ) -> None:
        """Show a matrix.

        ``group`` takes a column and returns the heading above it, ``tone`` a row and a column and returns a colour of
        `cells.js`.
        """
        self.matrix = matrix
        with self.hold_sync():
            self.cell = ["", ""]
            self.content = {
                "title": title,
                "corner": corner,
                "rows": [
                    {"label": row, "name": "all classes" if row == ALL else class_name(row)} for row in matrix.rows
                ],
                "columns": [{"label": name, "name": class_name(name), "group": group(name)} for name in matrix.columns],
                "cells": [
                    [
                        {"count": matrix.count(row, name), "total": matrix.total(row, name), "tone": tone(row, name)}
                        for name in matrix.columns
                    ]
                    for row in matrix.rows
                ],
            }

    def offer(self, name: str, mime: str, data: bytes) -> None:
        """Let the browser save ``data`` as a file called ``name``."""
        self.send({"type": "file", "name": name, "mime": mime}, [data])

    def still(self) -> Iterator[bytes | str]:
        """Give the table as a picture."""
        if self.matrix is not None:
            yield figure_to_png(self.figure())

    def figure(self) -> Figure:
        """Return the table as a figure."""
        names = [row["name"] for row in self.content["rows"]]
        return matrix_figure(self.matrix, title=self.content["title"], rows=names)

    def _receive(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        if content.get("type") == "open":
            self.cell = [content["row"], content["column"]]
            self._on_open(content["row"], content["column"])
