"""A person presses the bar of a class that lost, by mouse and by keyboard: the list narrows and the case is framed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from jupyter_lab import (
    jupyter_lab,
    looked_at,
    need_chromium,
    run_all_cells,
    wait_for_python,
    wait_until_all_ran,
    write_cells,
)

CELLS = """
import numpy as np
import pandas as pd
from sedlab.scoring.audit.compared import ComparedSubset
from sedlab.scoring.scores.file import ScoreFile
from sedlab.views import ClipPlayer, PseudoLabelExplorer, Scene, System
from sedlab.views.explorers.explorer import Explorer

CLASSES, NAMES, TIMES = ("Blender", "Dog", "Speech"), [f"clip{k}" for k in range(8)], np.linspace(0, 10, 157)
files = {}
for iteration, kept in ((1, 1.0), (2, 0.1)):
    name = f"pseudo-labels, iteration {iteration}"
    logits = np.random.default_rng(iteration).normal(-5, 0.5, (8, 156, 3)).astype(np.float32)
    for k in range(4):
        logits[k, 20 : 20 + int((100 - 20 * k) * kept), 0] = 2
    logits[5, 40 : 60 + 30 * iteration, 1] = 0.5
    files[name] = ScoreFile(NAMES, logits, CLASSES, TIMES)

def load(key):
    k = NAMES.index(key.partition("/")[2])
    said = [System(name, file.probabilities[k], TIMES, role="pseudo") for name, file in files.items()]
    noise = 0.05 * np.random.default_rng(k).standard_normal(160_000)
    return Scene(key, noise, classes=CLASSES, systems=tuple(said), title=key)

clips = pd.DataFrame({"clip_id": NAMES, "duration": 10.0})
compared = ComparedSubset(clips, {name: (lambda file=file: file) for name, file in files.items()}, CLASSES)
table = pd.DataFrame({"key": [f"train/{name}" for name in NAMES], "subset": "train"})
desk = Explorer(
    table,
    ClipPlayer(load, queue=list(table["key"])),
    panels={"Pseudo-labels": lambda desk: PseudoLabelExplorer({"train": compared}, desk=desk, call="remade")},
)
desk.select_panel("Pseudo-labels")
desk
---
print("ALL", "DONE")
"""
STATE = "print(desk.player.key, len(desk.chosen), desk.player.focus.get('label'), round(desk.player.threshold, 2))"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start JupyterLab on a folder with one notebook; yield the notebook's address."""
    need_chromium()
    folder = tmp_path_factory.mktemp("lab")
    write_cells(folder / "pseudo.ipynb", CELLS.split("---\n"))
    with jupyter_lab(folder) as address:
        yield address.format("pseudo.ipynb")


@pytest.mark.slow
def test_a_bar_is_pressed_and_its_clips_are_heard(lab: str) -> None:
    from playwright.sync_api import expect

    with looked_at(1300, 1700) as page:
        page.goto(lab)
        run_all_cells(page)
        wait_until_all_ran(page)

        # By mouse: the clips that lost, the one that lost most first and framed.
        panel = page.locator(".sedlab-pseudo-labels").first
        bar = panel.get_by_role("button", name="Blender: lost 90 %, 16.2 s in 4 clips")
        bar.click()
        expect(bar).to_have_attribute("aria-pressed", "true")
        wait_for_python(page, STATE, lambda said: said.startswith("train/clip0 4 Blender "))
        head = page.locator(".sedlab-player .head").first
        expect(head).to_contain_text("clip 1 of 4")
        _screenshot(page, "pseudo_labels")

        # By keyboard: down to the next class and along to what it gained; End and Home lead to the ends of the table.
        bar.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        expect(page.locator(":focus")).to_have_attribute("aria-label", "Dog: gained 38 %, 1.9 s in 1 clip")
        page.keyboard.press("Home")
        expect(page.locator(":focus")).to_have_text("all classes")
        page.keyboard.press("End")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        wait_for_python(page, STATE, lambda said: said.startswith("train/clip5 1 Dog "))

        # The threshold by keyboard: Dog's probability is 0.62, above 0.63 nothing of it is left; the player follows.
        for _ in range(13):
            panel.get_by_role("slider", name="Threshold").press("ArrowRight")
        expect(panel.get_by_role("button", name="Dog: gained")).to_have_count(0)
        wait_for_python(page, STATE, lambda said: said.endswith(" 0.63"))

        # The table as a file of the browser.
        with page.expect_download() as saved:
            panel.get_by_role("button", name="Save this view as TSV").click()
        lines = Path(saved.value.path()).read_text().splitlines()
        assert lines[0].startswith("label\tbefore\tafter\tlost") and len(lines) == 5

        # The other views; nothing that a screen reader, or somebody without a mouse, could not use.
        panel.get_by_label("Show", exact=True).select_option("confidence")
        expect(panel.get_by_role("img", name="confidence: pseudo-labels, iteration 1")).to_be_visible()
        panel.get_by_label("Show", exact=True).select_option("seconds by class")
        expect(bar).to_be_visible()
        found = Axe().run(page, context=".sedlab-pseudo-labels").response["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []

        # A narrow window, the dark theme.
        page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
        page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
        page.set_viewport_size({"width": 420, "height": 1700})
        expect(bar).to_be_visible()
        _screenshot(page, "pseudo_labels_narrow")
        wider = (
            "() => { const n = document.querySelector('.sedlab-press-table'); return n.scrollWidth - n.clientWidth; }"
        )
        page.wait_for_function(f"({wider})() <= 1")


def _screenshot(page, name: str) -> None:
    if folder := os.environ.get("SEDLAB_SCREENSHOTS"):
        page.locator(".sedlab-pseudo-labels").first.evaluate("node => node.scrollIntoView({block: 'end'})")
        page.wait_for_timeout(500)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))
