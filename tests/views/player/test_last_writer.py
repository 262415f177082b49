"""Messages between a player's browser and Python in the worst order: who wrote last wins, in both, for every trait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from player_page import player_page

from sedlab.views import ClipPlayer
from sedlab.views.player.last_writer import SHARED

#: What a person sets first, what they set next, what Python sets, what the person sets at last.
VALUES: dict[str, tuple[Any, Any, Any, Any]] = {
    "queue": (["a", "b"], ["b", "a"], ["c", "a"], ["a"]),
    "key": ("a", "b", "c", "d"),
    "playhead": (1.0, 2.0, 3.0, 4.0),
    "selection": ([1.0, 2.0], [1.0, 3.0], [4.0, 5.0], []),
    "span": ([1.0, 2.0], [1.0, 3.0], [4.0, 5.0], []),
    "focus": ({"onset": 1.0}, {"onset": 2.0}, {"onset": 3.0}, {}),
    "label": ("Cat", "Dog", "Speech", ""),
    "threshold": (0.1, 0.2, 0.3, 0.4),
    "thresholds": ({"Cat": 0.1}, {"Cat": 0.2}, {"Cat": 0.3, "Dog": 0.3}, {}),
    "postprocess": ("boxes", "median", "none", "median"),
    "shown": (["A"], ["B"], ["A", "B"], None),
    "waveform": (True, True, False, True),
    "curves": (True, True, False, True),
    "band": ([0.0, 2000.0], [0.0, 1000.0], [500.0, 900.0], []),
    "speed": (0.5, 0.75, 1.5, 1.0),
    "volume": (0.5, 0.25, 0.0, 1.0),
    "review": ({"note": "1"}, {"note": "2"}, {"note": "3"}, {}),
}

# As the model of ipywidgets 8 does it: while a message is not done, what is set is kept and sent after it; only the
# answer to the last message is believed.
_WIRE = """(state) => {
  const listeners = {}, expected = {}, sent = [];
  let [diff, kept, pending, id] = [{}, null, 0, 0];
  const put = (changes) => {
    const isOther = (name) => JSON.stringify(state[name]) !== JSON.stringify(changes[name]);
    const changed = Object.keys(changes).filter(isOther);
    Object.assign(state, changes);
    for (const name of changed) (listeners[`change:${name}`] ?? []).forEach((one) => one());
    return changed;
  };
  const ship = (changes) => {
    for (const name of Object.keys(changes)) expected[name] = id;
    sent.push([id++, structuredClone(changes)]);
    pending += 1;
  };
  const model = {
    get: (name) => state[name],
    set(name, value) { for (const one of put({ [name]: value })) diff[one] = value; },
    on(name, one) { (listeners[name] ??= []).push(one); }, off() {},
    save_changes() {
      if (Object.keys(diff).length) { if (pending) kept = { ...kept, ...diff }; else ship(diff); }
      diff = {};
    },
    receive([method, changes, parent]) {
      if (method === "idle") { pending -= 1; if (kept) ship(kept); kept = null; return; }
      for (const name of method === "echo_update" ? Object.keys(changes) : []) {
        if (!(name in expected)) continue;
        if (expected[name] !== parent) delete changes[name];
        else { delete expected[name]; if (kept && name in kept) delete changes[name]; }
      }
      put(changes);
    },
  };
  window.wire = { model, sent };
  return part("store.js").then(({ makeStore }) => { wire.store = makeStore(model); });
}"""


@pytest.fixture(scope="module")
def page() -> Iterator:
    with player_page(lambda key: None, []) as opened:
        yield opened


class Talk:
    """A player of Python and the store of a page, and what they say to each other, delivered when told to."""

    def __init__(self, page: Any) -> None:
        self.page, self.player, self.said, self._parent = page, ClipPlayer(), [], None
        self.player._send = self._note
        page.evaluate(
            _WIRE, {name: getattr(self.player, name) for name in (*SHARED, "said", "heard", "written", "goes")}
        )

    def _note(self, message: dict, buffers: object = None) -> None:
        self.said.append([message["method"], message["state"], self._parent])

    def person(self, name: str, value: Any) -> None:
        self.page.evaluate("(changes) => wire.store.set(changes)", {name: value})

    def browser_tells(self, name: str = "") -> None:
        """Let the browser's timers run: those that are due before one that begins now."""
        milliseconds = 255 if name == "playhead" else 45
        self.page.evaluate("(ms) => new Promise((done) => setTimeout(done, ms))", milliseconds)

    def python_hears(self) -> None:
        for parent, state in self.page.evaluate("wire.sent.splice(0)"):
            self._parent = parent
            self.player.set_state(state)
            self.said.append(["idle", {}, self._parent])
        self._parent = None

    def browser_hears(self) -> None:
        self.page.evaluate("(all) => all.forEach(wire.model.receive)", self.said)
        self.said = []

    def settle(self, name: str = "") -> None:
        for _ in range(2):
            self.browser_hears()
            self.browser_tells(name)
            self.python_hears()
        self.browser_hears()

    def ends(self, name: str) -> list[Any]:
        return [getattr(self.player, name), *self.page.evaluate("(n) => [wire.store.get(n), wire.model.get(n)]", name)]


def test_every_trait_that_both_set_is_tried() -> None:
    assert set(VALUES) == SHARED


@pytest.mark.parametrize("name", VALUES)
def test_what_was_set_before_python_did_does_not_come_back(page, name: str) -> None:
    first, second, python, last = VALUES[name]
    talk = Talk(page)
    talk.person(name, first)
    talk.browser_tells(name)
    talk.person(name, second)  # kept: Python is busy with the first
    talk.browser_tells(name)
    talk.python_hears()
    python_said, talk.said = talk.said, []
    setattr(talk.player, name, python)  # as a press on a curve does, before the second came
    late, talk.said = talk.said, python_said
    talk.browser_hears()  # the first is dealt with: the second is told
    talk.browser_tells(name)
    talk.python_hears()
    talk.said = [*late, *talk.said]
    talk.settle(name)
    assert talk.ends(name) == [python] * 3

    talk.person(name, last)
    talk.settle(name)
    assert talk.ends(name) == [last] * 3


# Of two values Python cannot set a third.
@pytest.mark.parametrize("name", [name for name in VALUES if not isinstance(VALUES[name][0], bool)])
def test_what_was_not_told_yet_gives_way_to_python(page, name: str) -> None:
    _, second, python, _ = VALUES[name]
    talk = Talk(page)
    talk.person(name, second)
    setattr(talk.player, name, python)
    talk.settle(name)
    assert talk.ends(name) == [python] * 3


def test_what_was_set_together_is_told_together(page) -> None:
    talk = Talk(page)
    for name in VALUES:
        talk.person(name, VALUES[name][0])
    talk.settle()
    assert {name: talk.ends(name) for name in VALUES} == {name: [one[0]] * 3 for name, one in VALUES.items()}


def test_an_answer_to_what_was_told_does_not_undo_what_came_after(page) -> None:
    talk = Talk(page)
    for value in ({"Cat": 0.1}, {"Cat": 0.2}, {"Cat": 0.3}):
        talk.person("thresholds", value)
        talk.browser_tells()
        talk.python_hears()
        talk.person("thresholds", {"Cat": value["Cat"] + 0.05})
        talk.browser_hears()
        assert page.evaluate("wire.store.get('thresholds')") == {"Cat": value["Cat"] + 0.05}
    talk.settle()
    assert talk.ends("thresholds") == [{"Cat": 0.35}] * 3


def test_a_clip_that_python_goes_to_is_shown_whole_whatever_was_zoomed_meanwhile(page) -> None:
    talk = Talk(page)
    talk.person("span", [1.0, 2.0])
    talk.player.label = "Blender"
    focus = {"onset": 3.0, "label": "Dog"}
    talk.player.go("a", focus)
    talk.settle()
    assert [talk.ends(name) for name in ("key", "span", "focus")] == [["a"] * 3, [[]] * 3, [focus] * 3]
    assert talk.ends("label") == ["Dog"] * 3  # the slider is for the class of the case


def test_what_python_says_together_is_taken_over_before_anybody_hears_of_a_part(page) -> None:
    talk = Talk(page)
    page.evaluate("() => { window.seen = []; wire.store.on('key', () => seen.push(wire.store.get('focus'))); }")
    talk.player.go("b", {"onset": 2.0})
    talk.browser_hears()
    assert page.evaluate("seen") == [{"onset": 2.0}]
