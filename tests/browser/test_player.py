"""A person before the player: hears, selects, loops, zooms and pages in a real JupyterLab, and Python knows of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from jupyter_lab import (
    jupyter_lab,
    looked_at,
    need_chromium,
    run_all_cells,
    run_code,
    wait_for_python,
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
"""
STATE = """
import json
print(json.dumps({name: getattr(player, name) for name in ("key", "playhead", "selection", "span")}))
"""
PRESS_N = """(node, times) => {
  for (let k = 0; k < times; k += 1) node.dispatchEvent(new KeyboardEvent("keydown", { key: "n", bubbles: true }));
}"""
#: The seconds of the playhead; and whether they are fewer than when this was last asked.
HEAD = "parseFloat(document.querySelector('.sedlab-player .time').textContent)"
WENT_BACK = (
    f"() => {{ const [before, now] = [window.headBefore, {HEAD}]; window.headBefore = now; return now < before; }}"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start JupyterLab on a folder with one notebook; yield the notebook's address."""
    need_chromium()
    folder = tmp_path_factory.mktemp("lab")
    write_cells(folder / "player.ipynb", CELLS.split("---\n"))
    with jupyter_lab(folder) as address:
        yield address.format("player.ipynb")


@pytest.mark.slow
def test_a_person_hears_selects_zooms_and_pages(lab: str) -> None:
    from playwright.sync_api import expect

    with looked_at(1300, 1500) as page:
        page.goto(lab)
        run_all_cells(page)
        wait_until_all_ran(page)
        player, other = page.locator(".sedlab-player").nth(0), page.locator(".sedlab-player").nth(1)
        shown = player.locator("canvas.over")
        for one in (player, other):
            expect(one.locator(".head")).to_contain_text("2 annotated events")
        expect(player.locator(".head")).to_contain_text("clip 1 of 21, 2 annotated events")

        # Space plays; Python hears that the playhead moved. The other player silences this one.
        player.focus()
        page.keyboard.press(" ")
        _state(page, lambda state: state["key"] == "devtest/clip00" and state["playhead"] > 0.5)
        other.get_by_role("button", name="Play").click()
        player.get_by_role("button", name="Play (space)").wait_for()
        other.get_by_role("button", name="Pause").click()

        # Press: listen from there. Drag: select; what is selected is looped.
        player.locator(".head").scroll_into_view_if_needed()
        box = shown.bounding_box()
        left, width = box["x"] + 150, box["width"] - 156
        page.mouse.click(left + 0.4 * width, box["y"] + 100)
        _at(page, 4.0)
        page.mouse.move(left + 0.5 * width, box["y"] + 100)
        page.mouse.down()
        page.mouse.move(left + 0.53 * width, box["y"] + 140, steps=3)
        page.mouse.up()
        page.keyboard.press(" ")
        page.wait_for_function(f"{HEAD} > 5.05")
        page.wait_for_function(WENT_BACK)
        assert 4.99 < page.evaluate(HEAD) < 5.35
        page.keyboard.press(" ")
        start, end = _state(page, lambda state: state["selection"] and not state["span"])["selection"]
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
        _state(page, lambda state: not state["selection"] and not state["span"])
        player.locator(".head").scroll_into_view_if_needed()
        page.mouse.move(left + 0.25 * width, shown.bounding_box()["y"] + 100)
        page.keyboard.down("Control")
        page.mouse.wheel(0, -300)
        page.keyboard.up("Control")
        start, end = _state(page, lambda state: state["span"] and not state["selection"])["span"]
        assert start < 2.5 < end and (2.5 - start) / (end - start) == pytest.approx(0.25, abs=0.02)

        # Twelve quick presses of n: the last clip is drawn, and those passed by were not loaded.
        player.evaluate(PRESS_N, 12)
        page.wait_for_function("document.querySelector('.title').textContent === 'devtest/clip12'")
        page.wait_for_function("!document.querySelector('.sedlab-player .waiting')")
        _state(page, lambda state: state["key"] == "devtest/clip12")
        loaded = run_code(page, "print(*sorted(set(loaded)))")
        assert "clip12" in loaded and not any(f"clip{passed:02}" in loaded for passed in (6, 8, 9)), loaded

        # A clip that cannot be loaded says so.
        player.evaluate(PRESS_N, 8)
        player.get_by_role("alert").filter(has_text="broken.wav is not a sound file").wait_for()
        player.press("p")
        page.wait_for_function("document.querySelector('.title').textContent === 'devtest/clip19'")

        # Python goes to a case, once it knows of the last key: it is framed, sought, and stays so.
        _state(page, lambda state: state["key"] == "devtest/clip19")
        run_code(page, "player.go('devtest/clip03', {'onset': 6.0, 'offset': 6.4, 'label': 'Dog'})")
        framed = {"key": "devtest/clip03", "playhead": 5.5, "selection": [], "span": [4.7, 7.7]}
        _state(page, lambda state: state == framed)
        page.wait_for_timeout(500)
        assert _state(page, bool) == framed and page.evaluate(HEAD) == 5.5

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


def _at(page, seconds: float) -> None:
    """Wait until the playhead is there."""
    page.wait_for_function(f"seconds => Math.abs({HEAD} - seconds) < 0.02", arg=seconds)


def _state(page, is_so: Callable[[dict], bool]) -> dict:
    """Return what Python knows of the player, once it is so."""
    return json.loads(wait_for_python(page, STATE, lambda said: is_so(json.loads(said))))
