"""The viewer of spectrograms: any source, what it sends, what it says when something is wrong."""

from __future__ import annotations

import time

import numpy as np
import pytest
import soundfile
import torch

import sedlab
from sedlab.data.batch import Batch, Rows, Targets
from sedlab.errors import SedlabError
from sedlab.views import SpectrogramViewer


@pytest.fixture
def tones(tmp_path):
    """Three files of other formats, rates and lengths, and one that is none."""
    for name, rate, seconds in (("a.wav", 16_000, 10), ("b.flac", 44_100, 3), ("c.ogg", 48_000, 14)):
        sound = 0.2 * np.sin(2 * np.pi * 1000 * np.arange(rate * seconds) / rate)
        soundfile.write(tmp_path / name, np.stack([sound, sound], axis=1), rate)
    (tmp_path / "d.wav").write_bytes(b"RIFF")
    (tmp_path / "notes.txt").write_text("no sound")
    return tmp_path


def test_any_file_of_a_folder_is_heard_and_a_bad_one_said_in_a_line(tones):
    viewer = SpectrogramViewer(tones)
    assert [key.rsplit("/", 1)[1] for key in viewer.view.queue] == ["a.wav", "b.flac", "c.ogg", "d.wav"]
    for key in viewer.view.queue[:3]:
        viewer.view.key = key
        assert viewer.message.value == ""
        for one in viewer.before.values():
            assert one.edges[one.values[:, 100].argmax()] < 1000 < one.edges[one.values[:, 100].argmax() + 2]
    # Another ten seconds of a long one; silence after its end.
    viewer.view.key = viewer.view.queue[2]
    viewer.view.start = 12.0
    assert viewer.before["CRNN"].values[:, 60].max() > 0.5 > viewer.before["CRNN"].values[:, 300].max()
    viewer.view.key = viewer.view.queue[3]
    assert "d.wav" in viewer.message.value and "<details>" not in viewer.message.value
    assert viewer.before == {} and viewer.pack()[0]["panels"] == []
    viewer.view.key = viewer.view.queue[1]
    assert viewer.message.value == "" and viewer.view.start == 0


def test_the_same_call_makes_the_same_view(tones):
    viewer = SpectrogramViewer(tones)
    viewer.view.augmentation, viewer.view.strength, viewer.view.seed = "mixup", 30.0, 5
    viewer.view.key = viewer.view.queue[1]
    again = eval(viewer.copying.call, {"sedlab": sedlab})
    assert (again.view.key, again.drawn.text) == (viewer.view.key, viewer.drawn.text)
    # The fourth cannot be read, the first is the next that can.
    viewer.view.key = viewer.view.queue[2]
    assert viewer.drawn.text == "70.0% of this clip, 30.0% of a.wav"


def test_what_is_sent_is_what_is_heard_within_a_255th(tones):
    viewer = SpectrogramViewer(tones / "b.flac", augmentation="frame_shift", seed=2)
    assert viewer.view.drawn == viewer.drawn.text and viewer.drawn.text.startswith("time shift")
    content, buffers = viewer.pack()
    for panel in content["panels"]:
        for side, heard in (("before", viewer.before), ("after", viewer.after)):
            levels = np.frombuffer(buffers[panel[side]["buffer"]], dtype=np.uint8)
            values = panel["low"] + levels / 255 * (panel["high"] - panel["low"])
            error = abs(values - heard[panel["name"]].values.ravel()).max()
            assert error <= 0.51 * (panel["high"] - panel["low"]) / 255
    assert content["sounds"]["exact"] is False
    assert all(buffers[content["sounds"][side]["buffer"]].startswith(b"RIFF") for side in ("before", "after"))


def test_an_augmentation_opens_as_drawn_in_training_and_the_next_draw_comes_at_once(tones):
    viewer = SpectrogramViewer(tones / "a.wav")
    assert viewer.view.side == "before" and viewer.after is viewer.before
    viewer.view.augmentation = "filter"
    assert viewer.view.strength is None and viewer.view.side == "after"
    seconds = []
    for _ in range(4):
        before, started = viewer.drawn.text, time.thread_time()
        viewer.view.seed += 1
        seconds.append(time.thread_time() - started)
        assert viewer.drawn.text != before
    assert min(seconds) < 0.2, seconds
    viewer.view.augmentation = "wavmix"
    assert "no second clip" in viewer.message.value and viewer.view.side == "before"
    assert viewer.changed is None and viewer.drawn.text == viewer.view.drawn == ""


def test_clips_of_a_batch_bring_their_labels():
    strong = torch.zeros(2, 27, 156)
    strong[0, 4, 50:60] = 1.0
    weak = torch.zeros(2, 27)
    weak[1, 7] = 1.0
    batch = Batch(
        waveform=0.05 * torch.randn(2, 160_000, generator=torch.Generator().manual_seed(0)),
        targets=Targets(strong, weak, torch.ones(2, 27, dtype=torch.bool)),
        rows=Rows.of({"synth": 1, "weak": 1}),
        subsets=["synth_train", "weak_train"],
        clip_ids=["one", "two"],
    )
    viewer = SpectrogramViewer(batch, augmentation="time_mask", strength=60, seed=1)
    start, stop = (viewer.drawn.values[end] for end in ("start", "stop"))
    (row,) = viewer.pack()[0]["labels"]
    inside = [0.064 * frame for frame in range(50, 60) if not start <= 0.064 * frame + 1e-9 < stop]
    assert sum(row["before"]) == 10 and sum(row["after"]) == len(inside)
    viewer.view.key = "weak_train/two"
    assert viewer.pack()[0]["labels"][0]["before"] == [1.0] * 156


def test_a_waveform_of_another_rate_and_what_is_no_sound():
    sound = 0.2 * np.sin(2 * np.pi * 2000 * np.arange(4 * 8000) / 8000)
    viewer = SpectrogramViewer(sound, sample_rate=8000)
    one = viewer.before["ATST"]
    assert one.edges[one.values[:, 100].argmax()] < 2000 < one.edges[one.values[:, 100].argmax() + 2]
    assert "there is no sound" in SpectrogramViewer([]).message.value
    assert "there is no sound" in SpectrogramViewer(np.zeros((2, 100))).message.value
    assert "holds no sound files" in SpectrogramViewer(__file__.rsplit("/", 1)[0]).message.value
    with pytest.raises(SedlabError, match="no such sound"):
        viewer.clip("other")


def test_where_nobody_sits_a_picture_the_draw_and_the_sound_stay(tones):
    viewer = SpectrogramViewer(tones / "b.flac", augmentation="gain", strength=-6)
    parts = list(viewer.still())
    assert sum(isinstance(part, bytes) and part.startswith(b"\x89PNG") for part in parts) == 1
    said = " ".join(part for part in parts if isinstance(part, str))
    assert "Gain: gain -6 dB" in said and "<audio" in said and "b.flac" in said
