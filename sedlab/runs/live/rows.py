"""The rows of a training at work: a small file that only grows, so that other processes see the curves.

`history.csv` has every step and is written with each checkpoint; this one, ``progress/<node>.rows.jsonl``, is a picture
of it for the eye. Long trainings are thinned: a line is then the mean of as many steps as it takes to keep their number
small. A validation is a line of its own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from sedlab.files import write_text

Row = dict[str, float]
#: About as many as a screen has columns of dots.
MAX_ROWS = 2000


class ThinRows:
    """Makes one row of ``stride`` steps of a history, so that there are about `MAX_ROWS` of ``total_steps``."""

    def __init__(self, total_steps: int) -> None:
        self._stride = max(1, -(-total_steps // MAX_ROWS))
        self._waiting: list[Mapping[str, float]] = []

    def add(self, rows: Iterable[Mapping[str, float]]) -> list[Row]:
        """Return the thinned rows that ``rows`` complete; validations come at once, as rows of their own."""
        ready: list[Row] = []
        for row in rows:
            self._waiting.append({name: value for name, value in row.items() if not name.startswith("val/")})
            if (row["step"] + 1) % self._stride == 0:
                ready.append(self._mean())
            if validation := {name: value for name, value in row.items() if name.startswith("val/")}:
                ready.append(short_row({"step": row["step"], **validation}))
        return ready

    def rest(self) -> list[Row]:
        """Return what no full row was made of."""
        return [self._mean()] if self._waiting else []

    def _mean(self) -> Row:
        rows, self._waiting = self._waiting, []
        names = dict.fromkeys(name for row in rows for name in row)
        values = {name: [row[name] for row in rows if name in row] for name in names}
        mean = {name: sum(numbers) / len(numbers) for name, numbers in values.items()}
        return short_row(mean | {"step": rows[-1]["step"], "epoch": rows[-1].get("epoch", 0)})


def short_row(row: Mapping[str, float]) -> Row:
    """Return a row with six digits a number, as many as a picture shows, and without what is no number."""
    return {
        name: int(value) if name in ("step", "epoch") else float(f"{value:.6g}")
        for name, value in row.items()
        if math.isfinite(value)
    }


def begin_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write the file anew: what a training has behind it when it starts or goes on."""
    write_text(path, "".join(_line(row) for row in rows))


def add_rows(path: Path, rows: Iterable[Row]) -> None:
    """Add rows to the end of the file."""
    text = "".join(_line(row) for row in rows)
    if text:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)


def read_rows(path: Path, *, start: int = 0) -> tuple[list[Row], int]:
    """Return the rows from byte ``start`` on, and where the next ones will be; a line being written waits."""
    if not path.is_file():
        return [], 0
    with path.open("rb") as file:
        file.seek(start)
        whole, newline, _ = file.read().rpartition(b"\n")
    rows = []
    for line in whole.splitlines():
        with suppress(ValueError):  # a line that another program has spoilt is left out of the picture
            row = json.loads(line)
            if isinstance(row, dict) and "step" in row:
                rows.append(row)
    return rows, start + len(whole) + len(newline)


def _line(row: Row) -> str:
    return json.dumps(row, separators=(",", ":")) + "\n"
