"""Write the tables of published files in docs/weights.md from the registry: `python docs/weights_tables.py`.

A test compares; after a change of `sedlab/weights/registry.yaml` run this once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from sedlab.weights.registry import WEIGHTS, Entry, entries

PAGE = Path(__file__).with_name("weights.md")
_MARKED = re.compile(r"(<!-- table: (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)

_Columns = dict[str, Callable[[Entry], str]]
_NAME: _Columns = {
    "name": lambda entry: f"`{entry.name}`" + ("" if entry.url else " (by hand)"),
    "what": lambda e: e.what,
}
TABLES: dict[str, tuple[_Columns, Callable[[Entry], bool]]] = {
    "weights": (
        {
            **_NAME,
            "trained on": lambda entry: entry.trained_on,
            "published score": lambda entry: entry.score,
            "licence stated": lambda entry: entry.licence,
        },
        lambda entry: entry.kind == WEIGHTS,
    ),
    "data": ({**_NAME, "needed for": lambda entry: entry.needed_for}, lambda entry: entry.kind != WEIGHTS),
}


def with_tables(page: str) -> str:
    """Return the page with each marked table made anew."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{_table(found[2])}\n\n{found[3]}", page)


def _table(name: str) -> str:
    columns, belongs = TABLES[name]
    rows = [[cell(entry) for cell in columns.values()] for entry in entries() if belongs(entry)]
    return "\n".join(map(_row, [list(columns), ["---"] * len(columns), *rows]))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
