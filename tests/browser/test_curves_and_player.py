"""A person with a mouse before curves and a player, in a real JupyterLab: each moves with the other."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from jupyter_lab import (
    TIMEOUT_MS,
    jupyter_lab,
    looked_at,
    need_chromium,
    run_all_cells,
    run_code,
    wait_for_frames,
    wait_for_python,
    wait_until_all_ran,
    write_cells,
)

NOTEBOOK = """
import sys
sys.path += PATH
from dataclasses import replace
import numpy as np
import pandas as pd
from generated_clips import CLASSES, TIMES, random_clips
from sedlab.scoring.curves.curve_set import CurveSet
from sedlab.scoring.metrics.bootstrap import Resampling
from sedlab.views import ClipPlayer, Explorer, PsdsExplorer, Scene, System

made = [random_clips(24, 5, skill=skill) for skill in (2.0, 6.0)]
clips = [replace(one, events=made[0].events, clips=made[0].clips) for one in made]
systems = dict(zip(("ATST, iteration 1", "Ensemble, iteration 2"), clips))
curves = CurveSet(list(systems), lambda name, way: systems[name].counted, resampling=Resampling(60))
events = made[0].events

def load(key):
    said = [System(name, one.tables[key].to_numpy()[:, 2:], TIMES) for name, one in systems.items()]
    return Scene(key, 0.1 * np.sin(np.arange(153600) / 9), 16000, CLASSES, tuple(said), events[events.clip_id == key])

def clips_of(label):
    rows = events[events.label == label].drop_duplicates("clip_id")
    return {row.clip_id: {"onset": row.onset, "offset": row.offset, "label": label} for row in rows.itertuples()}

table = pd.DataFrame({"key": list(systems["ATST, iteration 1"].tables)})
player = ClipPlayer(load, queue=list(table["key"]))
player.postprocess = "none"
panels = {"PSD-ROC": lambda desk: PsdsExplorer(curves, desk, systems=list(systems), label="Dog", clips_of=clips_of)}
explorer = Explorer(table, player, panels=panels)
explorer.select_panel("PSD-ROC")
explorer
---
print("ALL", "DONE")
"""
WORKING = """
import threading
print([one.name for one in threading.enumerate() if one.name == "curves"])
"""
STATE = """
import json
print(json.dumps([{label: round(at, 3) for label, at in player.thresholds.items()}, player.label, player.postprocess]))
"""
#: Where a point of a curve is on the screen: the place in the traces of the lines, the place in the line.
PLACE = """([curve, point]) => {
  const plot = document.querySelector(".sedlab-curves .js-plotly-plot"), box = plot.getBoundingClientRect();
  const { xaxis, yaxis } = plot._fullLayout;
  const trace = plot.data.filter((trace) => trace.mode === "lines" && trace.showlegend !== false)[curve];
  const k = point < 0 ? trace.x.length + point : point;
  return [box.x + xaxis._offset + xaxis.d2p(trace.x[k]), box.y + yaxis._offset + yaxis.d2p(trace.y[k]), trace.text[k]];
}"""
MARKS = """() => document.querySelector(".sedlab-curves .js-plotly-plot").data
  .filter((trace) => trace.mode === "markers").map((trace) => [trace.x[0], trace.y[0]])"""

OTHER_MARKS = f"before => JSON.stringify(({MARKS})()) !== JSON.stringify(before)"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need_chromium()
    folder = tmp_path_factory.mktemp("lab")
    path = [entry for entry in sys.path if entry.endswith("material")]
    write_cells(folder / "curves.ipynb", NOTEBOOK.replace("PATH", repr(path)).split("---\n"))
    with jupyter_lab(folder) as address:
        yield address.format("curves.ipynb")


def point_at(page, curve: int, point: int, pattern: str) -> tuple[float, float, str]:
    """Put the pointer on a point of a curve, wherever that is now, until what it has of ``pattern`` is said there.

    Returns x and y of the pointer, and what was found of the pattern.
    """
    end = time.monotonic() + TIMEOUT_MS / 1000
    label = page.locator(".sedlab-curve-explorer .hoverlayer")
    while time.monotonic() < end:
        x, y, told = page.evaluate(PLACE, [curve, point])
        page.mouse.move(x - 4, y - 2)
        page.mouse.move(x, y, steps=3)
        wait_for_frames(page)
        found = re.search(pattern, told)[0]
        if found in (label.text_content() or ""):
            return x, y, found
    pytest.fail(f"{label.text_content()!r} is said in place of {told!r}")


@pytest.mark.slow
def test_curves_and_player_move_with_each_other(lab: str, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    with looked_at(1300, 1900) as page:
        page.goto(lab)
        run_all_cells(page)
        wait_until_all_ran(page)
        panel = page.locator(".sedlab-curve-explorer")
        expect(panel.locator(".js-plotly-plot .gtitle")).to_have_text("PSD-ROC, PSDS1: Dog")
        # The list comes after the panel, and moves it down.
        expect(page.locator(".sedlab-clip-table tbody tr")).to_have_count(24)
        panel.scroll_into_view_if_needed()

        # Point at the end of a curve: what is said there. Press it: the player has that threshold for that class.
        x, y, said = point_at(page, 1, -2, r"threshold [\d.]+")
        threshold = said.split()[1]
        label = panel.locator(".hoverlayer")
        expect(label).to_contain_text(re.compile(r"finds \d+ of \d+ events.*false alarms an hour"))
        before = page.evaluate(MARKS)
        page.mouse.click(x, y)
        slider = page.get_by_label("Threshold", exact=True)
        expect(slider).to_have_attribute("aria-valuetext", threshold)
        expect(page.get_by_label("Class of the threshold")).to_have_value("Dog")
        page.wait_for_function(OTHER_MARKS, arg=before)
        after = page.evaluate(MARKS)

        # Move the player's slider: the marks follow, and what is said of them.
        slider.focus()
        for _ in range(4):
            page.keyboard.press("ArrowLeft")
        page.wait_for_function(OTHER_MARKS, arg=after)
        lower = float(slider.input_value())
        expect(panel.locator("td").filter(has_text=re.compile(rf"^{lower:.3f}"))).to_have_count(2)
        assert lower < float(threshold)

        # A band, and the table of differences: a row chooses its class, in the player too, or lists its clips.
        panel.get_by_label("95 % band").check()
        page.wait_for_function("() => document.querySelectorAll('.sedlab-curves .js-fill').length === 2")
        panel.get_by_role("button", name="Compare by class").click()
        panel.get_by_role("button", name="Speech").click()
        expect(panel.locator(".gtitle")).to_have_text("PSD-ROC, PSDS1: Speech")
        expect(page.get_by_label("Class of the threshold")).to_have_value("Speech")
        panel.get_by_role("button", name="clips").first.click()
        expect(page.locator(".sedlab-explorer")).to_contain_text("annotated")

        # Over all classes a point is a threshold for each.
        panel.get_by_label("Class").select_option("all together")
        expect(panel.locator(".gtitle")).to_have_text("PSD-ROC, PSDS1")
        x, y, _ = point_at(page, 1, -2, "false alarms an hour")
        # The letters of what the pointer says are not of the colour of its box, whatever that of the curve.
        colours = "(all) => all.map((one) => getComputedStyle(one).fill)"
        box, letters = (panel.locator(f".hoverlayer {one}").evaluate_all(colours) for one in ("path", "text"))
        assert box and letters and not set(box) & set(letters)
        page.mouse.click(x, y)
        expect(panel.locator("td").filter(has_text="one for each class").first).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("^Cat 0"))).to_be_visible()

        with page.expect_download() as download:
            panel.get_by_role("button", name="as TSV").click()
        download.value.save_as(tmp_path / "points.tsv")
        points = pd.read_csv(tmp_path / "points.tsv", sep="\t")
        assert download.value.suggested_filename == "psds1_all.tsv"
        assert set(points["system"]) == {"ATST, iteration 1", "Ensemble, iteration 2"}

        # The press is one; what it set is there, and is still there a moment later.
        said = wait_for_python(page, STATE, lambda said: "Cat" in json.loads(said)[0])
        page.wait_for_timeout(600)
        assert run_code(page, STATE) == said
        thresholds, label, way = json.loads(said)
        assert thresholds["Dog"] == pytest.approx(float(threshold), abs=1e-9)
        assert {"Cat", "Speech"} <= set(thresholds) and (label, way) == ("", "none")

        # Now 200,000 resamples: the kernel answers meanwhile, and Cancel stops them at once.
        panel.get_by_label("95 % band").uncheck()
        panel.get_by_label("Metric").select_option("PSDS2")
        expect(panel.locator(".gtitle")).to_have_text("PSD-ROC, PSDS2")
        run_code(page, "curves.resampling = Resampling(200_000)")
        for start, ends in (
            (
                panel.get_by_role("button", name="Compare by class"),
                panel.locator("p").filter(has_text="95 % intervals"),
            ),
            (panel.get_by_label("95 % band"), panel.locator(".js-fill")),
        ):
            start.click()
            cancel = panel.get_by_role("button", name="Cancel").locator("visible=true")
            cancel.wait_for()
            page.wait_for_function(
                "() => [...document.querySelectorAll('.sedlab-curve-explorer .progress-bar')]"
                ".some((bar) => bar.offsetParent && parseFloat(bar.style.width) > 0)"
            )
            assert run_code(page, WORKING) == "['curves']"
            cancel.focus()
            page.keyboard.press("Enter")
            expect(cancel).to_have_count(0)
            expect(start).to_be_focused()
            expect(start).not_to_be_checked() if start.get_attribute("type") == "checkbox" else None
            wait_for_python(page, WORKING, lambda said: said == "[]")
            assert ends.count() == 0  # nor did it go on to the end
        found = Axe().run(page, context=".sedlab-curve-explorer").response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
        if folder := os.environ.get("SEDLAB_SCREENSHOTS"):
            panel.screenshot(path=str(Path(folder) / "curves.png"))
        # From a phone's width up, the plot is as wide as its place.
        page.evaluate("void window.jupyterapp.commands.execute('application:toggle-left-area')")
        page.set_viewport_size({"width": 420, "height": 1600})
        page.wait_for_function(
            "() => { const plot = document.querySelector('.sedlab-curves .main-svg').getBoundingClientRect();"
            " return plot.width > 200 && plot.right <= window.innerWidth; }"
        )
