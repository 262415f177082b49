"""A person with a mouse and a keyboard: the inspectors in a real JupyterLab in a real browser."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_lab import TIMEOUT_MS, browser, jupyter_lab, need_chromium, note_foreign, run_all_cells, write_cells

NOTEBOOK = """
import numpy as np
import pandas as pd
from sedlab.views import ClipInspector, ClipView

time = np.arange(160000) / 16000
clips = pd.DataFrame({"clip_id": ["tone_low", "tone_high", "broken"]})
events = pd.DataFrame({"clip_id": ["tone_low", "tone_high"], "label": ["Speech", "Dog"]})

def load(row):
    if row["clip_id"] == "broken":
        raise OSError("broken.wav is not a sound file")
    pitch = {"tone_low": 300, "tone_high": 3000}[row["clip_id"]]
    one = pd.DataFrame({"onset": [2.0], "offset": [5.0], "label": ["Speech"]})
    return ClipView(0.3 * np.sin(2 * np.pi * pitch * time), events=one, title=row["clip_id"])

inspector = ClipInspector(clips, load, events=events)
inspector
---
print("ALL", "DONE")
---
print("state:", inspector.clip_id, f"{inspector.player.playhead:.1f}")
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start JupyterLab on a folder with one notebook; yield the notebook's address."""
    need_chromium()
    folder = tmp_path_factory.mktemp("lab")
    write_cells(folder / "inspect.ipynb", NOTEBOOK.split("---\n"))
    with jupyter_lab(folder) as address:
        yield address.format("inspect.ipynb")


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_inspectors_react_to_mouse_and_keyboard(lab: str) -> None:
    from playwright.sync_api import expect

    with browser() as opened:
        page = opened.new_page(viewport={"width": 1300, "height": 1400})
        page.set_default_timeout(TIMEOUT_MS)
        expect.set_options(timeout=TIMEOUT_MS)
        problems: list[str] = []
        elsewhere: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: note_foreign(request.url, elsewhere))
        page.goto(lab)
        run_all_cells(page)
        output = page.locator(".jp-OutputArea-output")
        expect(output.filter(has_text="ALL DONE")).to_be_visible()

        # The first clip: a picture, a sound the browser can decode, a label.
        player = page.locator(".sedlab-player").first
        picture, audio = player.locator("img"), player.locator("audio")
        expect(page.locator(".widget-label").filter(has_text="1 of 3")).to_be_visible()
        expect(picture).to_have_attribute("alt", "tone_low: Speech")
        page.wait_for_function("() => document.querySelector('.sedlab-player audio').readyState >= 2")
        assert audio.evaluate("node => node.duration") == pytest.approx(10.0, abs=0.01)
        assert picture.evaluate("node => node.naturalWidth") > 500

        # Press the picture in its middle, then the keys: the playhead follows, and space plays.
        player.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.wait_for_function("() => document.querySelector('.sedlab-player audio').currentTime === 1.0")
        before = player.locator(".sedlab-playhead").evaluate("node => parseFloat(node.style.left)")
        page.keyboard.press(" ")
        page.wait_for_function("() => document.querySelector('.sedlab-player audio').currentTime > 1.3")
        page.keyboard.press(" ")
        page.wait_for_function("() => document.querySelector('.sedlab-player audio').paused")
        assert player.locator(".sedlab-playhead").evaluate("node => parseFloat(node.style.left)") > before
        box = picture.bounding_box()
        picture.click(position={"x": box["width"] / 2, "y": 60})
        pressed = audio.evaluate("node => node.currentTime")
        assert 3 < pressed < 6

        # The next clip by key, and the last one by the slider: its error is shown, not lost.
        old = picture.get_attribute("src")
        page.keyboard.press("n")
        expect(picture).not_to_have_attribute("src", old)
        expect(picture).to_have_attribute("alt", "tone_high: Speech")
        page.locator(".widget-slider .noUi-handle").first.focus()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("alert")).to_contain_text("broken.wav is not a sound file")
        page.get_by_label("Class").first.select_option("Dog")
        expect(page.locator(".widget-label").filter(has_text="1 of 1")).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)

        # What the person did is known in Python.
        player.focus()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        assert _state_becomes(page, output, "state: tone_high 0.5"), output.last.text_content()
        if folder := os.environ.get("SEDLAB_SCREENSHOTS"):
            page.screenshot(path=str(Path(folder) / "inspector.png"))
        assert problems == []
        assert elsewhere == []


def _state_becomes(page, output, text: str) -> bool:
    """Run the last cell until it prints ``text``: a busy kernel hears of the browser's changes after the cell."""
    end = time.monotonic() + TIMEOUT_MS / 1000
    while time.monotonic() < end:
        page.evaluate(
            "() => { const notebook = window.jupyterapp.shell.currentWidget.content;"
            " notebook.activeCellIndex = notebook.widgets.length - 1;"
            " void window.jupyterapp.commands.execute('notebook:run-cell'); }"
        )
        page.wait_for_timeout(500)
        if output.filter(has_text=text).count():
            return True
    return False
