"""The inspectors without a browser: controls are set from Python, the state is read back."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
import soundfile

from sedlab.errors import SedlabError
from sedlab.views import ClipInspector, ClipView
from sedlab.views.player.sound import wav_bytes


@pytest.fixture
def clips() -> pd.DataFrame:
    return pd.DataFrame({"subset": ["devtest", "devtest", "weak_val"], "clip_id": ["a", "b", "a"]})


@pytest.fixture
def labels() -> pd.DataFrame:
    return pd.DataFrame({"subset": ["devtest", "weak_val"], "clip_id": ["b", "a"], "label": ["Dog", "Dog"]})


@pytest.fixture
def load(waveform, events):
    return lambda row: ClipView(waveform[:16000], events=events, title=f"{row['subset']}/{row['clip_id']}")


def test_clip_inspector_pages_and_filters(clips, labels, load):
    inspector = ClipInspector(clips, load, events=labels)
    assert (inspector.clip_id, inspector.count.value) == ("a", "1 of 3")

    inspector.position.value = 1
    assert inspector.view.title == "devtest/b"
    inspector.label.value = "Dog"
    assert list(inspector.selection["subset"]) == ["devtest", "weak_val"]  # "a" of devtest has no dog
    inspector.subset.value = "weak_val"
    assert (inspector.view.title, inspector.count.value) == ("weak_val/a", "1 of 1")
    assert inspector.message.value == ""


def test_the_slider_follows_the_player(clips, load):
    inspector = ClipInspector(clips, load)

    seen = []
    for place in (1, 2, 1):
        inspector.player.key = str(place)
        seen.append(inspector.position.value)

    assert seen == [1, 2, 1]


def test_a_clip_is_found_by_name_and_an_unknown_one_is_named(clips, load):
    inspector = ClipInspector(clips, load)

    inspector.name.value = "b"
    assert (inspector.clip_id, inspector.position.value) == ("b", 1)
    inspector.name.value = "<zebra>"
    assert "&lt;zebra&gt;" in inspector.message.value
    assert inspector.clip_id == "b"


@pytest.mark.parametrize(
    ("error", "shown"), [(SedlabError("a.wav: truncated. Delete it."), "a.wav: truncated"), (KeyError("x"), "KeyError")]
)
def test_an_error_while_loading_is_shown_and_goes_with_the_next_clip(clips, load, error, shown):
    def broken_first(row):
        if row["clip_id"] == "a":
            raise error
        return load(row)

    inspector = ClipInspector(clips, broken_first)
    assert shown in inspector.message.value
    assert ("Traceback" in inspector.message.value) == isinstance(error, KeyError)
    inspector.position.value = 1
    assert inspector.message.value == ""


def test_inspectors_of_nothing_say_what_to_run(clips, load):
    inspector = ClipInspector(clips.iloc[:0], load)
    assert "sedlab run mini" in inspector.message.value
    assert inspector.children == (inspector.message,)


def test_sound_is_a_wav_file_of_the_same_samples(waveform):
    samples, rate = soundfile.read(io.BytesIO(wav_bytes(2 * waveform, 16000)), dtype="float32")

    assert rate == 16000
    np.testing.assert_allclose(samples, np.clip(2 * waveform, -1, 1), atol=1e-4)
    assert wav_bytes(np.zeros(0), 16000) == b""
