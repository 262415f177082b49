"""A person who looks for errors in a real JupyterLab: a number of the table leads to its cases, framed, to hear."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from jupyter_lab import (
    TIMEOUT_MS,
    jupyter_lab,
    looked_at,
    need_chromium,
    run_all_cells,
    wait_until_all_ran,
    write_cells,
)
from nano_run import nano_run

from sedlab.data.targets import frame_times, strong_targets
from sedlab.labels import CLASSES
from sedlab.runs.run import Run, create_run
from sedlab.scoring.scores.file import ScoreFile, write_score_file

__all__ = ["nano_run"]

NOTEBOOK = """
import json
import ipywidgets as widgets
from sedlab import runs

opened = runs.open_run("RUN")
explorer = opened.explore(subset="devtest", panel="Errors", iteration=2)
explorer
---
errors, player = explorer.panel("Errors"), explorer.player
said = widgets.HTML()
said.add_class("state-of-python")

def tell(_=None):
    names = ("clip_id", "onset", "offset", "label")
    case = None if errors.case is None else {name: errors.case[name] for name in names}
    state = {name: getattr(player, name) for name in ("key", "focus", "span", "playhead", "shown", "threshold")}
    said.value = json.dumps(state | {"case": case, "cases": len(errors.selection), "listed": len(explorer.chosen)})

player.observe(tell)
errors.cases.count.observe(tell, "value")
tell()
said
---
print("ALL", "DONE")
"""


@pytest.fixture(scope="module")
def run(nano_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose ensembles hear most of what people marked: some of it late, and much that is not there."""
    data = nano_run.experiment.data.model_copy(update={"root": nano_run.data_root})
    experiment = nano_run.experiment.model_copy(update={"data": data})
    made = create_run(experiment, tmp_path_factory.mktemp("heard") / "runs/heard")
    part = made.corpus().subset("devtest")
    for iteration in (1, 2):
        random, logits = np.random.default_rng(iteration), []
        for clip_id in part.clips["clip_id"]:
            events = part.events[part.events["clip_id"] == clip_id]
            events = events[random.random(len(events)) < 0.6]
            late = np.where(random.random(len(events)) < 0.5, 0.4 * (events["offset"] - events["onset"]), 0)
            heard = strong_targets(events.assign(onset=events["onset"] + late)).T
            for label in ("Dog", "Cat", "Frying"):
                start = random.integers(0, 120)
                heard[start : start + 30, CLASSES.index(label)] = 1
            logits.append(np.where(heard > 0.5, 2.0, -4.0) + random.normal(0, 0.3, heard.shape))
        scores = ScoreFile(list(part.clips["clip_id"]), np.stack(logits).astype(np.float32), CLASSES, frame_times())
        write_score_file(made.score_file(iteration, "ensemble", "devtest"), scores)
    return made


@pytest.fixture(scope="module")
def lab(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need_chromium()
    folder = tmp_path_factory.mktemp("lab")
    write_cells(folder / "errors.ipynb", NOTEBOOK.replace("RUN", str(run.path)).split("---\n"))
    with jupyter_lab(folder) as address:
        yield address.format("errors.ipynb")


@pytest.mark.slow
def test_a_cell_leads_to_its_cases_by_keyboard_alone(lab: str) -> None:
    with looked_at(1400, 2000) as page:
        page.goto(lab)
        run_all_cells(page)
        wait_until_all_ran(page)
        grid = page.locator(".sedlab-matrix-table")
        grid.wait_for()

        # By arrow keys to the false alarms of all classes; Enter opens them, the surest first.
        page.locator(".sedlab-matrix-cell[tabindex='0']").focus()
        for key in ("End", "ArrowLeft"):
            page.keyboard.press(key)
        name = page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert name.startswith("all classes, false alarm: ")
        number = int(name.split(": ")[1].split()[0])
        page.keyboard.press("Enter")
        state = _framed(page, lambda state: True)
        first = state["case"]
        assert state["cases"] == number > 2 and 0 < state["listed"] <= number
        assert state["shown"] == ["Ensemble, iteration 2"] and state["threshold"] == 0.5
        assert page.locator(".sedlab-matrix-cell[aria-pressed='true']").get_attribute("aria-label") == name
        _picture(page, "errors.png")

        # The next case, by its button: another one, framed as well.
        page.get_by_role("button", name="Next case").focus()
        page.keyboard.press("Enter")
        _framed(page, lambda state: state["case"] != first)

        # The table of changes: both systems are in the player.
        page.get_by_label("Table", exact=True).focus()
        page.keyboard.type("c")
        page.get_by_role("grid", name="From Ensemble, iteration 1 to Ensemble, iteration 2").wait_for()
        page.locator(".sedlab-matrix-cell:not([aria-disabled])").first.focus()
        page.keyboard.press("Enter")
        state = _framed(page, lambda state: len(state["shown"]) == 2)
        assert state["shown"] == ["Ensemble, iteration 1", "Ensemble, iteration 2"]
        _picture(page, "changes.png")

        # Everybody can use it: names, contrast, order of keys.
        panel = Axe().run(page, context=".sedlab-panels").response["violations"]
        assert [(found["id"], found["nodes"][0]["html"]) for found in panel] == []
        page.set_viewport_size({"width": 400, "height": 1200})
        page.wait_for_function("(box => box.scrollWidth > box.clientWidth)(document.querySelector('.sedlab-matrix'))")
        _picture(page, "errors_narrow.png")


def _framed(page, wanted) -> dict:
    """Return what Python knows once a case that is ``wanted`` is in view: framed, the playhead just before it."""

    def is_framed(state: dict) -> bool:
        case, span = state["case"], state["span"]
        if not case or not wanted(state) or state["focus"].get("onset") != case["onset"] or not span:
            return False
        return span[0] <= case["onset"] < case["offset"] <= span[1] and 0 <= case["onset"] - state["playhead"] <= 1

    state = _state(page, is_framed)
    assert state["key"] == f"devtest/{state['case']['clip_id']}"
    assert state["focus"] == {name: state["case"][name] for name in ("onset", "offset", "label")}
    assert state["span"][1] - state["span"][0] < 10
    return state


def _state(page, wanted) -> dict:
    """Return what Python knows, once it is what is ``wanted``."""
    end = time.monotonic() + TIMEOUT_MS / 1000
    state = {}
    while time.monotonic() < end:
        text = page.locator(".state-of-python").inner_text()
        state = json.loads(text) if text else {}
        if state and wanted(state):
            return state
        page.wait_for_timeout(50)
    raise AssertionError(state)


def _picture(page, name: str) -> None:
    if folder := os.environ.get("SEDLAB_SCREENSHOTS"):
        page.locator(".sedlab-matrix").first.scroll_into_view_if_needed()
        page.screenshot(path=str(Path(folder) / name))
