"""What is taken away from a player: in the browser and in Python the same, and readable by others."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from player_page import player_page

from sedlab.data.tsv import read_tsv
from sedlab.errors import SedlabError
from sedlab.views import ClipPlayer
from sedlab.views.player.scene import Scene, System

CLASSES = ("Cat", "Dog", "Speech")
KEYS = ["devtest/one [a]", "devtest/two"]
TIMES = np.arange(101) * 0.064


def load(key: str) -> Scene:
    rng = np.random.default_rng(len(key))
    scores = np.clip(np.cumsum(rng.normal(0, 0.12, (100, 3)), axis=0) + 0.4, 0, 1)
    boxes = pd.DataFrame({"onset": [0.5], "offset": [2.0], "label": ["Dog"], "confidence": [0.6]})
    events = pd.DataFrame({"onset": [1.0, np.nan], "offset": [2.5, np.nan], "label": ["Dog", "Speech"]})
    systems = (
        System("A & <B>", scores, TIMES, median=np.round(scores, 1), boxes=boxes),
        System("C", 1 - scores, TIMES),
        System("people", scores, TIMES, role="soft"),
    )
    wave = rng.normal(0, 0.1, 16_000 * 6).astype(np.float32)
    return Scene(key, wave, classes=CLASSES, systems=systems, events=events, masked=frozenset({"Cat"}))


def player() -> ClipPlayer:
    made = ClipPlayer(load, queue=KEYS)
    return made.at(KEYS[0], threshold=0.45, thresholds={"Dog": 1 / 3}, span=(0.5, 4.0), label="Dog", postprocess="none")


def test_the_call_shows_the_view_again():
    first = player()
    again = eval(first.call, {"player": ClipPlayer(load, queue=KEYS)})
    assert again.call == first.call and again.detections().equals(first.detections())
    assert (again.key, again.span, again.thresholds) == (KEYS[0], [0.5, 4.0], {"Dog": 1 / 3})
    first.base = "sedlab.open_run('runs/mini').explore()"
    assert first.call.startswith(
        "sedlab.open_run('runs/mini').explore().at('devtest/one [a]', label='Dog', threshold=0.45"
    )
    first.go(KEYS[1])
    assert "devtest/two" in first.call and "span" not in first.call
    with pytest.raises(SedlabError, match="Did you mean 'threshold'"):
        first.at(treshold=0.3)


def test_the_call_says_what_a_person_did_in_the_browser_and_a_player_made_by_it_shows_that():
    names = ("span", "band", "waveform", "curves", "speed", "volume")
    first = ClipPlayer(load, queue=KEYS)
    told = "names => Object.fromEntries(names.map((name) => [name, model.get(name)]))"
    with player_page(load, KEYS) as page:
        page.wait_for_function("() => document.querySelector('.tally tbody tr')")
        page.locator(".sedlab-player").focus()
        for key in ("+", "ArrowUp", "w", "c", ",", "m"):
            page.keyboard.press(key)
        page.wait_for_function("() => model.get('volume') === 0")
        first.set_state(page.evaluate(told, list(names)))
    usual = ClipPlayer(load, queue=KEYS)
    assert all(getattr(first, name) != getattr(usual, name) for name in names)
    again = eval(first.call, {"player": ClipPlayer(load, queue=KEYS)})
    assert {name: getattr(again, name) for name in names} == {name: getattr(first, name) for name in names}

    with player_page(load, KEYS, prepare=lambda player: eval(first.call, {"player": player})) as page:
        page.wait_for_function("() => document.querySelector('.tally tbody tr')")
        sound = page.evaluate("(one => [one.playbackRate, one.volume])(document.querySelector('audio'))")
        pressed = [
            page.get_by_role("button", name=name).get_attribute("aria-pressed") for name in ("Waveform", "curves")
        ]
        assert (sound, pressed) == ([first.speed, 0], ["true", "true"])
        # Six seconds had been shown by half, so one step out is all of them.
        page.locator(".sedlab-player").focus()
        page.keyboard.press("-")
        page.wait_for_function("() => !model.get('span').length && model.get('band').length")


def test_detections_are_a_table_of_what_is_drawn():
    found = player().detections()
    assert list(found.columns) == ["system", "clip", "onset", "offset", "label", "confidence"]
    assert set(found["system"]) == {"A & <B>", "C"} and set(found["clip"]) == {KEYS[0]}
    assert (found["confidence"] > found["label"].map({"Dog": 1 / 3}).fillna(0.45)).all()
    assert set(player().detections(["C"])["system"]) == {"C"}
    with pytest.raises(SedlabError, match="no system 'D'"):
        player().detections(["D"])


def test_files_of_python_can_be_read(tmp_path):
    made = player()
    table = read_tsv(made.export(tmp_path / "a.tsv"), ("filename", "onset", "offset", "event_label"))
    assert list(table.columns) == ["filename", "onset", "offset", "event_label"]
    assert set(table["filename"]) == {"one [a].wav"} and len(table) == len(made.detections(["A & <B>"]))
    reference = made.export(tmp_path / "r.txt", system="reference").read_text().splitlines()
    assert reference == ["1.000000\t2.500000\tDog", "0.000000\t6.000000\tSpeech"]
    assert Image.open(made.export(tmp_path / "a.png")).width > 400
    assert ElementTree.parse(made.export(tmp_path / "a.svg")).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    with pytest.raises(SedlabError, match=r"cannot write \.gif"):
        made.export(tmp_path / "a.gif")
    with pytest.raises(SedlabError, match="no clip is shown"):
        ClipPlayer().export(tmp_path / "a.tsv")


def test_files_of_the_browser_are_those_of_python(tmp_path):
    made = player()

    def same(other: ClipPlayer) -> None:
        other.at(KEYS[0], **{name: getattr(made, name) for name in ("threshold", "thresholds", "span", "postprocess")})

    with player_page(load, KEYS, prepare=same) as page:
        page.wait_for_function("() => document.querySelector('.tally tbody tr')")
        page.locator(".sedlab-player").focus()
        page.keyboard.press("x")

        def saved(name: str, *, by_key: bool = False) -> Path:
            button = page.get_by_role("group", name="Export").get_by_role("button", name=name)
            with page.expect_download() as waiting:
                if by_key:
                    button.focus()
                    page.keyboard.press("Enter")
                else:
                    button.click()
            assert waiting.value.suggested_filename.startswith("one_a_.")
            waiting.value.save_as(tmp_path / waiting.value.suggested_filename)
            return tmp_path / waiting.value.suggested_filename

        made.export(tmp_path / "python.tsv")
        assert saved("TSV", by_key=True).read_bytes() == (tmp_path / "python.tsv").read_bytes()
        page.get_by_label("Whose events").select_option("reference")
        made.export(tmp_path / "python.txt", system="reference")
        assert saved("Audacity").read_bytes() == (tmp_path / "python.txt").read_bytes()
        theirs = json.loads(saved("JSON").read_text())
        ours = json.loads(made.export(tmp_path / "python.json").read_text())
        confidences = [
            [event.pop("confidence") for system in document["systems"] for event in system["events"]]
            for document in (theirs, ours)
        ]
        assert theirs == ours and confidences[0] == pytest.approx(confidences[1])

        picture = Image.open(BytesIO(saved("PNG").read_bytes()))
        drawing = ElementTree.parse(saved("SVG")).getroot()
        assert picture.width == pytest.approx(2 * float(drawing.get("width")), abs=2)
        assert len(np.unique(np.asarray(picture.convert("L")))) > 50
        texts = [node.text for node in drawing.iter("{http://www.w3.org/2000/svg}text")]
        assert KEYS[0] in texts and "A & <B>" in texts
        assert len(list(drawing.iter("{http://www.w3.org/2000/svg}image"))) > 2
        # An SVG is worth what a browser makes of it: nearly the pixels of the PNG.
        difference = page.evaluate(
            COMPARE, [(tmp_path / "one_a_.svg").read_text(), list((tmp_path / "one_a_.png").read_bytes())]
        )
        assert difference < 12

        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.textContent") == "Export"
        page.keyboard.press("y")
        page.wait_for_function("() => /copied/.test(document.querySelector('.exporting').textContent)")
        # Without https a page may not write to the clipboard; the line is there all the same.
        page.evaluate("document.body.append(document.createElement('textarea'))")
        page.locator("textarea").last.focus()
        page.keyboard.press("Control+V")
        assert page.locator("textarea").last.input_value() == page.evaluate("model.get('call')")


COMPARE = """async ([svg, png]) => {
  const pixels = async (blob) => {
    const image = new Image();
    image.src = URL.createObjectURL(blob);
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [500, 300];
    const ctx = canvas.getContext("2d");
    ctx.drawImage(image, 0, 0, 500, 300);
    return ctx.getImageData(0, 0, 500, 300).data;
  };
  const a = await pixels(new Blob([svg], { type: "image/svg+xml" }));
  const b = await pixels(new Blob([new Uint8Array(png)], { type: "image/png" }));
  return a.reduce((sum, value, place) => sum + Math.abs(value - b[place]), 0) / a.length;
}"""
