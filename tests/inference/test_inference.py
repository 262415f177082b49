"""Predictions and detections for recordings of any length."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from shell import python

from sedlab.config.model import ARCHS, TaggerConfig
from sedlab.data.audio_file import resample
from sedlab.errors import SedlabError
from sedlab.inference.cutting import Samples
from sedlab.inference.predictor import Predictor
from sedlab.inference.recordings import score_recordings
from sedlab.inference.windows import WindowGrid
from sedlab.labels import CLASSES
from sedlab.models.tagger import FrameTagger

NETWORKS = (*ARCHS, "tagger")


@pytest.fixture
def make_predictor(make_detector, tiny):
    """Return a function that builds a predictor with a small network whose scores cross 0.5 often."""

    def build(name: str):
        if name != "tagger":
            network = make_detector(name)
            linear = network.head.events
        else:
            torch.manual_seed(0)
            network = FrameTagger(TaggerConfig(transformer=tiny("atst").transformer, num_classes=5), "abcde").eval()
            linear = network.head
        with torch.no_grad():
            linear.weight.mul_(30)
            # around 0.5: the untrained features have a mean
            audio = music(10, seed=5)
            logits = torch.logit(network.window_probabilities(torch.from_numpy(audio)[None]), eps=1e-6)
            linear.bias -= logits.median(dim=1).values[0]
        return Predictor(network)

    return build


def music(seconds: float, seed: int = 0) -> np.ndarray:
    """Return bursts of tones in faint noise (samples,) float32 at 16 kHz, loud up to the last sample."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * 16_000)) / 16_000
    audio = 0.01 * random.standard_normal(len(time))
    for onset in np.arange(0, seconds, 0.7):
        frequency, length = random.uniform(100, 6000), random.uniform(0.2, 1.0)
        active = (time >= onset) & (time < onset + length)
        audio += 0.3 * random.uniform(0.1, 1) * active * np.sin(2 * np.pi * frequency * time)
    audio[-1] = 0.1
    return audio.astype(np.float32)


def in_blocks(audio: np.ndarray, size: int):
    return (audio[start : start + size] for start in range(0, len(audio), size))


# -- windows ----------------------------------------------------------------------------------------------------------


@given(num_frames=st.integers(1, 3000), grid=st.sampled_from([WindowGrid(1024, 156), WindowGrid(640, 250)]))
def test_windows_cover_every_frame_and_none_is_superfluous(num_frames, grid):
    num_windows = grid.num_windows(num_frames)
    assert (num_windows - 1) * grid.hop_frames + grid.window_frames >= num_frames
    assert num_windows == 1 or (num_windows - 2) * grid.hop_frames + grid.window_frames < num_frames


@given(num_frames=st.integers(1, 1000), grid=st.sampled_from([WindowGrid(1024, 156), WindowGrid(640, 250)]))
def test_windows_that_agree_are_joined_to_what_they_agree_on(num_frames, grid):
    truth = np.random.default_rng(num_frames).random((num_frames + 1000, 2)).astype(np.float32)
    scores = np.zeros((num_frames, 2), dtype=np.float32)
    for index in range(grid.num_windows(num_frames)):
        start = index * grid.hop_frames
        grid.add(scores, index, truth[start : start + grid.window_frames])
    np.testing.assert_allclose(scores, truth[:num_frames], atol=1e-6)


def test_neighbours_fade_into_each_other():
    grid = WindowGrid(1024, 156)
    scores = np.zeros((281, 1), dtype=np.float32)
    grid.add(scores, 0, np.zeros((156, 1), dtype=np.float32))
    grid.add(scores, 1, np.ones((156, 1), dtype=np.float32))
    assert (scores[:125] == 0).all()
    assert (scores[156:] == 1).all()
    np.testing.assert_allclose(np.diff(scores[124:157, 0]), 1 / 32, atol=1e-6)


@given(length=st.integers(0, 400_000), block=st.integers(1_000, 300_000))
def test_windows_are_cut_from_any_blocks(length, block):
    audio = np.arange(length, dtype=np.float32)
    windows = list(WindowGrid(1024, 156).cut(in_blocks(audio, block), 3))
    padded = np.pad(audio, (0, 500_000))
    for index, window in enumerate(windows):
        np.testing.assert_array_equal(window, padded[index * 128_000 :][:160_000])


# -- predict ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    ("num_samples", "detector_frames", "tagger_frames"),
    [(1, 1, 1), (1600, 1, 2), (80_000, 78, 125), (160_000, 156, 250), (175_000, 171, 273), (560_000, 547, 875)],
)
def test_shapes_and_times(make_predictor, name, num_samples, detector_frames, tagger_frames):
    predictor = make_predictor(name)
    frames, seconds = (tagger_frames, 0.04) if name == "tagger" else (detector_frames, 0.064)
    probabilities, times = predictor.predict(music(num_samples / 16_000))
    assert probabilities.shape == (1, frames, len(predictor.classes))
    assert probabilities.dtype == np.float32
    assert 0 <= probabilities.min() <= probabilities.max() <= 1
    assert times.dtype == np.float64
    np.testing.assert_allclose(times, np.arange(frames + 1) * seconds)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_clip_of_10_seconds_is_one_window_to_the_bit(make_predictor, name, tmp_path):
    predictor = make_predictor(name)
    clips = np.stack([music(10), 0.01 * music(10, seed=1)])
    with torch.no_grad():
        alone = [predictor.network.window_probabilities(torch.from_numpy(clip[None])).numpy() for clip in clips]
    expected = predictor.predict(clips).probabilities
    np.testing.assert_allclose(expected, np.concatenate(alone), atol=1e-6)
    for same in (torch.from_numpy(clips).double(), clips[:, ::-1].copy()[:, ::-1], np.broadcast_to(clips, clips.shape)):
        assert np.array_equal(predictor.predict(same).probabilities, expected)
    soundfile.write(tmp_path / "a.wav", clips[1], 16_000, subtype="FLOAT")
    assert np.array_equal(predictor.predict_file(tmp_path / "a.wav").probabilities, alone[1][0])


@pytest.mark.parametrize("name", NETWORKS)
def test_a_short_clip_is_padded_with_silence(make_predictor, name):
    predictor, clip = make_predictor(name), music(3)
    padded = predictor.predict(np.pad(clip, (0, 112_000))).probabilities
    short = predictor.predict(clip).probabilities
    assert np.array_equal(short, padded[:, : short.shape[1]])


@pytest.mark.parametrize("name", NETWORKS)
def test_long_waveforms_are_scored_one_by_one(make_predictor, name):
    predictor = make_predictor(name)
    batch = np.stack([music(19, seed=1), 0.001 * music(19, seed=2)])
    together = predictor.predict(batch).probabilities
    for row, waveform in zip(together, batch, strict=True):
        np.testing.assert_allclose(row, predictor.predict(waveform).probabilities[0], atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_frames_of_one_window_only_are_its_own(make_predictor, name):
    predictor, audio = make_predictor(name), music(26)
    whole = predictor.predict(audio).probabilities[0]
    hop = 128_000 // predictor.network.frame_samples
    window_frames = predictor.network.num_frames(160_000)
    second = predictor.predict(audio[128_000:288_000]).probabilities[0]
    np.testing.assert_allclose(whole[window_frames : 2 * hop], second[window_frames - hop : hop], atol=1e-6)
    shared = slice(hop, window_frames)
    first = predictor.predict(audio[:160_000]).probabilities[0]
    assert (whole[shared] <= np.maximum(first[hop:], second[: window_frames - hop]) + 1e-6).all()
    assert (whole[shared] >= np.minimum(first[hop:], second[: window_frames - hop]) - 1e-6).all()


def test_silence_alone_has_scores_too(make_predictor):
    assert make_predictor("atst").predict(np.zeros(300_000, dtype=np.float32)).probabilities.shape == (1, 293, 27)


@pytest.mark.parametrize("seconds", [2, 12])
def test_what_a_network_was_doing_it_goes_on_doing(make_predictor, seconds):
    predictor = make_predictor("atst")
    network = predictor.network.freeze_transformer().train()
    modes = [module.training for module in network.modules()]
    first = predictor.predict(music(seconds)).probabilities
    assert [module.training for module in network.modules()] == modes
    assert network.transformer_frontend.top_db_scope == "batch"
    assert not any(parameter.is_inference() for parameter in network.parameters())
    network.eval()
    assert np.array_equal(first, predictor.predict(music(seconds)).probabilities)


@pytest.mark.parametrize(
    ("waveform", "message"),
    [
        (np.zeros(0, dtype=np.float32), "shape"),
        (np.zeros((1, 1, 10), dtype=np.float32), "shape"),
        (np.zeros(10, dtype=np.int16), "divided by 32768"),
        (np.array([0.0, np.nan]), "not finite"),
    ],
)
def test_waveforms_that_cannot_be_scored_are_refused(make_detector, waveform, message):
    with pytest.raises(SedlabError, match=message):
        Predictor(make_detector("atst")).predict(waveform)


@pytest.mark.parametrize("name", NETWORKS)
def test_tags_are_what_the_network_says_about_whole_clips(make_detector, tiny, name):
    if name == "tagger":
        sizes = {"num_classes": 3, "clip_head": "linear", "num_clip_classes": 3}
        network = FrameTagger(TaggerConfig(transformer=tiny("atst").transformer, **sizes), "abc").eval()
    else:
        network = make_detector(name)
    clips = torch.from_numpy(np.stack([music(4), music(4, seed=1)]))
    with torch.no_grad():
        padded = torch.nn.functional.pad(clips, (0, 96_000))
        expected = np.concatenate([network.clip_probabilities(clip[None]).numpy() for clip in padded])
    assert expected.shape == (2, len(network.classes))
    np.testing.assert_allclose(Predictor(network).tag(clips), expected, atol=1e-6)
    if name != "tagger":  # a mean over the frames, weighted by attention
        windows = Predictor(network).predict(np.pad(clips, ((0, 0), (0, 96_000)))).probabilities
        assert (expected <= windows.max(axis=1) + 1e-6).all()
        assert (expected >= windows.min(axis=1) - 1e-6).all()


def test_only_clips_with_an_output_for_them_are_tagged(make_predictor):
    with pytest.raises(SedlabError, match=r"lasts 10\.5 s"):
        make_predictor("atst").tag(music(10.5))
    with pytest.raises(SedlabError, match="no head for whole clips"):
        make_predictor("tagger").tag(music(1))


# -- recordings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_neither_batches_nor_blocks_matter(make_predictor, name):
    network, audio = make_predictor(name).network, music(37)
    audio[300_000:] *= 0.001  # where the loudest cell of a batch matters
    results = [
        Predictor(network, batch_size=batch_size)
        .predict_stream(in_blocks(audio, block), num_samples=len(audio))
        .probabilities
        for batch_size, block in ((1, 50_000), (2, 1_000_000), (4, 12_345))
    ]
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], atol=1e-6)
    np.testing.assert_allclose(results[0], Predictor(network).predict(audio).probabilities[0], atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("sample_rate", [16_000, pytest.param(44_100, marks=pytest.mark.slow)])
def test_appended_silence_changes_no_event(make_predictor, tmp_path, name, sample_rate):
    predictor, audio = make_predictor(name), music(35.0)
    audio = resample(audio, 16_000, sample_rate)
    plain = tmp_path / "plain.wav"
    soundfile.write(plain, audio, sample_rate)
    expected, scores = predictor.detect(plain), predictor.predict_file(plain)
    assert len(expected) > 20
    assert expected["offset"].max() == pytest.approx(35.0)
    for seconds in (0.01, 0.5, 5.0, 40.0):
        path = tmp_path / "longer.wav"
        soundfile.write(path, np.pad(audio, (0, round(seconds * sample_rate))), sample_rate)
        longer = predictor.predict_file(path)
        num_frames = len(scores.probabilities)
        assert np.array_equal(longer.probabilities[:num_frames], scores.probabilities)
        for postprocess in ("median", "none"):
            pd.testing.assert_frame_equal(
                longer.events(postprocess=postprocess), scores.events(postprocess=postprocess), check_exact=True
            )
    assert (longer.probabilities[longer.num_sound_frames + 200 :] == 0).all()
    assert longer.duration == pytest.approx(75.0)
    pd.testing.assert_frame_equal(predictor.detect(path), expected, check_exact=True)


def test_appended_silence_changes_no_event_of_a_waveform(make_predictor):
    predictor, audio = make_predictor("atst"), music(14)
    for sample_rate in (16_000, 44_100):
        expected = predictor.detect(audio, sample_rate=sample_rate, postprocess="none")
        longer = predictor.detect(np.pad(audio, (0, 500_000)), sample_rate=sample_rate, postprocess="none")
        assert len(expected)
        pd.testing.assert_frame_equal(longer, expected, check_exact=True)


def test_a_file_and_its_samples_have_the_same_events(make_predictor, tmp_path):
    predictor, audio = make_predictor("passt"), music(21)
    soundfile.write(tmp_path / "a.wav", audio, 22_050, subtype="FLOAT")
    events = predictor.detect(tmp_path / "a.wav")
    assert list(events) == ["onset", "offset", "label", "confidence"]
    pd.testing.assert_frame_equal(predictor.detect(torch.from_numpy(audio), sample_rate=22_050), events, atol=1e-6)
    assert len(predictor.detect(str(tmp_path / "a.wav"), thresholds=0.9)) != len(events)


@pytest.mark.parametrize("sample_rate", [0, 1, 2**31 - 1])
def test_a_waveform_of_an_absurd_rate_is_refused(make_detector, sample_rate):
    with pytest.raises(SedlabError, match=rf"waveform: has a sample rate of {sample_rate} Hz"):
        Predictor(make_detector("atst")).detect(music(1), sample_rate=sample_rate)


def test_detect_refuses_silence_by_name(make_detector, tmp_path):
    detector = Predictor(make_detector("atst"))
    soundfile.write(tmp_path / "quiet.wav", np.zeros(5000), 16_000)
    with pytest.raises(SedlabError, match=r"quiet\.wav: is silent"):
        detector.detect(tmp_path / "quiet.wav")
    with pytest.raises(SedlabError, match="is silent"):
        detector.detect(np.full(5000, 1e-6))
    with pytest.raises(SedlabError, match="one mono recording"):
        detector.detect(np.ones((2, 5000)))


@pytest.mark.parametrize("name", ["atst", "tagger"])
@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.5])
def test_short_recordings_are_filtered_with_what_fits(make_predictor, name, seconds):
    events = make_predictor(name).detect(music(seconds))
    assert (events["offset"] <= seconds).all()


def test_a_function_proposes_events(make_predictor):
    predictor = make_predictor("atst")

    def propose(probabilities, classes, frame_times):
        assert classes == CLASSES
        assert probabilities.shape == (len(frame_times) - 1, len(classes))
        rows = [(1.0, 2.0, "Cat", 0.6), (0.5, 1.0, "Dog", 0.7), (0.5, 3.0, "Cat", 0.7), (0.0, 1.0, "Dog", 0.5)]
        return pd.DataFrame(rows, columns=["onset", "offset", "label", "confidence"])

    events = predictor.detect(music(5), postprocess=propose)
    ordered = sorted([(0.5, CLASSES.index("Cat")), (0.5, CLASSES.index("Dog")), (1.0, CLASSES.index("Cat"))])
    assert list(zip(events["onset"], map(CLASSES.index, events["label"]), strict=True)) == ordered
    thresholds = {label: 0.65 if label == "Cat" else 0.4 for label in CLASSES}
    assert predictor.detect(music(5), postprocess=propose, thresholds=thresholds)["onset"].tolist() == [0.0, 0.5, 0.5]
    with pytest.raises(SedlabError, match="unknown post-processing 'mean'"):
        predictor.detect(music(1), postprocess="mean")


def test_progress_counts_seconds(make_predictor, tmp_path):
    soundfile.write(tmp_path / "a.wav", music(50), 16_000)
    calls = []
    predictor = Predictor(make_predictor("atst").network, batch_size=2)
    predictor.predict_file(tmp_path / "a.wav", progress=lambda *call: calls.append(call))
    done = [call[0] for call in calls]
    assert done == sorted(done)
    assert len(done) == 3
    assert calls[-1] == (50.0, 50.0, "seconds")


_PEAK_MEMORY = """
import resource, sys
import numpy as np, torch
torch.set_num_threads(1)
from sedlab.config.loading import load_experiment
from sedlab.models.detector import Detector
from sedlab.inference.predictor import Predictor
from sedlab.inference.cutting import Samples
from sedlab.inference.recordings import score_recordings
torch.manual_seed(0)
detector = Detector(load_experiment("nano").models["atst"]).eval()
scores = Predictor(detector).predict_file(sys.argv[1])
print(len(scores.probabilities), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_an_hour_takes_no_more_memory_than_ten_minutes(tmp_path):
    minute = (music(60) * 32768).clip(-32768, 32767).astype(np.int16)
    peaks = {}
    for minutes in (10, 60):
        path = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(path, "w", 16_000, 1) as file:
            for _ in range(minutes):
                file.write(minute)
        frames, peaks[minutes] = map(int, python("-c", _PEAK_MEMORY, path).split())
        assert frames == minutes * 60 * 16_000 // 1024
    assert peaks[60] - peaks[10] < 60


# -- many recordings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("together", [False, True])
def test_recordings_scored_after_each_other_have_the_scores_they_have_alone(make_predictor, together):
    """On a CPU to the bit; where they share batches of windows, to rounding. One that fails takes no other with it."""
    predictor = make_predictor("atst")
    recordings = [music(seconds) for seconds in (3, 21, 0.5, 37, 10)]
    batches, told = [], []

    def score(waveform):
        batches.append(len(waveform))
        return predictor._window_probabilities(waveform)

    def source(place):
        def breaking():
            yield recordings[place][:100_000]
            raise OSError("gone")

        def opened():
            if place == 2:
                raise SedlabError("cannot be opened")
            length = len(recordings[place])
            return Samples(breaking() if place == 3 else in_blocks(recordings[place], 50_000), length, length)

        return opened, lambda done, total: told.append((place, done, total))

    scored = list(score_recordings(map(source, range(5)), predictor.network, score, batch_size=2, together=together))
    assert [type(result.error) for result in scored] == [type(None), type(None), SedlabError, OSError, type(None)]
    for place in (0, 1, 4):
        alone = Predictor(predictor.network, batch_size=2).predict(recordings[place]).probabilities[0]
        if together:
            np.testing.assert_allclose(scored[place].probabilities, alone, atol=1e-6)
        else:
            assert np.array_equal(scored[place].probabilities, alone)
    # 1, 3 and 1 windows, and none of those that fail at once.
    assert [size for size in batches if size] == ([2, 2, 1] if together else [1, 2, 1, 1])
    assert told[-1] == (4, 1, 1) and (1, 3, 3) in told


def test_a_damaged_file_among_others_is_its_own_error(make_predictor, tmp_path):
    predictor, paths = make_predictor("atst"), [tmp_path / f"{number}.wav" for number in range(3)]
    for path in paths:
        soundfile.write(path, music(12), 16_000)
    paths[1].write_bytes(b"RIFF")
    first, second, third = predictor.predict_files(paths)
    assert isinstance(second, SedlabError) and "1.wav" in str(second)
    assert np.array_equal(first.probabilities, predictor.predict_file(paths[2]).probabilities)
    assert np.array_equal(first.probabilities, third.probabilities)


def test_between_recordings_the_caller_may_train(make_predictor, tmp_path):
    predictor = make_predictor("atst")
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for path in paths:
        soundfile.write(path, music(1), 16_000)
    for _ in predictor.predict_files(paths):
        assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(("precision", "tolerance"), [("32-true", 1e-4), ("16-mixed", 0.01)])
def test_a_gpu_says_the_same_of_recordings(make_detector, tmp_path, precision, tolerance):
    paths = [tmp_path / f"{number}.wav" for number in range(4)]
    for number, path in enumerate(paths):
        soundfile.write(path, music(5 + 9 * number), 16_000)
    alone = list(Predictor(make_detector("atst")).predict_files(paths))
    on_gpu = Predictor(make_detector("atst").cuda(), batch_size=3, precision=precision)
    for one, other in zip(alone, on_gpu.predict_files(paths), strict=True):
        np.testing.assert_allclose(other.probabilities, one.probabilities, atol=tolerance)
