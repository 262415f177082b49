"""Every key that works is in the help, and every key in the help works."""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from player_page import player_page

from sedlab import views
from sedlab.views import ClipPlayer, Scene, System
from sedlab.views.modules import joined

SPELLED = {"space": " ", "←": "ArrowLeft", "→": "ArrowRight", "↑": "ArrowUp", "↓": "ArrowDown", "Esc": "Escape"}
NAMED = [*SPELLED.values(), "Home", "End", "PageUp", "PageDown", "Insert", "Delete", "Backspace", "F2", "F8"]
#: Keys with which a browser moves the focus and presses what has it.
LEFT_ALONE = {"Tab", "Enter"}
# Whether somebody takes a key that is pressed in the player.
TAKEN = """(key) => {
  document.querySelector("dialog")?.close();
  const root = document.querySelector(".sedlab-player");
  wire({ selection: [1, 2], span: [0, 3] });
  root.focus();
  return !root.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
}"""


def load(key: str) -> Scene:
    scores = np.random.default_rng(1).random((100, 2))
    events = pd.DataFrame({"onset": [1.0], "offset": [2.5], "label": ["Dog"]})
    system = System("A", scores, np.arange(101) * 0.064, median=scores)
    return Scene(key, np.zeros(96_000, dtype=np.float32), classes=("Cat", "Dog"), systems=(system,), events=events)


def reviewed(player: ClipPlayer) -> None:
    player.go("b")
    player.review = {"reviewer": "ann", "key": "b", "decisions": []}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    # The key s saves where Python works.
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("saved"))
        with player_page(load, ["a", "b", "c"], prepare=reviewed) as opened:
            opened.wait_for_function("() => document.querySelector('.tally tbody tr')")
            opened.evaluate("() => { window.wire = (all) => Object.entries(all).forEach((one) => model.set(...one)); }")
            opened.locator(".sedlab-player").focus()
            opened.keyboard.press("j")  # an event is chosen
            yield opened


def listed(page) -> set[str]:
    page.evaluate("() => document.querySelector('button[aria-label=\"Keys (?)\"]').click()")
    keys = [term.split() for term in page.locator("dialog section:not(:last-child) dt").all_inner_texts()]
    page.keyboard.press("Escape")
    return {SPELLED.get(key, key) for group in keys for key in group}


def test_keys_that_work_are_those_in_the_help(page) -> None:
    in_help = listed(page)
    tried = {*string.ascii_letters, *string.digits, *string.punctuation, *NAMED} - LEFT_ALONE
    # Those that go to another clip or event come last: the others need what is chosen.
    taken = {key for key in sorted(tried, key=lambda key: (key in "npjkN123", key)) if page.evaluate(TAKEN, key)}
    assert taken - in_help == set()
    assert in_help - taken == set()
    assert {"n", "?", "T", " ", "1"} <= taken


def test_keys_of_the_list_around_are_in_the_help_and_work(page) -> None:
    source = joined(Path(views.__file__).parent / "explorers", "clip_keys.js")
    page.evaluate(
        """async (source) => {
          const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
          const { addListKeys, LIST_KEYS } = await import(url);
          const [place, gone] = [document.getElementById("place"), window.gone = []];
          const table = '<div class="sedlab-clip-table"><div class="dt-layout-table" tabindex="0">';
          place.insertAdjacentHTML("beforeend", table);
          const list = { order: () => [7, 8, 9], place: () => 1, other: () => 9, go: (row) => gone.push(row) };
          window.endList = addListKeys(place, document.createElement("div"), list);
          window.listKeys = LIST_KEYS.flatMap(({ keys }) => keys);
        }""",
        source + "\nexport { addListKeys, LIST_KEYS };",
    )
    assert {"r", "PageDown"} <= listed(page)
    page.locator(".sedlab-player").focus()
    page.keyboard.press("r")
    page.locator(".dt-layout-table").focus()
    for key in page.evaluate("listKeys"):
        page.keyboard.press(key)
    assert page.evaluate("gone") == [9, 9, 9, 7, 9, 7, 9, 7, 7, 9]
    page.evaluate("endList()")
    assert "r" not in listed(page)
