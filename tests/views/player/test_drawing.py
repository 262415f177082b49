"""The player's modules in a browser: what they compute, what they draw, what they ask for."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from player_page import player_page

from sedlab.labels import CLASSES
from sedlab.views import ClipView, Scene, System
from sedlab.views.figures.clips.clip import shown_classes
from sedlab.views.player.scene import scene_of

RATE = 16000
TIMES = np.arange(157) * 0.064
SPEECH, DOG = CLASSES.index("Speech"), CLASSES.index("Dog")


def _scores(level: float, seed: int = 0) -> np.ndarray:
    """Noise, and speech of ``level`` from frame 31 to 78."""
    scores = np.random.default_rng(seed).random((156, len(CLASSES))) * 0.1
    scores[31:78, SPEECH] = level
    return scores


def _scene(key: str) -> Scene:
    if key == "d/broken":
        raise OSError("broken.wav is not a sound file")
    number = int(key.removeprefix("d/clip"))
    time = np.arange(10 * RATE) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 1000 * time) * ((time > 2) & (time < 5))
    before, after = _scores(0.9), _scores(0.3)
    after[100:110, DOG] = 0.8
    systems = (
        System("A", _scores(0.6 + number / 100, number), TIMES, median=_scores(0.62)),
        System("before", before, TIMES, role="pseudo"),
        System("after", after, TIMES, role="pseudo"),
    )
    events = pd.DataFrame({"onset": [2.0, np.nan], "offset": [5.0, np.nan], "label": ["Speech", "Cat"]})
    return Scene(key, tone + 1e-4, systems=systems, events=events, masked=frozenset(["footsteps"]), title=key)


#: Whether Python was told this value, numbers to the microsecond.
TOLD = """([name, value]) => JSON.stringify([value]) === JSON.stringify([model.get(name)],
  (_, one) => (typeof one === "number" ? Math.round(one * 1e6) / 1e6 : one))"""
QUEUE = [*(f"d/clip{k}" for k in range(30)), "d/broken"]


@pytest.fixture(scope="module")
def page() -> Iterator:
    with player_page(_scene, QUEUE) as opened:
        problems: list[str] = []
        opened.on("pageerror", lambda error: problems.append(str(error)))
        opened.evaluate(
            """() => {
              window.drawn = () => new Promise((resolve) => document.querySelector(".tracks")
                .addEventListener("sedlab-drawn", (event) => resolve(event.detail.parts.sort()), { once: true }));
              window.settled = async (key) => { for (let k = 0; k < 6000; k += 1) {
                if (document.querySelector(".title").textContent === key && !document.querySelector(".waiting")) return;
                await new Promise((resolve) => setTimeout(resolve, 10)); } throw Error(`${key} never came`); };
            }"""
        )
        opened.evaluate("settled('d/clip0')")
        yield opened
        assert problems == []


def test_zooming_leaves_the_second_under_the_pointer_where_it_is(page) -> None:
    worst = page.evaluate(
        """async () => {
          const { makeAxis, panned, zoomed } = await part("axis.js");
          let worst = 0;
          for (let k = 0; k < 500; k += 1) {
            const duration = 1 + 20 * Math.random();
            let span = [0, duration];
            for (let turn = 0; turn < 8; turn += 1) {
              const before = makeAxis(span, 100, 900);
              const x = 100 + 800 * Math.random();
              span = zoomed(span, 0.4 + Math.random(), before.seconds(x), duration);
              if (span[0] < 0 || span[1] > duration + 1e-9 || span[1] <= span[0]) return "outside";
              const after = makeAxis(span, 100, 900);
              const isFree = span[0] > 1e-9 && span[1] < duration - 1e-9 && span[1] - span[0] > 0.0501;
              if (isFree) worst = Math.max(worst, Math.abs(after.seconds(x) - before.seconds(x)));
              if (Math.abs(after.seconds(after.x(1)) - 1) > 1e-9) return "no round trip";
              span = panned(span, Math.random() - 0.5, duration);
            }
          }
          return worst;
        }"""
    )
    assert worst < 1e-9


@pytest.mark.parametrize(
    ("event", "place", "whole", "meaning"),
    [
        ({"deltaY": 100}, "", True, None),
        ({"deltaY": 100, "ctrlKey": True}, "", True, "zoom"),
        ({"deltaY": -100}, "ruler", True, "zoom"),
        ({"deltaY": 100}, "hertz", True, "band"),
        ({"deltaY": 100, "ctrlKey": True, "shiftKey": True}, "", False, "band"),
        ({"deltaX": 30, "deltaY": 2}, "", True, None),
        ({"deltaX": 30, "deltaY": 2}, "", False, "pan"),
        ({"deltaY": 100, "shiftKey": True}, "", False, "pan"),
    ],
)
def test_the_wheel_is_left_to_the_page_unless_a_person_means_the_player(page, event, place, whole, meaning) -> None:
    event = {"deltaX": 0, "deltaY": 0, "deltaMode": 0, **event}
    call = "async (given) => (await part('pointing.js')).wheelMeaning(...given)"
    found = page.evaluate(call, [event, place, whole])
    assert (found and next(iter(found))) == meaning


def test_rows_are_those_of_the_figure_and_lie_below_each_other(page) -> None:
    call = """async (scenes) => {
      const { unpack } = await part("scene.js");
      const { layoutRows, shownClasses } = await part("tracks/rows.js");
      return scenes.map(([content, buffers]) => {
        const bytes = buffers.map((text) => new DataView(
          Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer));
        const scene = unpack(content, bytes);
        const classes = shownClasses(scene, scene.systems, () => 0.5);
        const { rows, height } = layoutRows(scene, { systems: scene.systems, classes, label: "" });
        const apart = rows.slice(1).every((row, at) => row.top >= rows[at].top + rows[at].height);
        return [classes.map(({ label }) => label), rows.map(({ kind }) => kind), apart && rows.at(-1).top < height];
      });
    }"""
    rng, views = np.random.default_rng(3), []
    for level in (0.0, 0.01, 0.05, 0.1, 0.3):
        scores = np.where(rng.random((40, len(CLASSES))) < level / 10, rng.random((40, len(CLASSES))), 0.0)
        events = pd.DataFrame({"onset": [0.1], "offset": [0.2], "label": [rng.choice(CLASSES)]}) if level else None
        views.append(ClipView(np.zeros(160), scores=scores, pseudo=np.sqrt(scores), events=events))
    packed = [scene_of(view).pack() for view in views]
    found = page.evaluate(
        call, [[content, [b64encode(one).decode() for one in buffers]] for content, buffers in packed]
    )

    for view, (labels, kinds, is_apart) in zip(views, found, strict=True):
        assert set(labels) == set(shown_classes(view))
        assert labels[: view.events is not None] == ([] if view.events is None else list(view.events["label"]))
        own = ["heading", *["reference"] * (view.events is not None), "system", "system"]
        assert kinds[2:] == (own * len(labels) or ["empty"])
        assert is_apart


def test_difference_of_pseudo_labels_is_that_of_numpy_on_another_grid(page) -> None:
    call = """async ([before, after, times, laterTimes]) => {
      const { differenceOf, runsOf } = await part("tracks/difference.js");
      const system = (values, edges) => ({ frames: values.length, times: edges, ways: { none: values } });
      const { change, kinds } = differenceOf(system(before, times), system(after, laterTimes), 0, 1, 0.5);
      return [[...change], [...kinds], runsOf(kinds).map(({ kind, from, to }) => [kind, from, to])];
    }"""
    rng = np.random.default_rng(1)
    before, after = rng.random(10), rng.random(25)
    change, kinds, runs = page.evaluate(
        call, [before.tolist(), after.tolist(), (np.arange(11) * 0.5).tolist(), (np.arange(26) * 0.2).tolist()]
    )
    earlier = before[((np.arange(25) + 0.5) * 0.2 // 0.5).astype(int)]
    np.testing.assert_allclose(change, after - earlier, atol=1e-6)
    assert kinds == (2 * (after > 0.5) + (earlier > 0.5)).astype(int).tolist()
    assert sum(to - start for _, start, to in runs) == np.count_nonzero(kinds)


def test_the_envelope_holds_the_extremes_of_every_pixel(page) -> None:
    call = """async ([samples, span, width]) => {
      const { low, high } = (await part("tracks/waveform.js")).envelopeOf(Int16Array.from(samples), 100, span, width);
      return [[...low], [...high]];
    }"""
    samples = np.random.default_rng(2).integers(-32768, 32767, 1000)
    low, high = page.evaluate(call, [samples.tolist(), [1.0, 9.0], 80])
    pixels = samples[100:900].reshape(80, 10) / 32768
    np.testing.assert_allclose(low, pixels.min(axis=1), atol=1e-6)
    np.testing.assert_allclose(high, pixels.max(axis=1), atol=1e-6)


def test_who_presses_n_ten_times_waits_for_one_clip(page) -> None:
    call = """async (queue) => {
      const { nextWanted } = await part("cache.js");
      const known = new Set();
      const asked = new Set();
      const order = [];
      const next = (key) => {
        const one = nextWanted(key, queue, (name) => known.has(name), asked);
        if (one) { asked.add(one); order.push(one); }
      };
      for (const key of queue.slice(0, 10)) next(key);
      while (asked.size) { const one = asked.values().next().value; asked.delete(one); known.add(one); next(queue[9]); }
      return order;
    }"""
    order = page.evaluate(call, QUEUE)
    assert order[:3] == ["d/clip0", "d/clip1", "d/clip9"]
    assert set(order[3:]) == {f"d/clip{k}" for k in (7, 8, 10, 11, 12)}


@pytest.mark.parametrize(
    ("module", "function", "given", "expected"),
    [
        ("playing", "loopedTo", [4.9, [2, 5], True], 4.9),
        ("playing", "loopedTo", [5.01, [2, 5], True], 2),
        ("playing", "loopedTo", [5.01, [2, 5], False], 5.01),
        ("playing", "loopedTo", [5.01, [], True], 5.01),
        ("axis", "framed", [4.0, 4.2, 10], [2.6, 5.6]),
        ("axis", "framed", [0.1, 9.9, 10], [0, 10]),
        ("axis", "spanTrait", [[-1, 11], 10], []),
        ("axis", "spanTrait", [[2, 11], 10], [2, 10]),
        ("axis", "timeText", [65.0, 1, True], "1:05"),
        ("axis", "timeText", [2.5, 0.5], "2.5"),
        ("frequency", "zoomedBand", [[0, 8000], 2, 100, 8000], []),
        ("legend", "shownAfter", [None, ["a", "b"], "a", False], ["b"]),
        ("legend", "shownAfter", [["b"], ["a", "b"], "a", True], None),
        ("transport", "nextSpeed", [1, -1], 0.9),
        ("transport", "nextSpeed", [2, 1], 2),
    ],
)
def test_small_rules(page, module, function, given, expected) -> None:
    call = "async ([module, name, given]) => (await part(`${module}.js`))[name](...given)"
    found = page.evaluate(call, [module, function, given])
    assert found == (pytest.approx(expected) if isinstance(expected, list) and expected else expected)


def test_a_threshold_step_draws_the_rows_alone_and_moves_the_bars(page) -> None:
    # Opaque pixels of the first system's blue: its detections of speech, at 0.62 after the filter.
    inked = """async (threshold) => {
      const next = drawn();
      model.set("threshold", threshold);
      const parts = await next;
      const node = document.querySelector("canvas.rows");
      const { data } = node.getContext("2d").getImageData(0, 0, node.width, node.height);
      let ink = 0;
      for (let at = 0; at < data.length; at += 4) {
        if (data[at] === 0 && data[at + 1] === 114 && data[at + 2] === 178 && data[at + 3] === 255) ink += 1;
      }
      return [parts, ink];
    }"""
    parts, below = page.evaluate(inked, 0.61)
    assert parts == ["over", "rows"]
    _, above = page.evaluate(inked, 0.63)
    width = page.evaluate("document.querySelector('canvas.rows').clientWidth - 156")
    assert below - above == pytest.approx(7 * width * 47 * 0.064 / 10, rel=0.02)
    page.evaluate("model.set('threshold', 0.5)")


def test_the_tone_is_bright_at_its_time_and_frequency(page) -> None:
    brightness = """async ([seconds, hz]) => {
      const node = document.querySelector("canvas.sound");
      const { makeAxis } = await part("axis.js");
      const { makeBandAxis } = await part("frequency.js");
      const x = makeAxis([0, 10], 150, node.clientWidth - 6).x(seconds);
      const y = makeBandAxis([0, 8000], 20, 170).y(hz);
      const [red, green, blue] = node.getContext("2d").getImageData(Math.round(x), Math.round(y), 1, 1).data;
      return red + green + blue;
    }"""
    inside, later, higher = (page.evaluate(brightness, at) for at in ([3.5, 1000], [6.0, 1000], [3.5, 3000]))
    assert inside > 500 and later < 200 and higher < 300


def test_a_clip_that_fails_says_so_and_the_next_one_comes(page) -> None:
    page.evaluate("model.set('key', 'd/broken')")
    alert = page.get_by_role("alert")
    alert.filter(has_text="broken.wav is not a sound file").wait_for()
    page.evaluate("model.set('key', 'd/clip3')")
    page.evaluate("settled('d/clip3')")
    assert not alert.is_visible()
    assert "Speech" in page.locator("canvas.over").get_attribute("aria-label")


def test_every_key_and_button_does_what_it_says(page) -> None:
    page.evaluate("model.set('key', 'd/clip0')")
    page.evaluate("settled('d/clip0')")
    page.locator(".sedlab-player").focus()
    for key, name, expected in (
        ("ArrowRight", "playhead", 0.5),
        ("End", "playhead", 10.0),
        ("Home", "playhead", 0.0),
        ("+", "span", [0, 5]),
        ("Shift+ArrowRight", "span", [1.25, 6.25]),
        ("0", "span", []),
        ("n", "key", "d/clip1"),
        ("p", "key", "d/clip0"),
    ):
        page.keyboard.press(key)
        page.wait_for_function(TOLD, arg=[name, expected])
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys of the player")
    assert "next clip" in keys.inner_text()
    page.keyboard.press("Escape")
    assert keys.is_hidden()
    page.get_by_label("after", exact=False).last.uncheck()
    page.wait_for_function(TOLD, arg=["shown", ["A", "before"]])
    page.get_by_label("after", exact=False).last.check()
    page.wait_for_function(TOLD, arg=["shown", None])


def test_a_focus_is_framed_and_sought(page) -> None:
    page.evaluate("model.set('focus', { onset: 6.0, offset: 6.4, label: 'Dog' })")
    page.wait_for_function(TOLD, arg=["playhead", 5.5])
    page.wait_for_function(TOLD, arg=["span", [4.7, 7.7]])
    page.locator(".sedlab-player").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("0")
    page.wait_for_function(TOLD, arg=["focus", {}])
    page.wait_for_function(TOLD, arg=["span", []])


def test_what_a_person_does_is_saved_now_and_then(page) -> None:
    saved = page.evaluate(
        """async () => {
          const times = [];
          const save = model.save_changes;
          model.save_changes = () => { times.push(performance.now()); save(); };
          for (let at = 0; at < 12 || times.length < 2; at += 1) {
            const key = at % 2 ? "ArrowLeft" : "ArrowRight";
            document.querySelector(".sedlab-player").dispatchEvent(new KeyboardEvent("keydown", { key }));
            await new Promise(requestAnimationFrame);
          }
          model.save_changes = save;
          return times;
        }"""
    )
    assert saved[1] - saved[0] >= 245


def test_a_scene_that_comes_by_itself_is_asked_for_only_when_it_fails_to_come(page) -> None:
    asked = page.evaluate(
        """async () => {
          const { makeCache } = await part("cache.js");
          const { makeStore } = await part("store.js");
          const asked = [];
          const caches = [1, 2].map(() => {
            const store = makeStore(makeModel({ queue: ["a", "b"], key: "a", version: 0 }, () => []));
            const heard = [];
            asked.push(heard);
            return makeCache({ store, send: ({ keys }) => heard.push(...keys), expected: "a" });
          });
          asked.push(asked[0].length + asked[1].length);
          caches[0].receive({ version: 0 }, { key: "a" });
          for (const cache of [...caches, ...caches]) cache.doubt();
          return asked;
        }"""
    )
    assert asked == [["b"], ["a"], 0]


def test_two_fingers_keep_the_seconds_that_are_under_them(page) -> None:
    page.evaluate("model.set('key', 'd/clip0')")
    page.evaluate("settled('d/clip0')")
    page.evaluate("model.set('span', [])")
    box = page.locator("canvas.over").bounding_box()
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *at: int) -> None:
        points = [{"x": box["x"] + x, "y": box["y"] + 100, "id": k} for k, x in enumerate(at)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 300)
    fingers("touchStart", 300, 500)
    for step in (10, 50, 100):
        fingers("touchMove", 300 - step, 500 + step)
    fingers("touchEnd")
    page.wait_for_function("() => Math.abs(model.get('span')[1] - model.get('span')[0] - 5) < 0.02")
    (start, end), selection = page.evaluate("[model.get('span'), model.get('selection')]")
    left, right = page.evaluate("[150, document.querySelector('canvas.over').getBoundingClientRect().width - 6]")
    second = lambda x, span: span[0] + (x - left) / (right - left) * (span[1] - span[0])  # noqa: E731
    assert end - start == pytest.approx(5, abs=0.02) and selection == []
    assert second(200, (start, end)) == pytest.approx(second(300, (0, 10)), abs=0.1)
    assert second(600, (start, end)) == pytest.approx(second(500, (0, 10)), abs=0.1)
    page.evaluate("model.set('span', [])")


def test_without_a_sound_device_the_playhead_moves_by_the_clock(page) -> None:
    page.evaluate("model.set('key', 'd/clip0')")
    page.evaluate("settled('d/clip0')")
    head = lambda: page.evaluate("parseFloat(document.querySelector('.time').textContent)")  # noqa: E731
    page.evaluate("() => { document.querySelector('audio').play = () => Promise.reject(Error('no device')); }")
    page.evaluate("model.set('playhead', 2)")
    page.locator(".sedlab-player").focus()
    page.keyboard.press(" ")
    page.get_by_text("This browser does not play the sound (no device); the playhead moves by the clock.").wait_for()
    before, after = page.evaluate(
        """() => new Promise((done) => {
          const node = document.querySelector(".time");
          const seen = [];
          model.set("playhead", 2);
          const watching = new MutationObserver(() => {
            seen.push([performance.now() / 1000, parseFloat(node.textContent)]);
            if (seen.at(-1)[0] - seen[0][0] < 0.5) return;
            watching.disconnect();
            done([seen[0], seen.at(-1)]);
          });
          watching.observe(node, { childList: true, characterData: true, subtree: true });
        })"""
    )
    assert before[1] >= 2 and after[1] - before[1] == pytest.approx(after[0] - before[0], abs=0.05)
    page.keyboard.press(" ")
    at = head()
    page.wait_for_timeout(100)
    assert head() == at
    # A sound that starts and then stands still is found out, too; another clip gives the sound another chance.
    page.evaluate("delete document.querySelector('audio').play")
    page.evaluate("model.set('key', 'd/clip1')")
    page.evaluate("settled('d/clip1')")
    page.evaluate(
        "() => { const audio = document.querySelector('audio'); let on = false;"
        " audio.play = () => { on = true; return Promise.resolve(); };"
        " Object.defineProperty(audio, 'paused', { configurable: true, get: () => !on });"
        " Object.defineProperty(audio, 'ended', { configurable: true, get: () => false }); }"
    )
    page.keyboard.press(" ")
    page.get_by_text("This browser does not play the sound (no sound device)").wait_for()
    page.wait_for_function("() => parseFloat(document.querySelector('.time').textContent) > 0.1")
    page.keyboard.press(" ")
    page.evaluate(
        "(audio => { delete audio.play; delete audio.paused; delete audio.ended; })(document.querySelector('audio'))"
    )
