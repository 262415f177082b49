"""Tables that are made from the code are those of the code: published files, and the values of the recipe."""

import runpy

import pytest
from documents import CHECKOUT

from sedlab.weights import entries


@pytest.mark.parametrize("page", ["weights", "recipe"])
def test_tables_are_up_to_date(page):
    text = (CHECKOUT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    written = runpy.run_path(str(CHECKOUT / "docs" / f"{page}_tables.py"))["with_tables"](text)
    assert written == text, f"docs/{page}.md is out of date: python docs/{page}_tables.py"


def test_every_published_file_is_in_a_table():
    page = (CHECKOUT / "docs" / "weights.md").read_text(encoding="utf-8")
    assert [entry.name for entry in entries() if f"| `{entry.name}`" not in page] == []


def test_the_tables_of_the_recipe_hold_what_differs_between_iterations():
    page = (CHECKOUT / "docs" / "recipe.md").read_text(encoding="utf-8")
    assert "| `loss.pseudo` | 0 | 1.5 | C; iteration 2 R |" in page
    assert "| `optim.lr_cnn` | 0.0001 | fPaSST, BEATs 5e-05; ATST 1e-05 | C; iteration 2 R |" in page
