"""A person before the spectrogram viewer, in a page that is joined to the widget in this process."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from axe_playwright_python.sync_playwright import Axe
from jupyter_lab import TIMEOUT_MS, browser, need_chromium

from sedlab.audio.device_response import align_responses
from sedlab.views import SpectrogramViewer

#: A model as anywidget has it; what is saved goes to Python, whose answer is what has changed there.
PAGE = """<!doctype html><html lang="en"><head><title>Viewer</title><style>%s body { margin: 8px; }
body.dark { background: #111; color: #e0e0e0; color-scheme: dark; }</style></head>
<body><main><h1>Viewer</h1><div id="here"></div></main>
<script type="module">
const listeners = [];
const state = await window.python({});
let pending = {};
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const listening = (name) => listeners.filter(([names]) => names.split(" ").includes(name));
const fire = (name, ...rest) => listening(name).forEach(([, listener]) => listener(...rest));
async function exchange(told) {
  const answer = await window.python(told);
  for (const [name, value] of Object.entries(answer.traits)) {
    if (JSON.stringify(state.traits[name]) === JSON.stringify(value)) continue;
    state.traits[name] = value;
    fire(`change:${name}`);
  }
  for (const { content, buffers } of answer.messages) fire("msg:custom", content, buffers.map(bytes));
  window.answered = (window.answered ?? 0) + 1;
}
const model = {
  get: (name) => state.traits[name],
  set(name, value) { state.traits[name] = value; pending[name] = value; fire(`change:${name}`); },
  save_changes() { const traits = pending; pending = {}; exchange({ traits }); },
  on: (names, fn) => listeners.push([names, fn]),
  off: () => {},
  send: (message) => exchange({ message }),
};
const url = URL.createObjectURL(new Blob([await window.code()], { type: "text/javascript" }));
(await import(url)).default.render({ model, el: document.getElementById("here") });
</script></body></html>"""


@pytest.fixture
def viewer(tmp_path) -> SpectrogramViewer:
    time_axis = np.arange(12 * 44_100) / 44_100
    for number, hertz in enumerate((1000, 3000)):
        tone = 0.3 * np.sin(2 * np.pi * hertz * time_axis) * ((time_axis > 2) & (time_axis < 6))
        soundfile.write(tmp_path / f"tone{number}.flac", np.stack([tone, tone], axis=1), 44_100)
    (tmp_path / "unreadable.wav").write_bytes(b"RIFF")
    return SpectrogramViewer(tmp_path, responses=align_responses([np.array([0.0, 1.0, 0.5])]))


@pytest.fixture
def page(viewer) -> Iterator:
    need_chromium()
    sent: list[tuple[dict, list[bytes]]] = []
    viewer.view.send = lambda content, buffers=None: sent.append((content, buffers or []))

    def python(told: dict) -> dict:
        for name, value in told.get("traits", {}).items():
            setattr(viewer.view, name, float(value) if name in ("start", "strength") and value is not None else value)
        if "message" in told:
            viewer.view._handle_custom_msg(told["message"], [])
        names = ["queue", "key", "start", "augmentation", "strength", "seed", "side", "drawn", "choices"]
        messages = [
            {"content": content, "buffers": [base64.b64encode(data).decode() for data in buffers]}
            for content, buffers in sent[-1:]
        ]
        sent.clear()
        return {"traits": {name: getattr(viewer.view, name) for name in names}, "messages": messages}

    with browser() as opened:
        page = opened.new_page(viewport={"width": 1000, "height": 1200})
        page.set_default_timeout(TIMEOUT_MS)
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.expose_function("python", python)
        page.expose_function("code", lambda: viewer.view._esm)
        page.set_content(PAGE % viewer.view._css)
        page.wait_for_function("document.querySelector('canvas')?.getAttribute('aria-label').includes('fPaSST')")
        yield page


def shot(page, name: str) -> None:
    if folder := os.environ.get("SEDLAB_SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def answered(page, act) -> float:
    """Do something that Python answers; return the milliseconds until it is on the page."""
    before, started = page.evaluate("window.answered"), time.monotonic()
    act()
    page.wait_for_function(f"window.answered > {before}")
    return 1000 * (time.monotonic() - started)


def brightest(page, place: int, hertz: float) -> str:
    """Return what the viewer says under the pointer at 4 s and a frequency of a panel."""
    box = page.locator("canvas").bounding_box()
    # Heading 18, panel 128 and gap 8 pixels high; 52 and 46 beside it; 0 to 8000 Hz evenly in mel.
    mel = np.log1p(hertz / 700) / np.log1p(8000 / 700)
    y = box["y"] + place * (18 + 128 + 8) + 18 + 128 * (1 - mel)
    page.mouse.move(box["x"] + 52 + 0.4 * (box["width"] - 98), y)
    return page.locator(".hover").inner_text()


def test_a_person_looks_augments_draws_again_and_hears(page, viewer):
    # Under a tone of 1000 Hz, each front-end's value is far above that an octave and a half away.
    for place, name in enumerate(("fPaSST", "BEATs", "ATST", "CRNN")):
        there, elsewhere = brightest(page, place, 1000), brightest(page, place, 2800)
        assert there.startswith(f"{name}: 4.0") and "before" in there
        assert float(there.split()[-1]) > float(elsewhere.split()[-1]) + 0.5
    shot(page, "viewer_light")

    page.get_by_label("from (s)").fill("1")
    answered(page, lambda: page.keyboard.press("Tab"))
    assert viewer.view.start == 1.0

    # An augmentation, what it has drawn, and another draw by key.
    answered(page, lambda: page.get_by_label("Augmentation").select_option("frame_shift"))
    first = page.locator(".drawn").inner_text()
    assert first == viewer.drawn.text and first.startswith("time shift ")
    page.locator("canvas").click()
    page.locator(".sedlab-hearing").focus()
    answered(page, lambda: page.keyboard.press("d"))
    assert page.locator(".drawn").inner_text() != first and viewer.view.seed == 1
    for side in ("difference", "before", "after"):
        answered(page, lambda: page.keyboard.press("a"))
        assert page.get_by_label(side, exact=True).is_checked()
        if side == "difference":
            shot(page, "viewer_difference")
    assert page.locator(".player:visible").count() == 2 and "nearly" in page.locator(".player").nth(1).inner_text()
    page.wait_for_function("Math.abs(document.querySelectorAll('audio')[1].duration - 10) < 1e-3")
    page.locator(".sedlab-hearing").focus()
    page.keyboard.press(" ")
    page.wait_for_function("document.querySelectorAll('audio')[1].currentTime > 0.1")
    page.keyboard.press(" ")

    # Its strength by keyboard; the next sound; what cannot be read is said and leaves no picture behind.
    answered(page, lambda: page.get_by_label("Augmentation").select_option("mixup"))
    page.get_by_label("Strength").focus()
    waits = [answered(page, lambda: page.keyboard.press("ArrowRight")) for _ in range(4)]
    assert viewer.view.strength == 40 and viewer.drawn.text == "60.0% of this clip, 40.0% of tone1.flac"
    assert "40 %" in page.locator(".reading").inner_text()
    page.locator(".sedlab-hearing").focus()
    waits.append(answered(page, lambda: page.keyboard.press("n")))
    print(f"milliseconds until the page has it: {[round(wait) for wait in waits]}")
    assert viewer.view.key.endswith("tone1.flac")
    answered(page, lambda: page.locator("select").first.select_option(label_of("unreadable.wav", page)))
    assert "unreadable.wav" in viewer.message.value and not viewer.before
    page.wait_for_function("document.querySelector('canvas').getAttribute('aria-label') === 'No spectrograms'")
    answered(page, lambda: page.get_by_label("Previous sound (p)").click())

    assert Axe().run(page).response["violations"] == []
    page.evaluate("document.body.className = 'dark'; document.body.dataset.jpThemeLight = 'false'")
    page.set_viewport_size({"width": 400, "height": 1400})
    page.wait_for_function("document.documentElement.scrollWidth <= 400")
    assert Axe().run(page).response["violations"] == []
    shot(page, "viewer_phone_dark")
    assert page.problems == []


def label_of(name: str, page) -> str:
    return next(
        text for text in page.locator("select").first.locator("option").all_inner_texts() if text.endswith(name)
    )
