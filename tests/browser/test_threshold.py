"""A person at the threshold: it is dragged while Python is busy, saved for `sedlab detect`, and the view taken away."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from axe_playwright_python.sync_playwright import Axe
from jupyter_lab import (
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
from PIL import Image
from typer.testing import CliRunner

CELLS = """
import numpy as np
import pandas as pd
from sedlab.labels import DESED_CLASSES as CLASSES
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.postprocess.median import median_filtered
from sedlab.scoring.scores.tables import score_tables
from sedlab.scoring.thresholds.counts import subset_counts
from sedlab.views import ClipPlayer, Scene, System

TIMES = np.arange(157) * 0.064
KEYS = [f"devtest/clip{k:02}" for k in range(12)]
NAMES = [f"{model}, iteration {n}" for n in (1, 2) for model in ("ATST", "ensemble")]

def events_of(key):
    onset = 1 + int(key[-2:]) % 4
    return pd.DataFrame({"onset": [onset, 6.0], "offset": [onset + 2.0, 7.5], "label": ["Speech", "Dog"]})

def scores_of(key, name):
    rng = np.random.default_rng([*key.encode(), *name.encode()])
    scores = rng.beta(1, 30, (156, len(CLASSES)))
    for event in events_of(key).itertuples():
        late = rng.choice([0.0, 0.0, 0.5]) - 0.03
        at = (TIMES[:-1] > event.onset + late) & (TIMES[:-1] < event.offset + late)
        scores[at, CLASSES.index(event.label)] = rng.beta(40, 18, at.sum())
    return scores

def tables_of(name, way):
    tables = {key: score_tables(scores_of(key, name)[None], [key], CLASSES, TIMES)[key] for key in KEYS}
    return tables if way == "none" else median_filtered(tables, CLASSES)

def load(key):
    wave = 0.01 * np.random.default_rng(0).standard_normal(160000)
    systems = tuple(System(name, scores_of(key, name), TIMES, median=scores_of(key, name)) for name in NAMES)
    return Scene(key, wave, classes=CLASSES, systems=systems, events=events_of(key), title=key)

truth = pd.concat([events_of(key).assign(clip_id=key) for key in KEYS])
count = lambda subset, name, way: subset_counts(
    CountedEvents.of(tables_of(name, way), truth, dict.fromkeys(KEYS, 10.0), CLASSES))
player = ClipPlayer(load, queue=KEYS)
player.offer_counts(count, {"devtest": {name: ["none", "median"] for name in NAMES}})
player.marks = {"": {"default": 0.5}, "Speech": {"default": 0.5}}
player.postprocess = "none"
player
---
print("ALL", "DONE")
"""

COUNTED = """() => {
  const rows = [...document.querySelectorAll(".tally tbody tr")];
  return rows.length === 4 && rows.every((row) => Number.isInteger(Number(row.cells[4].textContent)));
}"""
#: The kernel takes no notice of anything until a file is there, or a minute has passed.
ASLEEP = "import time; from pathlib import Path\nfor _ in range(1200):\n    Path('awake').is_file() or time.sleep(0.05)"
SLEEP = f"""() => {{
  const {{ kernel }} = window.jupyterapp.shell.currentWidget.sessionContext.session;
  kernel.requestExecute({{ code: `{ASLEEP}` }}).done.then(() => {{ window.awake = true; }});
  window.steps = [];
  const tracks = document.querySelector(".sedlab-player .tracks");
  tracks.addEventListener("sedlab-drawn", ({{ detail }}) => window.steps.push(detail.milliseconds));
}}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[str]:
    """Start JupyterLab on a folder with one notebook; yield the notebook's address."""
    need_chromium()
    write_cells(folder / "threshold.ipynb", CELLS.split("---\n"))
    with jupyter_lab(folder) as address:
        yield address.format("threshold.ipynb")


@pytest.mark.slow
def test_a_person_sets_a_threshold_saves_it_and_takes_the_view_away(lab: str, folder: Path) -> None:
    with looked_at(1300, 1500) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(lab)
        run_all_cells(page)
        wait_until_all_ran(page)
        player = page.locator(".sedlab-player")
        slider, tally = player.get_by_label("Threshold", exact=True), player.locator(".tally")

        def cells(row: int) -> list[str]:
            return tally.locator("tbody tr").nth(row).locator("td").all_text_contents()

        # Counts of the subset come by themselves, for every system that is shown.
        page.wait_for_function(COUNTED)
        assert "12 clips with events" in tally.text_content()
        _dragged_while_python_is_busy(page, player, slider, cells, folder / "awake")

        # A class of its own, by keys; the best F1 of a system as a mark to press, and to go to by key.
        player.focus()
        page.keyboard.press("g")
        assert player.get_by_label("Class of the threshold").input_value() == "Dog"
        best = player.get_by_role("group", name="Marks of the threshold").get_by_role(
            "button", name=re.compile("best F1 of 2")
        )
        best.click()
        wait_for_frames(page)
        f1 = float(re.search(r"\((.*)\)", best.text_content())[1])
        assert f1 > 0.5 and float(cells(1)[8]) == pytest.approx(f1, abs=0.006)
        player.focus()
        page.keyboard.press("b")
        page.keyboard.press("T")
        wanted = pytest.approx(float(player.get_by_label("Threshold as a number").input_value()), abs=1e-6)
        own, number = wait_for_python(
            page,
            "print(player.thresholds.get('Dog', -1), len(player.detections()))",
            lambda said: float(said.split()[0]) == wanted,
        ).split()
        shown = player.locator(".legend small").all_text_contents()
        assert int(number) == sum(int(text.split()[0]) for text in shown)

        # Saved for sedlab detect, which takes it.
        page.keyboard.press("s")
        player.get_by_text("saved: thresholds.json").wait_for()
        saved = json.loads((folder / "thresholds.json").read_text())
        assert saved["thresholds"] == {"Dog": pytest.approx(float(own))} and saved["postprocess"] == "none"
        _detect_with(folder)

        # The call, executed, is the same view.
        page.keyboard.press("y")
        player.get_by_text("copied: player.at").wait_for()
        call = page.evaluate("navigator.clipboard.readText()")
        again = f"player.thresholds = {{}}; player.threshold = 0.9; assert ({call}) is player; print(player.thresholds)"
        assert run_code(page, again) == str({"Dog": float(own)})
        _exported(page, player, folder, number_of_events=int(number))

        # The list of keys keeps the focus, and gives it back.
        player.focus()
        page.keyboard.press("?")
        dialog = page.get_by_role("dialog", name="Keys of the player")
        dialog.wait_for()
        assert {"Listen", "Zoom", "Threshold", "Take away"} <= set(dialog.locator("h4").all_text_contents())
        for _ in range(3):
            page.keyboard.press("Tab")
            assert page.evaluate(
                "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
            )
        _has_no_violation(page)
        page.keyboard.press("Escape")
        dialog.wait_for(state="detached")
        page.wait_for_function("document.activeElement.classList.contains('sedlab-player')")
        _has_no_violation(page)
        if out := os.environ.get("SEDLAB_SCREENSHOTS"):
            player.screenshot(path=str(Path(out) / "threshold.png"))


def _dragged_while_python_is_busy(page, player, slider, cells, awake: Path) -> None:
    """Drag the slider while the kernel sleeps, until the file ``awake`` is there.

    Events, verdicts and counts follow; a step stays below a frame.
    """
    page.evaluate(SLEEP)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    before, picture = cells(0), player.locator("canvas.rows").evaluate("node => node.toDataURL()")
    page.mouse.move(box["x"] + 8 + 0.5 * (box["width"] - 16), box["y"] + box["height"] / 2)
    page.mouse.down()
    counts = [before]
    for step in range(20):
        at = 0.5 + 0.015 * step
        page.mouse.move(box["x"] + 8 + at * (box["width"] - 16), box["y"] + box["height"] / 2)
        wait_for_frames(page)
        counts.append(cells(0))
    page.mouse.up()
    assert page.evaluate("window.awake") is None
    awake.touch()
    assert player.locator("canvas.rows").evaluate("node => node.toDataURL()") != picture
    # In the clip and on the subset there are fewer hits and more misses, at every step something.
    assert len({tuple(row) for row in counts}) > 8
    assert int(counts[-1][3]) < int(before[3]) and int(counts[-1][5]) > int(before[5])
    assert int(counts[-1][3]) + int(counts[-1][5]) == 24
    milliseconds = page.evaluate("window.steps")
    assert len(milliseconds) > 10 and np.median(milliseconds) < 16
    page.wait_for_function("() => window.awake")
    value = float(player.get_by_label("Threshold as a number").input_value())
    assert value > 0.7
    wait_for_python(page, "print(player.threshold)", lambda said: said == str(value))


def _detect_with(folder: Path) -> None:
    """Run `sedlab detect` with the saved file on a second of noise."""
    import sedlab
    from sedlab.checkpoints.own import save_networks
    from sedlab.cli import app
    from sedlab.models.detector import Detector

    save_networks(folder / "small.pt", {"student": Detector(sedlab.load_experiment("nano").models["atst"])})
    soundfile.write(folder / "noise.wav", 0.1 * np.random.default_rng(0).standard_normal(16_000), 16_000)
    options = ("--checkpoint", "small.pt", "--thresholds", "thresholds.json", "--out", "found", "--format", "json")
    paths = [str(folder / one) if "." in one or one == "found" else one for one in options]
    done = CliRunner().invoke(app, ["detect", str(folder / "noise.wav"), *paths])
    assert done.exit_code == 0, done.output
    document = json.loads((folder / "found" / "detections.json").read_text())
    saved = json.loads((folder / "thresholds.json").read_text())
    assert document["thresholds"]["Dog"] == saved["thresholds"]["Dog"] and document["postprocess"] == "none"
    assert document["thresholds"]["Speech"] == saved["threshold"]


def _exported(page, player, folder: Path, *, number_of_events: int) -> None:
    """Export each format by mouse or key, and read the file."""
    player.focus()
    page.keyboard.press("x")
    panel = player.get_by_role("group", name="Export")
    files = {}
    for name in ("PNG", "SVG", "TSV", "Audacity", "JSON"):
        with page.expect_download() as waiting:
            panel.get_by_role("button", name=name).press("Enter")
        waiting.value.save_as(folder / waiting.value.suggested_filename)
        files[name] = folder / waiting.value.suggested_filename
    assert Image.open(BytesIO(files["PNG"].read_bytes())).width > 1000
    assert ElementTree.parse(files["SVG"]).getroot().tag.endswith("svg")
    document = json.loads(files["JSON"].read_text())
    assert sum(len(system["events"]) for system in document["systems"]) == number_of_events
    first = document["systems"][0]["events"]
    table = files["TSV"].read_text().splitlines()
    assert table[0].split("\t") == ["filename", "onset", "offset", "event_label"] and len(table) == len(first) + 1
    assert [line.split("\t")[2] for line in files["Audacity"].read_text().splitlines()] == [
        one["label"] for one in first
    ]
    python = run_code(page, "print(player.export('python.tsv').read_text() == open('clip00.tsv').read())")
    assert python == "True"


def _has_no_violation(page) -> None:
    found = Axe().run(page, context=".sedlab-player").response["violations"]
    assert found == [], [(one["id"], one["nodes"][0]["html"]) for one in found]
