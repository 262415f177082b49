"""What a cell with a widget leaves in a notebook, before a person and before a program; what is said in a caption."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import soundfile
from ipywidgets import HTML, Audio, BoundedIntText, Dropdown, FloatSlider, HBox, Image, IntSlider, Label, SelectMultiple
from jupyter_client.manager import run_kernel
from PIL import Image as Pixels

from sedlab.views.explorers.panel import Panel
from sedlab.views.figures.clips.clip import ClipView
from sedlab.views.figures.embed import encode
from sedlab.views.kept import LIVE_ONLY, KeptWidget
from sedlab.views.player.player import ClipPlayer
from sedlab.views.player.sound import Sound, wav_bytes

VIEW = "application/vnd.jupyter.widget-view+json"
CELL = """
import numpy as np, pandas as pd
from sedlab.views import ClipPlayer, Explorer, Scene
from sedlab.views.kept import show_with_picture
clips = pd.DataFrame({"key": ["a", "b"], "entropy": [0.5, np.nan]})
explorer = Explorer(clips, ClipPlayer(lambda key: Scene(key, np.zeros(16_000, np.float32))))
explorer.open("b")
explorer
"""
UPDATE = """
picture = next(explorer.player.still())
show_with_picture(explorer, picture).update(picture, 'the <b>end</b>')
"""


def shown(kernel, code: str, *, person: bool) -> tuple[list[dict], list[str]]:
    """Return the outputs of a cell, and the kinds of the other messages."""
    messages = []
    reply = kernel.execute_interactive(code, allow_stdin=person, output_hook=messages.append)
    assert reply["content"]["status"] == "ok", reply["content"]
    kinds = [message["msg_type"] for message in messages]
    return [message["content"]["data"] for message in messages if "data" in message["msg_type"]], kinds


def test_before_a_program_only_the_picture_stays_and_before_a_person_it_stands_in_for_the_widget():
    with run_kernel(kernel_name="python3") as kernel:
        (caption, picture), kinds = shown(kernel, CELL, person=False)
        assert not any(kind.startswith("comm") for kind in kinds)  # from which nbclient would store a state
        assert picture["image/png"] and caption["text/plain"].startswith("Explorer: 2 clips listed, clip b")
        assert "<audio" in caption["text/html"] and "<style" not in caption["text/html"]

        (live, caption, picture), kinds = shown(kernel, CELL, person=True)
        assert "comm_open" in kinds
        assert live[VIEW]["model_id"] and "image/png" not in live
        assert picture["image/png"] and "<style" in caption["text/html"]

        outputs, kinds = shown(kernel, UPDATE, person=True)
        assert kinds.count("update_display_data") == 2
        assert outputs[-2]["text/plain"] == "Explorer: the end"


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Pixels.open(io.BytesIO(png)).convert("RGB"))


def test_pictures_of_a_panel_come_below_each_other_and_its_controls_say_what_they_are_set_to(monkeypatch):
    kept = []
    monkeypatch.setattr("sedlab.views.kept.show_with_picture", lambda widget, *what: kept.extend(what))
    sound = wav_bytes(np.zeros(16_000), 16_000)
    red, blue = (
        np.full(size, colour, np.uint8) for size, colour in (((4, 6, 3), (255, 0, 0)), ((2, 8, 3), (0, 0, 255)))
    )
    gone, hint = Label("hidden"), HTML("hold Ctrl")
    gone.layout.display = "none"
    hint.add_class(LIVE_ONLY)
    panel = Panel()
    panel.arrange(
        [Dropdown(description="Class", options=[("<Cat>", 0), ("Dog", 1)]), FloatSlider(0.25, max=1), gone, hint],
        [
            Image(value=encode(red)),
            HBox([SelectMultiple(description="Scores", options=["a", "b", "c"], value=["a", "c"]), HTML("<i>3</i>")]),
            IntSlider(4, description="Clip", readout=False),
            BoundedIntText(7, description="Seed"),
            Audio(value=sound),
            Image(value=encode(blue)),
        ],
    )
    panel._ipython_display_()
    png, caption = kept
    assert pixels(png).shape == (6, 8, 3)
    assert (pixels(png)[:4, :6] == (255, 0, 0)).all() and (pixels(png)[4:] == (0, 0, 255)).all()
    words, audio = caption.split(" &nbsp; <br>")
    assert (
        words
        == "Class: <b>&lt;Cat&gt;</b> &nbsp; 0.25 &nbsp; Scores: <b>a, c</b> &nbsp; <i>3</i> &nbsp; Seed: <b>7</b>"
    )
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", audio)[1])))
    assert rate == 16_000 and abs(len(samples) - 16_000) < 2_500


def test_a_sound_is_an_element_that_plays_it_clipped_under_its_title():
    element = Sound(np.tile([0.0, 3.0, 0.0, -3.0], (1, 4_000)), title="a <tone>")._repr_html_()
    assert element.startswith("<div>a &lt;tone&gt;</div><audio controls")
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", element)[1])))
    assert rate == 16_000 and np.abs(samples).max() < 1.6


def test_player_gives_its_picture_and_its_sound():
    player = ClipPlayer()
    assert list(player.still()) == []
    player.show_clip(ClipView(np.zeros(16_000, dtype=np.float32), title="a clip"))
    picture, sound = player.still()
    assert picture.startswith(b"\x89PNG") and sound.count("<audio") == 1
    assert isinstance(player, KeptWidget)
