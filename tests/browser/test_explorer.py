"""A person before the explorer in a real JupyterLab: sorts, filters, narrows and pages, and Python knows of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from jupyter_lab import (
    jupyter_lab,
    looked_at,
    need_chromium,
    run_all_cells,
    run_code,
    wait_for_frames,
    wait_for_kernel,
    wait_for_python,
    wait_until_all_ran,
    write_cells,
)

MATERIAL = Path(__file__).parents[1] / "material"
CELLS = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(MATERIAL)!r})
from small_run import complete_run
run = complete_run(Path("project"))
---
explorer = run.explore()
explorer
---
print("ALL", "DONE")
"""
NARROW = """
explorer.narrow(["strong_train/strong_train_2", "devtest/devtest_3"], because="two to hear",
                focuses={"devtest/devtest_3": {"onset": 1.0, "offset": 4.0, "label": "Dishes"}})
"""
STATE = "print(explorer.player.key, list(explorer.chosen['key'].str[-2:]), dict(explorer.player.focus))"
#: How many tables there were when the first clip was drawn, and how long after the view had been made that was.
WATCH = """() => {
  const seen = new MutationObserver(() => {
    if (document.querySelector(".sedlab-clip-controls")) { window.viewed = performance.now(); seen.disconnect(); }
  });
  seen.observe(document.body, { childList: true, subtree: true });
  addEventListener("sedlab-drawn", () => {
    window.first ??= [document.querySelectorAll(".dataTable").length, performance.now() - window.viewed];
  }, true);
}"""
#: Without a clip that is drawn, the list comes after this time (clip_table.js).
TABLE_AFTER_MS = 1500
STACKED = """() => {
  const place = (name) => document.querySelector(name).getBoundingClientRect();
  return place(".sedlab-shown").top >= place(".sedlab-clips").bottom - 1;
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start JupyterLab on a folder with one notebook; yield the notebook's address."""
    need_chromium()
    folder = tmp_path_factory.mktemp("lab")
    write_cells(folder / "explore.ipynb", CELLS.split("---\n"))
    with jupyter_lab(folder) as address:
        yield address.format("explore.ipynb")


class Person:
    """What a person does and sees in the explorer."""

    def __init__(self, page) -> None:
        self.page = page
        self.rows = page.locator(".sedlab-clip-table tbody tr")
        self.counted = page.locator(".counted")

    @property
    def marked(self):
        return self.page.locator(".sedlab-clip-table tr.selected td").first

    def column(self, title: str) -> list[str]:
        heads = self.page.locator(".sedlab-clip-table thead th").all_inner_texts()
        place = [head.strip() for head in heads].index(title)
        return [row.locator("td").nth(place).inner_text() for row in self.rows.all()]

    def sort(self, title: str) -> None:
        self.page.locator(".sedlab-clip-table th", has_text=title).first.click()


def screenshot(page, name: str) -> None:
    if folder := os.environ.get("SEDLAB_SCREENSHOTS"):
        page.evaluate("document.querySelector('.sedlab-explorer').scrollIntoView()")
        page.screenshot(path=str(Path(folder) / f"explorer_{name}.png"))


@pytest.mark.slow
def test_a_run_is_explored_by_hand(lab: str) -> None:
    from playwright.sync_api import expect

    with looked_at(1500, 1300) as page:
        page.goto(lab)
        wait_for_kernel(page)
        page.evaluate("void window.jupyterapp.commands.execute('application:toggle-left-area')")
        person = Person(page)
        page.evaluate(WATCH)
        run_all_cells(page)
        wait_until_all_ran(page)

        # Twelve clips; the numbers come by themselves, and the first clip is marked.
        expect(person.counted).to_have_text("clip 1 of 12")
        expect(person.rows).to_have_count(12)
        expect(page.locator(".working")).to_have_text("")
        expect(person.marked).to_have_text("devtest_0")
        tables, milliseconds = page.evaluate("first")
        assert tables == 0 or milliseconds > TABLE_AFTER_MS  # the list takes longer, and waits for the clip

        # Sorted by a number, largest first; n and p follow the order, and so does the mark.
        person.sort("disagreement")
        expect(page.locator(".sedlab-clip-table th[aria-sort='descending']").first).to_contain_text("disagreement")
        numbers = [float(text) for text in person.column("disagreement")]
        assert numbers == sorted(numbers, reverse=True) and numbers[0] > numbers[-1]
        person.rows.first.click()
        expect(person.counted).to_have_text("clip 1 of 12")
        names = person.column("clip")
        page.locator(".sedlab-player").focus()
        page.keyboard.press("n")
        page.keyboard.press("n")
        expect(person.counted).to_have_text("clip 3 of 12")
        expect(person.marked).to_have_text(names[2])
        expect(page.locator(".sedlab-player .head")).to_contain_text(names[2])
        page.keyboard.press("p")
        expect(person.counted).to_have_text("clip 2 of 12")

        # The list by keys alone.
        page.locator(".dt-layout-table").focus()
        page.keyboard.press("End")
        expect(person.counted).to_have_text("clip 12 of 12")
        page.keyboard.press("ArrowUp")
        expect(person.marked).to_have_text(names[10])

        # A class: its clips, and its own numbers.
        before = dict(zip(person.column("clip"), person.column("confidence"), strict=True))
        page.locator(".sedlab-clip-controls select").first.select_option("Blender")
        page.get_by_label("How the class occurs").select_option("annotated")
        expect(person.rows).to_have_count(2)
        expect(person.counted).to_contain_text("left of 12")
        left = person.column("clip")
        assert set(left) == {"devtest_1", "strong_train_1"}
        assert all("Blender" in classes for classes in person.column("annotated"))
        assert any(value != before[name] for name, value in zip(left, person.column("confidence"), strict=True))
        page.get_by_role("button", name="All clips").click()
        expect(person.rows).to_have_count(12)

        # A range by the keys of its slider, a search, any other clip.
        page.get_by_text("Ranges of numbers").click()
        page.get_by_label("change: at least").focus()
        for _ in range(60):
            page.keyboard.press("ArrowRight")
        expect(person.counted).to_contain_text("left of 12")
        assert 0 < person.rows.count() < 12
        screenshot(page, "ranges")
        page.get_by_role("button", name="All clips").click()
        page.get_by_role("searchbox", name="Search").fill("maestro_dev")
        expect(person.rows).to_have_count(4)
        page.locator(".dt-layout-table").focus()
        page.keyboard.press("r")
        expect(page.locator(".sedlab-player .head")).to_contain_text("maestro_dev")
        wait_for_python(
            page, STATE, lambda said: said.startswith("maestro_dev/") and "['_0', '_1', '_2', '_3']" in said
        )

        # Python narrows: that order, a mark, what to frame; and opens.
        run_code(page, NARROW)
        expect(page.locator(".chip")).to_contain_text("two to hear")
        expect(person.rows).to_have_count(2)
        assert person.column("clip") == ["strong_train_2", "devtest_3"]
        person.rows.nth(1).click()
        wanted = "devtest/devtest_3 ['_2', '_3'] {'onset': 1.0, 'offset': 4.0, 'label': 'Dishes'}"
        wait_for_python(page, STATE, lambda said: said == wanted)
        # A clip that was seen before and has no case of its own begins at its beginning, whole.
        person.rows.nth(0).click()
        expect(page.locator(".sedlab-player .head")).to_contain_text("strong_train_2")
        person.rows.nth(1).click()
        expect(page.locator(".sedlab-player .time")).to_have_text(re.compile("^0.50"))
        person.rows.nth(0).click()
        expect(page.locator(".sedlab-player .head")).to_contain_text("strong_train_2")
        wait_for_frames(page)
        expect(page.locator(".sedlab-player .time")).to_have_text(re.compile("^0.00"))
        begun = "print(player.key, player.playhead, player.span, dict(player.focus))"
        whole = "strong_train/strong_train_2 0.0 [] {}"
        wait_for_python(page, begun.replace("player", "explorer.player"), lambda said: said == whole)
        run_code(page, "explorer.open('devtest/devtest_1')")
        expect(page.locator(".sedlab-player .head")).to_contain_text("devtest_1")
        page.get_by_role("button", name="Do not narrow to: two to hear").click()
        expect(person.rows).to_have_count(12)
        expect(person.marked).to_have_text("devtest_1")

        # A panel is built when its tab is opened. Everything has a name; a narrow window has one column.
        page.get_by_role("tab", name="Errors").click()
        expect(page.locator(".sedlab-matrix-table")).to_be_visible()
        screenshot(page, "wide")
        found = Axe().run(page, context=".sedlab-explorer")
        assert found.violations_count == 0, found.generate_report()
        page.set_viewport_size({"width": 520, "height": 1300})
        page.wait_for_function(STACKED)
        screenshot(page, "narrow")
        # The picture that stays in the saved notebook is drawn when everything is calm.
        page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells[1].outputs"
            ".some((one) => (one.data['image/png'] ?? '').length > 10000)"
        )
