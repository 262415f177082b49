"""A file is scored while it is decoded for the first time, and its scores are those of one whose end is known."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import soundfile
import torch
from torch import nn

from sedlab.data import audio_stream
from sedlab.data.audio_stream import FirstDecoding, open_audio
from sedlab.errors import SedlabError, SedlabWarning
from sedlab.inference import cutting
from sedlab.inference.cutting import Samples
from sedlab.inference.recordings import score_recordings

RATE = 44_100


class Ear(nn.Module):
    """Says of each frame of 64 ms its first two samples, so that every window is known from its scores."""

    frame_samples, classes = 1024, ("first", "second")

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def num_frames(self, num_samples: int) -> int:
        return max(1, (1 + num_samples // 256) // 4)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        return waveform[:, : 156 * 1024].unflatten(1, (156, 1024))[..., :2]


def score(source, *, hears=lambda: None, told=lambda *_: None):
    ear = Ear()

    def heard(waveform):
        hears()
        return ear(waveform)

    (scored,) = score_recordings([(source, told)], ear, heard, batch_size=2, together=False)
    return scored


@pytest.fixture
def decodings(monkeypatch):
    """Return the list of the files that were opened for decoding."""
    opened, open_sound = [], audio_stream.open_sound

    def noted(path, **options):
        opened.append(path)
        return open_sound(path, **options)

    monkeypatch.setattr(audio_stream, "open_sound", noted)
    return opened


def sound(seconds: float, seed: int = 0, level: float = 0.1) -> np.ndarray:
    return level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE))


def inverted_from(seconds: float, length: float, level: float = 1.0) -> np.ndarray:
    """Return two channels, alike up to ``seconds`` and opposite, at another level, after it."""
    sign = np.where(np.arange(round(length * RATE)) < seconds * RATE, 0.05, level)
    mono = sound(length)
    return np.stack([mono * sign, mono * np.where(sign == level, -level, 0.05)], axis=1)


FILES = {
    "short": (sound(3), 1),
    "one window": (sound(10), 1),
    "of stereo": (np.stack([sound(47), sound(47, 1)], axis=1), 1),
    "with silence behind": (np.concatenate([sound(29.3), silence(45)]), 1),
    "with a short silence": (np.concatenate([sound(12), silence(15), sound(20, 1)]), 1),
    "with a long silence": (np.concatenate([sound(32), silence(50), sound(23, 1)]), 2),
    "beginning with silence": (np.concatenate([silence(55), sound(2)]), 2),
    "inverted": (inverted_from(0, 33), 2),
    "inverted in the end": (inverted_from(40, 60, level=2.0), 2),
}


@pytest.mark.filterwarnings("ignore:.*channels cancel each other")
@pytest.mark.parametrize("name", FILES)
def test_scores_are_those_of_a_file_whose_end_is_known(tmp_path, decodings, monkeypatch, name):
    monkeypatch.setattr(cutting, "MOST_WAITING", 25 * 16_000)
    samples, times = FILES[name]
    soundfile.write(tmp_path / "a.flac", samples, RATE)
    told = []
    found = score(lambda: FirstDecoding(tmp_path / "a.flac"), told=lambda *call: told.append(call))
    assert found.error is None and len(decodings) == times
    audio = open_audio(tmp_path / "a.flac")
    expected = score(lambda: Samples(audio.blocks(), audio.num_samples, audio.num_sound_samples))
    assert np.array_equal(found.probabilities, expected.probabilities)
    assert found.num_sound_frames == expected.num_sound_frames
    assert len(found.probabilities) == Ear().num_frames(audio.num_samples) > 0
    assert told[-1] == (expected.num_windows, expected.num_windows)


def test_the_first_windows_are_scored_before_the_last_block_is_decoded(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", sound(120), RATE)
    hears, blocks = threading.Event(), audio_stream.OpenSound.blocks

    def waiting(self, seconds):
        for number, samples in enumerate(blocks(self, seconds)):
            assert number < 25 or hears.wait(60), "nothing was scored meanwhile"
            yield samples

    monkeypatch.setattr(audio_stream.OpenSound, "blocks", waiting)
    assert score(lambda: FirstDecoding(tmp_path / "a.wav"), hears=hears.set).error is None


@pytest.mark.parametrize("kind", ["missing", "empty", "silent", "damaged late"])
def test_what_is_wrong_with_a_file_is_told_as_by_who_reads_it_whole(tmp_path, kind):
    path = tmp_path / "a.flac"
    if kind == "empty":
        path.touch()
    elif kind != "missing":
        soundfile.write(path, sound(40) if kind == "damaged late" else silence(40), RATE)
    if kind == "damaged late":
        content = bytearray(path.read_bytes())
        content[-len(content) // 4 :] = bytes(len(content) // 4)
        path.write_bytes(content)
    error = score(lambda: FirstDecoding(path)).error
    assert isinstance(error, SedlabError) and str(path) in str(error) and "\n" not in str(error)
    if kind == "silent":
        assert "is silent" in str(error)
    else:
        with pytest.raises(SedlabError) as whole:
            open_audio(path)
        assert str(error) == str(whole.value)


def test_channels_that_cancel_are_told(tmp_path):
    soundfile.write(tmp_path / "a.wav", inverted_from(0, 12), RATE)
    with pytest.warns(SedlabWarning, match=r"channel \d alone is read"):
        assert score(lambda: FirstDecoding(tmp_path / "a.wav")).error is None
