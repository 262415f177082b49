"""A table of counts in a browser: what it says, how keys move in it, what a press hands to Python."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from jupyter_lab import TIMEOUT_MS, browser

from sedlab import views
from sedlab.scoring.errors.cases import find_errors
from sedlab.scoring.errors.matrices import kind_matrix
from sedlab.views.explorers.cases.matrix import MatrixView

COLUMNS = ["clip_id", "label", "onset", "offset"]
EVENTS = pd.DataFrame([("a", "Dog", 1.0, 3.0), ("a", "Cat", 5.0, 6.0), ("b", "Dog", 0.0, 2.0)], columns=COLUMNS)
FOUND = EVENTS.iloc[:1]
FOLDER = Path(views.__file__).parent / "explorers" / "cases"
#: A widget model as anywidget gives it, which keeps what is sent to Python.
MODEL = """(content) => {
  const values = { content, cell: ["", ""] }, handlers = {};
  window.sent = [];
  window.model = {
    get: (name) => values[name], on: (names, run) => names.split(" ").forEach((name) => { handlers[name] = run; }),
    off: () => {}, send: (message) => window.sent.push(message),
    put: (name, value) => { values[name] = value; handlers[`change:${name}`](); },
  };
  window.leave = window.widget.default.render({ model: window.model, el: document.querySelector("main") });
}"""


@pytest.fixture
def view():
    pressed = []
    made = MatrixView(lambda row, column: pressed.append((row, column)))
    made.show(kind_matrix(find_errors(FOUND, EVENTS)), "Errors", group=lambda column: "both" * (column == "any error"))
    made.pressed = pressed
    return made


def test_a_pressed_cell_reaches_python(view):
    view._receive(view, {"type": "open", "row": "Dog", "column": "missed"}, [])
    view._receive(view, {"type": "something else"}, [])
    assert view.pressed == [("Dog", "missed")] and view.cell == ["Dog", "missed"]
    dog = view.content["cells"][[row["label"] for row in view.content["rows"]].index("Dog")]
    assert {"count": 1, "total": 2, "tone": "plain"} in dog
    (picture,) = view.still()
    assert picture.startswith(b"\x89PNG")


def test_table_in_a_browser(view):
    from axe_playwright_python.sync_playwright import Axe

    modules = {name: (FOLDER / name).read_text(encoding="utf-8") for name in ("cells.js", "matrix.css")}
    page_html = f"<!doctype html><html lang=en><title>Errors</title><style>{modules['matrix.css']}</style><main></main>"
    load = "async (text) => import(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })))"
    with browser() as opened:
        page = opened.new_page(viewport={"width": 400, "height": 500})
        page.set_default_timeout(TIMEOUT_MS)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.set_content(page_html)

        page.evaluate(f"async (text) => {{ window.cells = await ({load})(text); }}", modules["cells.js"])
        assert page.evaluate(PURE) == [
            "Speech, missed: 12 of 30",
            "12 of 30 (40 %)",
            "transparent",
            "rgba(213, 94, 0, 0.260)",
            [[0, 1], [2, 1], [1, 0], [1, 2], [0, 0], [2, 3], None],
            [["", 1], ["both", 2], ["", 1]],
        ]

        page.evaluate(f"async (text) => {{ window.widget = await ({load})(text); }}", view._esm)
        page.evaluate(MODEL, view.content)
        grid = page.get_by_role("grid", name="Errors")
        assert grid.get_by_role("columnheader", name="any error").count() == 1
        missed = grid.get_by_role("button", name="Dog, missed: 1 of 2", exact=True)
        # One cell takes part in the order of the key Tab; arrows go on from there.
        page.keyboard.press("Tab")
        for key in ("ArrowDown", "End", "ArrowLeft", "ArrowLeft", "ArrowLeft"):
            page.keyboard.press(key)
        focused = "() => document.activeElement.getAttribute('aria-label')"
        names = {row["name"] for row in view.content["rows"]} - {"all classes"}
        first = page.evaluate(focused)
        assert (first.split(",")[0] in names and first.endswith("missed: 1 of 1")) or "missed: 1 of 2" in first
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Enter")  # no case there: nothing to open
        assert page.evaluate("window.sent") == [{"type": "open", "row": first.split(",")[0], "column": "missed"}]

        # Wider than a phone: it scrolls inside, the page does not.
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        assert page.evaluate("(box => box.scrollWidth > box.clientWidth)(document.querySelector('.sedlab-matrix'))")
        page.evaluate("window.model.put('cell', ['Dog', 'missed'])")
        assert missed.get_attribute("aria-pressed") == "true"
        rules = {"page-has-heading-one": {"enabled": False}}
        assert Axe().run(page, options={"rules": rules}).response["violations"] == []
        assert problems == []


PURE = """() => {
  const { cellName, cellShare, cellShade, cellAfterKey, columnGroups } = window.cells;
  const cell = { count: 12, total: 30, tone: "bad" };
  const keys = [["ArrowUp"], ["ArrowDown"], ["ArrowLeft"], ["ArrowRight"], ["Home", true], ["End", true], ["x"]];
  return [
    cellName({ name: "Speech" }, { name: "missed" }, cell),
    cellShare(cell),
    cellShade({ count: 0, total: 30, tone: "bad" }),
    cellShade(cell),
    keys.map(([key, ctrl]) => cellAfterKey([1, 1], { key, ctrl }, [3, 4])),
    columnGroups([{}, { group: "both" }, { group: "both" }, { group: "" }]),
  ];
}"""
