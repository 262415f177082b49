"""What an executed notebook shows: its pictures as pixels, its tables as numbers, its widgets by name."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.image
import nbformat
import numpy as np


@dataclass(frozen=True)
class Shown:
    """The outputs of a notebook, in their order."""

    pictures: list[np.ndarray]
    """(height, width) brightness in [0, 1]."""
    tables: list[list[list[str]]]
    """Rows of cells, heads included."""
    widgets: list[str]
    """The names of those of which a picture is kept."""
    printed: str
    complaints: str
    """What went to the standard error stream."""


def shown(path: Path) -> Shown:
    """Return what the executed notebook at ``path`` shows."""
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    data = [output.data for output in outputs if "data" in output]
    streams = [output for output in outputs if output.output_type == "stream"]
    return Shown(
        pictures=[_pixels(one["image/png"]) for one in data if "image/png" in one],
        tables=[_Table.rows_of(one["text/html"]) for one in data if "<table" in one.get("text/html", "")],
        widgets=[one["text/plain"].partition(":")[0] for one in data if "as it opened" in one.get("text/html", "")],
        printed="".join(stream.text for stream in streams if stream.name == "stdout"),
        complaints="".join(stream.text for stream in streams if stream.name == "stderr"),
    )


def _pixels(png: str) -> np.ndarray:
    return matplotlib.image.imread(io.BytesIO(base64.b64decode(png)))[..., :3].mean(axis=-1)


class _Table(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._in_cell = False

    @classmethod
    def rows_of(cls, html: str) -> list[list[str]]:
        table = cls()
        table.feed(html)
        return table.rows

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        self._in_cell = tag in ("td", "th")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data.strip()
