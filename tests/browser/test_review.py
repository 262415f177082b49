"""A person who listens and decides, in a real JupyterLab: what is decided by keys and by mouse is in the file."""

from __future__ import annotations

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

from sedlab.data.review.decisions import read_decisions
from sedlab.data.tsv import read_tsv
from sedlab.runs.run import Run, create_run

__all__ = ["nano_run"]

NOTEBOOK = """
import ipywidgets as widgets
import pandas as pd
from sedlab import runs
from sedlab.runs.explore.reviewing import review_panel
from sedlab.runs.explore.scenes import key_of, scene_of_clip
from sedlab.views import ClipPlayer

run = runs.open_run("RUN")
events = run.corpus().subset("strong_train").events
keys = [key_of("strong_train", clip_id) for clip_id in dict.fromkeys(events["clip_id"])]
player = ClipPlayer(lambda key: scene_of_clip(run, key, []), queue=keys)
doubted = events[events["clip_id"] == events["clip_id"].iloc[0]].head(1)
suspects = doubted.assign(key=keys[0], what="suspect")
panel = review_panel(run, player, queues={"suspects": lambda: suspects}, reviewer="ann")
widgets.VBox([player, panel])
---
print("ALL", "DONE")
"""

#: Keys that follow each other faster than anybody can tell, however busy the machine.
PRESS = (
    "(node, keys) => keys.forEach((key) => node.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })))"
)


@pytest.fixture(scope="module")
def run(nano_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of its own on the shared corpus."""
    data = nano_run.experiment.data.model_copy(update={"root": nano_run.data_root})
    experiment = nano_run.experiment.model_copy(update={"data": data})
    return create_run(experiment, tmp_path_factory.mktemp("reviewed") / "runs/reviewed")


@pytest.fixture(scope="module")
def lab(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need_chromium()
    folder = tmp_path_factory.mktemp("lab")
    write_cells(folder / "review.ipynb", NOTEBOOK.replace("RUN", str(run.path)).split("---\n"))
    with jupyter_lab(folder) as address:
        yield address.format("review.ipynb")


@pytest.mark.slow
def test_what_is_decided_by_keys_and_mouse_is_kept(lab: str, run: Run, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    file = run.review
    events = run.corpus().subset("strong_train").events
    first = events.iloc[0]

    def decisions():
        return read_decisions(file) if file.is_file() else events.iloc[:0]

    def wait_for(number: int):
        end = time.monotonic() + TIMEOUT_MS / 1000
        while time.monotonic() < end:
            if len(decisions()) == number:
                return decisions().iloc[-1] if number else None
            page.wait_for_timeout(50)
        raise AssertionError(f"{len(decisions())} decisions instead of {number}")

    with looked_at(1300, 1500) as page:

        def open_notebook() -> None:
            page.goto(lab)
            run_all_cells(page)
            wait_until_all_ran(page)
            expect(page.locator(".sedlab-player .title")).to_contain_text(first["clip_id"])

        open_notebook()
        player = page.locator(".sedlab-player")
        said, note = player.locator(".reviewing .chosen"), player.get_by_label("Note on the decision (i)")
        expect(said).to_have_text("Choose an event: press its bar, or j.")

        # The first event is chosen by a key and marked by another, with a note.
        player.focus()
        page.keyboard.press("j")
        expect(said).to_contain_text(f"{first['onset']:.2f}–{first['offset']:.2f} s, reference: not decided")
        page.keyboard.press("i")
        page.keyboard.type("two knocks")
        page.keyboard.press("Enter")
        page.keyboard.press("2")
        row = wait_for(1)
        assert (row["what"], row["decision"], row["note"], row["reviewer"]) == (
            "reference",
            "wrong",
            "two knocks",
            "ann",
        )
        assert (row["onset"], row["label"]) == (pytest.approx(first["onset"]), first["label"])
        expect(said).to_contain_text("reference: wrong")
        expect(player.get_by_role("button", name="Wrong (2)")).to_have_attribute("aria-pressed", "true")

        # Its edges: the offset by keys, kept once no other key follows; the onset by dragging the line in the sound.
        # At once: a rest between two of them would be kept, too.
        player.evaluate(PRESS, ["}", "}", "{", "}"])
        row = wait_for(2)
        assert row["decision"] == "moved" and row["new_offset"] == pytest.approx(first["offset"] + 0.02, abs=0.002)
        expect(said).to_contain_text("reference: moved")
        box = page.locator(".sedlab-player canvas.over").bounding_box()
        left, width, seconds = box["x"] + 150, box["width"] - 156, 10.0
        x = left + first["onset"] / seconds * width
        page.mouse.move(x, box["y"] + 80)
        page.mouse.down()
        page.mouse.move(x + 25, box["y"] + 80, steps=5)
        page.mouse.up()
        row = wait_for(3)
        assert row["new_onset"] == pytest.approx(first["onset"] + 25 / width * seconds, abs=0.03)
        assert row["new_offset"] == pytest.approx(first["offset"] + 0.02, abs=0.002)
        page.keyboard.press("u")
        assert wait_for(2)["new_onset"] == pytest.approx(first["onset"])

        # A missed event from what is selected, its class chosen.
        page.mouse.move(left + 0.80 * width, box["y"] + 80)
        page.mouse.down()
        page.mouse.move(left + 0.95 * width, box["y"] + 80, steps=5)
        page.mouse.up()
        player.get_by_label("Class of a missed event").select_option("Cat")
        player.focus()
        page.keyboard.press("a")
        row = wait_for(3)
        assert (row["what"], row["label"], row["decision"]) == ("missed", "Cat", "right")
        assert row["onset"] == pytest.approx(8.0, abs=0.05)

        # A queue: the case is framed and chosen, and progress is told.
        page.get_by_label("Queue").select_option("suspects")
        page.get_by_role("button", name="Go through").click()
        expect(player.locator(".reviewing .howfar")).to_have_text("1 of 1 decided")

        # Decisions are there again when the notebook is opened anew.
        open_notebook()
        player.focus()
        page.keyboard.press("j")
        expect(said).to_contain_text("reference: moved")
        expect(note).to_have_value("two knocks")
        page.get_by_role("button", name="Write corrected labels").click()
        expect(page.locator(".jp-OutputArea-output").filter(has_text="written:")).to_be_visible()
        page.screenshot(path=tmp_path / "review.png")

        found = Axe().run(page, context=".widget-vbox").response["violations"]
        assert found == [], [violation["help"] for violation in found]

    table = read_tsv(
        run.path / "review/strong_train.tsv",
        ("filename", "onset", "offset", "event_label"),
        numbers=("onset", "offset"),
    )
    own = table[table["filename"] == f"{first['clip_id']}.wav"]
    assert "Cat" in set(own["event_label"])
    moved = own[(own["event_label"] == first["label"]) & np.isclose(own["onset"], first["onset"], atol=1e-3)]
    assert moved["offset"].iloc[0] == pytest.approx(first["offset"] + 0.02, abs=0.002)
