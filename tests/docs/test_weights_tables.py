"""The tables of published files in docs/weights.md are those of the registry."""

import runpy

from documents import CHECKOUT

from sedlab.weights import entries


def test_tables_are_those_of_the_registry():
    page = (CHECKOUT / "docs" / "weights.md").read_text(encoding="utf-8")
    written = runpy.run_path(str(CHECKOUT / "docs" / "weights_tables.py"))["with_tables"](page)
    assert written == page, "docs/weights.md is out of date: python docs/weights_tables.py"
    assert all(f"| `{entry.name}`" in page for entry in entries())
