"""Recordings explored with a detector: heard as `sedlab detect` hears them, part by part, those opened first."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch
from small_detectors import small_detector

import sedlab
from sedlab.checkpoints.own import save_detector
from sedlab.errors import SedlabError
from sedlab.inference.passages import DecodedRecording, Passages


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten seconds; 75 s at another rate, the last 3 silent; a file that is none; one whose sound is damaged."""
    folder = tmp_path_factory.mktemp("field_trip")
    random = np.random.default_rng(0)
    soundfile.write(folder / "a.wav", random.normal(0, 0.1, 160_000), 16_000)
    long = random.normal(0, 0.1, (75 * 22_050, 2)) * np.linspace(0, 1, 75 * 22_050)[:, None]
    long[72 * 22_050 :] = 0
    soundfile.write(folder / "b.flac", long, 22_050)
    (folder / "c.wav").write_bytes(b"no sound at all")
    soundfile.write(folder / "d.flac", long[:22_050], 22_050)
    whole = (folder / "d.flac").read_bytes()
    (folder / "d.flac").write_bytes(whole[:200] + bytes(len(whole) - 200))
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "atst.pt"
    detector = small_detector("atst")
    with torch.no_grad():
        detector.head.events.weight.mul_(30)
    save_detector(path, detector)
    return path


@pytest.fixture
def explorer(folder, checkpoint):
    return sedlab.explore(folder, checkpoint=checkpoint)


def test_long_recordings_have_a_row_a_minute_and_what_cannot_be_read_says_why(explorer):
    clips = explorer.clips.set_index("key")
    assert list(clips.index) == ["a.wav", "b.flac 0:00:00", "b.flac 0:01:00", "c.wav", "d.flac"]
    assert clips["seconds"].tolist()[:3] == [10, 60, 15]
    assert "c.wav" in clips["problem"]["c.wav"] and clips["problem"]["b.flac 0:01:00"] == ""
    with pytest.raises(SedlabError, match=r"c\.wav"):
        explorer.player.scene_at("c.wav")


def test_a_part_has_the_scores_of_the_whole_whatever_was_opened_before(folder, checkpoint, explorer):
    whole = sedlab.load_detector(checkpoint).predict_file(folder / "b.flac")
    seconds = whole.frame_times[1]
    for key, start in (("b.flac 0:01:00", 60.0), ("b.flac 0:00:00", 0.0)):
        scene = explorer.player.scene_at(key)
        (system,) = scene.systems
        first = int(start / seconds + 1e-6)
        part = slice(first, first + len(system.scores))
        np.testing.assert_allclose(system.scores, whole.probabilities[part], atol=1e-6)
        np.testing.assert_allclose(system.median, whole.median_filtered().probabilities[part], atol=1e-6)
        assert system.frame_times[0] == 0 and np.diff(system.frame_times).min() >= 0
        np.testing.assert_allclose(system.frame_times[1:-1] + start, whole.frame_times[part][1:], atol=1e-9)
        assert scene.duration == pytest.approx(60 if start == 0 else 15, abs=1e-3)


def test_what_is_opened_is_in_the_list_at_once_and_the_rest_when_there_is_time(explorer):
    explorer.open("b.flac 0:01:00")
    scene = explorer.player.scene
    told = explorer.clips.set_index("key")
    assert told["confidence"]["b.flac 0:01:00"] == pytest.approx(scene.systems[0].scores.max(), abs=1e-6)
    assert told["heard"].tolist() == ["not yet", "not yet", "yes", "not yet", "not yet"]

    explorer.complete()

    told = explorer.clips.set_index("key")
    assert told["heard"].tolist() == ["yes", "yes", "yes", "not yet", "not yet"]
    assert told["entropy"].notna().tolist() == [True, True, True, False, False]
    assert set(told["detected"]["a.wav"]) <= set(sedlab.labels.CLASSES)
    assert "d.flac" in told["problem"]["d.flac"]  # its header was fine, its sound is not


def test_several_detectors_disagree_and_must_know_the_same_classes(folder, checkpoint, tmp_path):
    save_detector(tmp_path / "beats.pt", small_detector("beats"))
    both = sedlab.explore(folder / "a.wav", checkpoint=[checkpoint, tmp_path / "beats.pt"])
    assert [system.name for system in both.player.scene.systems] == ["atst.pt", "beats.pt"]
    assert both.clips["disagreement"][0] > 0
    assert both.call.startswith(f"sedlab.explore('{folder}/a.wav', checkpoint=[")


def test_a_window_is_heard_once(folder, checkpoint):
    recording = DecodedRecording(folder / "b.flac")
    passages = Passages(sedlab.load_detector(checkpoint), recording.audio)
    for window in passages.missing(20, 30):
        passages.hear(window, recording)
    assert passages.missing(20, 30) == passages.missing(22, 28) == []
    assert passages.missing(0, 75)[0] == 0
    assert set(passages.missing(0, 75)).isdisjoint({2, 3})


def test_without_sound_or_detector_it_says_so(tmp_path, folder):
    with pytest.raises(SedlabError, match="holds no sound files"):
        sedlab.explore(tmp_path, checkpoint=tmp_path / "x.pt")
    with pytest.raises(SedlabError, match=r"x\.pt"):
        sedlab.explore(folder, checkpoint=tmp_path / "x.pt")
