"""A person with a mouse before curves and a player, in a real JupyterLab: each moves with the other."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from jupyter_lab import jupyter_lab, looked_at, need_chromium, run_all_cells, wait_until_all_ran, write_cells

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
---
import threading
if len(explorer.panel("PSD-ROC").table.table):
    curves.resampling = Resampling(200_000)
print("working:", [one.name for one in threading.enumerate() if one.name == "curves"])
print("state:", {label: round(at, 3) for label, at in player.thresholds.items()}, player.label, player.postprocess)
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


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need_chromium()
    folder = tmp_path_factory.mktemp("lab")
    path = [entry for entry in sys.path if entry.endswith("material")]
    write_cells(folder / "curves.ipynb", NOTEBOOK.replace("PATH", repr(path)).split("---\n"))
    with jupyter_lab(folder) as address:
        yield address.format("curves.ipynb")


def run_last_cell(page) -> None:
    page.evaluate(
        "() => { const notebook = window.jupyterapp.shell.currentWidget.content;"
        " notebook.activeCellIndex = notebook.widgets.length - 1;"
        " return window.jupyterapp.commands.execute('notebook:run-cell'); }"
    )


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_curves_and_player_move_with_each_other(lab: str, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    with looked_at(1300, 1900) as page:
        page.goto(lab)
        run_all_cells(page)
        wait_until_all_ran(page)
        output = page.locator(".jp-OutputArea-output")
        panel = page.locator(".sedlab-curve-explorer")
        expect(panel.locator(".js-plotly-plot .gtitle")).to_have_text("PSD-ROC, PSDS1: Dog")
        panel.scroll_into_view_if_needed()

        # Point at the end of a curve: what is said there. Press it: the player has that threshold for that class.
        x, y, said = page.evaluate(PLACE, [1, -2])
        threshold = re.search(r"threshold ([\d.]+)", said)[1]
        page.mouse.move(x - 4, y - 2)
        page.mouse.move(x, y, steps=3)
        label = panel.locator(".hoverlayer")
        expect(label).to_contain_text(f"threshold {threshold}")
        expect(label).to_contain_text(re.compile(r"finds \d+ of \d+ events.*false alarms an hour"))
        before = page.evaluate(MARKS)
        page.mouse.click(x, y)
        slider = page.get_by_label("Threshold", exact=True)
        expect(slider).to_have_attribute("aria-valuetext", threshold)
        expect(page.get_by_label("Class of the threshold")).to_have_value("Dog")
        after = page.evaluate(MARKS)
        assert after != before

        # Move the player's slider: the marks follow, and what is said of them.
        slider.focus()
        for _ in range(4):
            page.keyboard.press("ArrowLeft")
        page.wait_for_function(f"before => JSON.stringify(({MARKS})()) !== JSON.stringify(before)", arg=after)
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
        x, y, _ = page.evaluate(PLACE, [1, -2])
        page.mouse.move(x - 4, y - 2)
        page.mouse.move(x, y, steps=3)
        expect(label).to_contain_text("false alarms an hour")
        page.mouse.click(x, y)
        expect(panel.locator("td").filter(has_text="one for each class").first).to_be_visible()
        # The letters of what the pointer says are not of the colour of its box, whatever that of the curve.
        colours = "(all) => all.map((one) => getComputedStyle(one).fill)"
        box, letters = (panel.locator(f".hoverlayer {one}").evaluate_all(colours) for one in ("path", "text"))
        assert box and letters and not set(box) & set(letters)
        expect(page.get_by_role("button", name=re.compile("^Cat 0"))).to_be_visible()

        with page.expect_download() as download:
            panel.get_by_role("button", name="as TSV").click()
        download.value.save_as(tmp_path / "points.tsv")
        points = pd.read_csv(tmp_path / "points.tsv", sep="\t")
        assert download.value.suggested_filename == "psds1_all.tsv"
        assert set(points["system"]) == {"ATST, iteration 1", "Ensemble, iteration 2"}

        # The press is one; what it set is there, and is still there a moment later.
        for _ in range(2):
            page.wait_for_timeout(600)
            run_last_cell(page)
            said = output.filter(has_text="state:").last.inner_text().strip()
            assert re.search(r"'Dog': 0\.\d+", said)[0] == f"'Dog': {threshold}", said
            assert all(f"'{label}': " in said for label in ("Cat", "Speech")) and said.endswith("}  none"), said

        # Now 200,000 resamples: the kernel answers meanwhile, and Cancel stops them at once.
        panel.get_by_label("95 % band").uncheck()
        panel.get_by_label("Metric").select_option("PSDS2")
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
            run_last_cell(page)
            expect(output.filter(has_text="working: ['curves']")).to_be_visible()
            cancel.focus()
            started = time.monotonic()
            page.keyboard.press("Enter")
            expect(cancel).to_have_count(0)
            assert time.monotonic() - started < 5 and ends.count() == 0
            expect(start).to_be_focused()
            expect(start).not_to_be_checked() if start.get_attribute("type") == "checkbox" else None
            for _ in range(20):
                run_last_cell(page)
                page.wait_for_timeout(200)
                if output.filter(has_text="working: []").count():
                    break
            else:
                pytest.fail("still at work")
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
