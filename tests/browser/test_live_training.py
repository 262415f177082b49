"""A training watched, stopped and gone on with by a person before a notebook."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from jupyter_lab import TIMEOUT_MS, browser, jupyter_lab, need_chromium, run_all_cells, write_cells

STEPS = 60
CELLS = (
    """
from sedlab.pipeline import stages
settings = "archs=[atst], pretrain=null, data.mini.num_devtest=1, data.mini.num_public=1"
settings = [*settings.split(", "), "stage1.epochs=15", "stage1.validate_every=15"]
opened = stages.begin("stage1", preset="nano", settings=settings, arch="atst", iteration=1)
""",
    """
result = stages.train(opened, "stage1", "atst", 1)
print("ALL", "DONE", result.resumed_from, result.steps)
""",
)
BAR = "document.querySelector('.sedlab-training .head progress')"
TEXT = "document.querySelector('.sedlab-training .text').textContent"


@pytest.mark.slow
def test_curves_grow_the_button_stops_and_the_cell_goes_on(tmp_path: Path) -> None:
    need_chromium()
    write_cells(tmp_path / "run.ipynb", CELLS)

    with jupyter_lab(tmp_path) as address, browser() as opened:
        page = opened.new_page(viewport={"width": 1300, "height": 1100})
        page.set_default_timeout(2 * TIMEOUT_MS)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(address.format("run.ipynb"))
        run_all_cells(page)

        # It grows while the cell is at work.
        page.wait_for_function(f"() => {BAR}?.value >= 3")
        first = page.evaluate(f"{BAR}.value")
        page.wait_for_function(f"() => {BAR}.value > {first}")
        assert "left" in page.evaluate(TEXT) and "steps/s" in page.evaluate(TEXT)
        assert page.locator(".sedlab-training .panel path[d^=M]").count() >= 3

        # The button works meanwhile, by keyboard too.
        page.locator(".sedlab-training button.stop").focus()
        page.keyboard.press("Enter")
        page.wait_for_function(f"() => {TEXT}.startsWith('stopped')")
        stopped_at = page.evaluate(f"{BAR}.value")
        assert 3 <= stopped_at < STEPS
        page.locator(".jp-OutputArea-output").filter(has_text=f"stopped after step {stopped_at} of {STEPS}").nth(
            1
        ).wait_for()
        page.wait_for_function("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status == 'idle'")
        if folder := os.environ.get("SEDLAB_SCREENSHOTS"):
            page.screenshot(path=str(Path(folder) / "live_stopped.png"))

        # The same cell goes on from there, and its picture stays.
        run_all_cells(page)
        page.locator(".jp-OutputArea-output").filter(has_text=f"ALL DONE {stopped_at} {STEPS}").wait_for()
        page.wait_for_function(f"() => {TEXT}.startsWith('finished')")
        assert page.evaluate(f"{BAR}.value") == STEPS
        assert page.get_by_label("Objective at validation: student").count() == 1
        if folder:
            page.screenshot(path=str(Path(folder) / "live_finished.png"))
        page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
        assert problems == []

    saved = nbformat.read(tmp_path / "run.ipynb", as_version=4)
    assert "widgets" not in saved.metadata
    assert any("image/png" in output.get("data", {}) for output in saved.cells[1].outputs)
