"""Decisions in the browser: what is chosen, moved and told to Python, with the modules as they are."""

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from jupyter_lab import need_chromium
from player_page import player_page

from sedlab.views import Scene, System

EVENTS = pd.DataFrame({"onset": [1.0, 4.0], "offset": [2.0, 5.0], "label": ["Dog", "Speech"]})
DECIDED = {
    "what": "missed", "system": "", "label": "Cat", "onset": 6.0, "offset": 7.0,
    "decision": "moved", "newOnset": 6.5, "newOffset": 7.5, "note": "far away",
}  # fmt: skip
SUSPECT = {"label": "Speech", "onset": 4.0, "offset": 5.0}


def scene(key):
    classes = ("Dog", "Speech", "Cat", "car")
    scores = np.zeros((100, 4))
    scores[20:50, 0] = 0.9
    system = System("one", scores, np.arange(101) * 0.1)
    sound = np.random.default_rng(0).normal(0, 0.1, 160_000).astype(np.float32)
    return Scene(key, sound, classes=classes, systems=(system,), events=EVENTS, masked=frozenset(["car"]))


def reviewing(player):
    player.postprocess = "none"
    player.review = {
        "key": "s/a", "reviewer": "ann", "progress": "1 of 3 decided", "classes": None,
        "decisions": [DECIDED], "suspects": [SUSPECT],
    }  # fmt: skip


@pytest.fixture(scope="module")
def page():
    need_chromium()
    with player_page(scene, ["s/a", "s/b"], dark=True, prepare=reviewing, width=400, height=1100) as page:
        page.evaluate(
            """() => {
              window.sent = [];
              const before = window.model.send;
              window.model.send = (message, ...rest) => {
                if (message.type === "review") window.sent.push(message);
                else before(message, ...rest);
              };
            }"""
        )
        # As JupyterLab's dark theme has it.
        page.add_style_tag(
            content="body { background: #111; color: #e0e0e0; --jp-ui-font-color1: #e0e0e0;"
            " --jp-ui-font-color2: #bdbdbd; --jp-layout-color1: #111; --jp-layout-color0: #111; }"
        )
        page.locator(".reviewing").wait_for()
        page.wait_for_function("() => document.querySelector('.sedlab-player .title').textContent === 's/a'")
        yield page


def last(page):
    return page.evaluate("window.sent.at(-1) ?? null")


def press(page, *keys):
    page.locator(".sedlab-player").focus()
    for key in keys:
        page.keyboard.press(key)


def chosen(page):
    return page.locator(".reviewing .chosen").text_content()


def test_items_are_those_of_people_systems_queue_and_earlier_decisions(page):
    call = """async (given) => {
      const { itemsOf, nextItem, itemInFocus, withEdge } = await part("reviewitems.js");
      const items = itemsOf(given);
      return [
        items.map(({ what, label, onset }) => `${what} ${label} ${onset}`),
        nextItem(items, null, 1).what, nextItem(items, null, -1).what, nextItem(items, items[1], 1)?.onset,
        itemInFocus(items, { label: "Dog", onset: 1.4, offset: 3 }).what,
        itemInFocus(items, { label: "Speech", onset: 4, offset: 5 }).what,
        itemInFocus(items, { label: "Cat", onset: 1, offset: 2 }),
        withEdge([1, 2], 0, 5, 10), withEdge([1, 2], 0, -1, 10),
        withEdge([1, 2], 1, 0.5, 10), withEdge([1, 2], 1, 99, 10),
      ];
    }"""
    given = {
        "reference": EVENTS.to_dict("records"),
        "detections": [{"label": "Dog", "onset": 2.0, "offset": 5.0, "system": "one"}],
        "suspects": [SUSPECT],
        "decisions": [DECIDED],
    }
    items, first, end, follows, near, exact, none, *edges = page.evaluate(call, given)
    assert items == ["reference Dog 1", "detection Dog 2", "suspect Speech 4", "reference Speech 4", "missed Cat 6"]
    assert (first, end, near, exact, none) == ("reference", "clip", "detection", "suspect", None)
    assert follows is None  # the only detection of its system: the clip comes next
    assert edges == [[1.99, 2], [0, 2], [1, 1.01], [1, 10]]


def test_keys_choose_and_decide(page):
    press(page, "j", "2")
    told = last(page)
    assert chosen(page).startswith("Dog, 1.00–2.00 s, reference")
    assert (told["action"], told["key"], told["decision"]) == ("decide", "s/a", "wrong")
    assert told["item"] == {"what": "reference", "system": "", "label": "Dog", "onset": 1, "offset": 2}
    press(page, "j")
    assert chosen(page) == "Speech, 4.00–5.00 s, suspect: not decided"
    press(page, "[", "[", "1")  # right where it is now: moved
    told = last(page)
    assert (told["decision"], told["newOnset"], told["newOffset"]) == ("moved", pytest.approx(3.98), 5)
    press(page, "j", "j")
    assert chosen(page) == "Cat, 6.50–7.50 s, missed by all: moved"
    assert page.get_by_label("Note on the decision (i)").input_value() == "far away"
    press(page, "u")
    assert last(page)["action"] == "undo"


def test_a_bar_is_chosen_by_pressing_it_and_its_edge_dragged(page):
    x, y, width = (page.locator("canvas.over").bounding_box()[name] for name in ("x", "y", "width"))
    axis = lambda seconds: x + 40 + seconds / 10 * (width - 46)  # noqa: E731
    # Down the rows until a detection of "one" is under the pointer.
    for down in range(150, 260, 4):
        page.mouse.click(axis(4.7), y + down)
        if "one" in chosen(page):
            break
    assert chosen(page) == "Dog, 2.00–5.00 s, one: not decided"
    page.mouse.move(axis(5.0), y + 60)
    page.mouse.down()
    page.mouse.move(axis(5.0) + 20, y + 60, steps=4)
    page.mouse.up()
    told = last(page)
    assert told["decision"] == "moved" and told["item"]["system"] == "one"
    assert told["newOffset"] == pytest.approx(5 + 20 / (width - 46) * 10, abs=0.06) and told["newOnset"] == 2


def test_a_move_that_waits_to_be_kept_is_of_the_clip_it_was_made_in(page):
    press(page, "j")
    while "reference" not in chosen(page):
        press(page, "j")
    press(page, "]", "n")
    page.wait_for_function("() => document.querySelector('.sedlab-player .title').textContent === 's/b'")
    told = last(page)
    assert (told["key"], told["decision"], told["newOnset"]) == ("s/a", "moved", pytest.approx(1.01))
    assert chosen(page).startswith("Choose an event")
    press(page, "p")
    page.wait_for_function("() => document.querySelector('.sedlab-player .title').textContent === 's/a'")


def test_a_missed_event_needs_a_selection(page):
    page.evaluate("model.set('selection', [])")
    before = page.evaluate("window.sent.length")
    press(page, "a")
    assert "Drag over the event" in chosen(page) and page.evaluate("window.sent.length") == before
    page.evaluate("model.set('selection', [8, 9])")
    page.get_by_label("Class of a missed event").select_option("Cat")
    press(page, "a")
    assert last(page)["item"] == {"what": "missed", "system": "", "label": "Cat", "onset": 8, "offset": 9}


def test_everybody_can_use_it_and_nobody_need(page):
    assert Axe().run(page, context=".reviewing").response["violations"] == []
    assert page.evaluate("document.querySelector('.reviewing').scrollWidth") <= 400
    page.evaluate("model.set('review', {})")
    assert page.locator(".reviewing").is_hidden()
    before = page.evaluate("window.sent.length")
    press(page, "j", "1", "u", "a", "[")
    assert page.evaluate("window.sent.length") == before
