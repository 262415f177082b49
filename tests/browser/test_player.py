"""A person before the player: hears, selects, loops, zooms and pages in a real JupyterLab, and Python knows of it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from jupyter_lab import (
    TIMEOUT_MS,
    jupyter_lab,
    looked_at,
    need_chromium,
    run_all_cells,
    run_last_cell,
    wait_for_focus,
    wait_until_all_ran,
    write_cells,
)

CELLS = """
import numpy as np
import pandas as pd
from sedlab.labels import CLASSES
from sedlab.views import ClipPlayer, Scene, System

TIMES = np.arange(157) * 0.064
loaded = []

def system(name, seed, onset, role="model"):
    rng = np.random.default_rng(seed)
    scores = rng.beta(1, 60, (156, 27))
    at = (TIMES[:-1] > onset) & (TIMES[:-1] < onset + 3)
    scores[at, CLASSES.index("Speech")] = rng.beta(9, 2, at.sum())
    scores[90:120, CLASSES.index("Dog")] = rng.beta(4, 4, 30)
    return System(name, scores, TIMES, role=role)

def load(key):
    loaded.append(key)
    if key == "devtest/broken":
        raise OSError("broken.wav is not a sound file")
    number = int(key[-2:])
    time = np.arange(160000) / 16000
    tone = 0.3 * np.sin(2 * np.pi * (400 + 100 * number) * time) * ((time > 2) & (time < 5))
    systems = (system("ensemble, iteration 2", number, 2.0),
               system("BEATs, iteration 2", number + 50, 2.4),
               system("pseudo-labels, iteration 1", number + 99, 2.2, "pseudo"),
               system("pseudo-labels, iteration 2", number + 150, 1.9, "pseudo"))
    events = pd.DataFrame({"onset": [2, 5.8], "offset": [5, 7.6], "label": ["Speech", "Dog"]})
    return Scene(key, tone + 0.003 * np.random.default_rng(number).standard_normal(160000), systems=systems,
                 events=events, masked=frozenset(["footsteps"]), title=key)

player = ClipPlayer(load, queue=[*(f"devtest/clip{k:02}" for k in range(20)), "devtest/broken"])
player
---
other = ClipPlayer(load, queue=["devtest/clip07"])
other
---
print("ALL", "DONE")
---
print("state:", player.key, f"{player.playhead:.2f}", player.selection, player.span, len(loaded))
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start JupyterLab on a folder with one notebook; yield the notebook's address."""
    need_chromium()
    folder = tmp_path_factory.mktemp("lab")
    write_cells(folder / "player.ipynb", CELLS.split("---\n"))
    with jupyter_lab(folder) as address:
        yield address.format("player.ipynb")


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_a_person_hears_selects_zooms_and_pages(lab: str) -> None:
    with looked_at(1300, 1500) as page:
        page.goto(lab)
        run_all_cells(page)
        wait_until_all_ran(page)
        player, other = page.locator(".sedlab-player").nth(0), page.locator(".sedlab-player").nth(1)
        shown = player.locator("canvas.over")
        page.wait_for_function("document.querySelectorAll('.sedlab-player .waiting').length === 0")
        assert "clip 1 of 21, 2 annotated events" in player.locator(".head").inner_text()

        # Space plays; Python hears that the playhead moved. The other player silences this one.
        player.focus()
        page.keyboard.press(" ")
        _state(page, lambda line: "clip00" in line and float(line.split()[2]) > 0.5)
        other.get_by_role("button", name="Play").click()
        player.get_by_role("button", name="Play (space)").wait_for()
        other.get_by_role("button", name="Pause").click()

        # Press: listen from there. Drag: select; what is selected is looped.
        player.locator(".head").scroll_into_view_if_needed()
        box = shown.bounding_box()
        left, width = box["x"] + 150, box["width"] - 156
        page.mouse.click(left + 0.4 * width, box["y"] + 100)
        assert _head(page) == pytest.approx(4.0, abs=0.02)
        page.mouse.move(left + 0.5 * width, box["y"] + 100)
        page.mouse.down()
        page.mouse.move(left + 0.53 * width, box["y"] + 140, steps=3)
        page.mouse.up()
        page.keyboard.press(" ")
        page.wait_for_timeout(1000)
        assert 4.99 < _head(page) < 5.35
        page.keyboard.press(" ")
        start, end = _floats(_state(page, lambda line: "] []" in line and "[] []" not in line))
        assert (start, end) == (pytest.approx(5.0, abs=0.02), pytest.approx(5.3, abs=0.02))
        if folder := os.environ.get("SEDLAB_SCREENSHOTS"):
            player.locator(".head").scroll_into_view_if_needed()
            page.screenshot(path=str(Path(folder) / "player.png"))
        player.focus()
        page.keyboard.press("Escape")

        # Half the speed: half as far, with the pitch kept.
        player.get_by_label("Speed").select_option("0.5")
        sound = "document.querySelector('.sedlab-player audio')"
        assert page.evaluate(f"[{sound}.playbackRate, {sound}.preservesPitch]") == [0.5, True]

        # Ctrl and the wheel zoom around the pointer; the wheel alone scrolls the page.
        _state(page, lambda line: "[] []" in line)
        player.locator(".head").scroll_into_view_if_needed()
        page.mouse.move(left + 0.25 * width, shown.bounding_box()["y"] + 100)
        page.keyboard.down("Control")
        page.mouse.wheel(0, -300)
        page.keyboard.up("Control")
        line = _state(page, lambda line: "[] [" in line and "[] []" not in line)
        start, end = _floats(line.split("[]")[1])
        assert start < 2.5 < end and (2.5 - start) / (end - start) == pytest.approx(0.25, abs=0.02)

        # Ten quick presses of n: the last clip is drawn, and those passed by were not loaded.
        player.focus()
        for _ in range(12):
            page.keyboard.press("n")
        page.wait_for_function("document.querySelector('.title').textContent === 'devtest/clip12'")
        page.wait_for_function("!document.querySelector('.sedlab-player .waiting')")
        line = _state(page, lambda line: "clip12" in line)
        assert int(line.split()[-1]) < 20

        # A clip that cannot be loaded says so.
        for _ in range(8):
            page.keyboard.press("n") if player.evaluate("node => node.matches(':focus')") else player.press("n")
        player.get_by_role("alert").filter(has_text="broken.wav is not a sound file").wait_for()
        player.press("p")
        page.wait_for_function("document.querySelector('.title').textContent === 'devtest/clip19'")

        # Python goes to a case, once it knows of the last key: it is framed, sought, and stays so.
        _state(page, lambda line: "clip19" in line)
        run_last_cell(page, "player.go('devtest/clip03', {'onset': 6.0, 'offset': 6.4, 'label': 'Dog'})")
        line = _state(page, lambda line: "clip03 5.50" in line and "[] [4.7, 7.7]" in line)
        page.wait_for_timeout(500)
        assert _head(page) == 5.5

        # Everybody can use it, in both themes, on a phone.
        for theme in ("JupyterLab Light", "JupyterLab Dark"):
            page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
            page.wait_for_function(f"document.body.dataset.jpThemeName === '{theme}'")
            player.focus()
            page.keyboard.press("?")
            page.get_by_role("dialog", name="Keys of the player").wait_for()
            found = Axe().run(page, context=".sedlab-player")
            assert found.violations_count == 0, found.generate_report()
            page.keyboard.press("Escape")
        player.press("c")
        player.press("w")
        player.press("0")
        if folder:
            player.locator(".head").scroll_into_view_if_needed()
            page.screenshot(path=str(Path(folder) / "player_dark.png"))
            page.set_viewport_size({"width": 760, "height": 1500})
            page.wait_for_timeout(300)
            page.screenshot(path=str(Path(folder) / "player_narrow.png"))


def _floats(text: str) -> list[float]:
    """Return the numbers between the first brackets of ``text``."""
    return [float(part) for part in text.split("[")[1].split("]")[0].split(",")]


def _head(page) -> float:
    return page.evaluate("parseFloat(document.querySelector('.sedlab-player .time').textContent)")


def _state(page, is_so) -> str:
    """Run the last cell until what it prints fulfils ``is_so``; return that."""
    end, line = time.monotonic() + TIMEOUT_MS / 1000, ""
    while time.monotonic() < end:
        run_last_cell(page, CELLS.split("---\n")[-1].strip())
        page.wait_for_timeout(400)
        lines = page.locator(".jp-OutputArea-output").filter(has_text="state:").all_inner_texts()
        line = lines[-1].strip() if lines else ""
        if line and is_so(line):
            wait_for_focus(page)
            return line
    raise AssertionError(line)
