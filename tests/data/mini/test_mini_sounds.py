"""The sounds, clips and annotators of the mini corpus."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from scipy import signal

from sedlab.data.mini import render_event
from sedlab.data.mini.annotators import soft_labels
from sedlab.data.mini.catalogue import DESED_SOUNDS, MAESTRO_SOUNDS, SOUNDS, active_span
from sedlab.data.mini.difficulty import AUDIOSET, DEVTEST, PUBLIC, REAL, SYNTH
from sedlab.data.mini.filters import band, control_times, shape_spectrum
from sedlab.data.mini.recording import SCENES, maestro_recording
from sedlab.data.mini.rooms import HOME_BACKGROUNDS, background, room_response
from sedlab.data.mini.soundscape import MIN_EVENT_SECONDS, audioset_clip, desed_clip
from sedlab.data.mini.sources import coloured_noise, oscillate
from sedlab.errors import SedlabError
from sedlab.labels import DESED_CLASSES, MAESTRO_CLASSES

RATE = 16_000


def test_there_is_a_recipe_for_every_class():
    assert set(DESED_SOUNDS) == set(DESED_CLASSES)
    assert set(MAESTRO_SOUNDS) == set(MAESTRO_CLASSES)


@pytest.mark.parametrize("label", SOUNDS)
def test_a_sound_is_finite_varied_and_about_as_long_as_its_class(label):
    waves = [render_event(label, seed) for seed in range(3)]
    shortest, longest = SOUNDS[label].seconds
    for wave in waves:
        assert np.isfinite(wave).all()
        assert np.sqrt(np.mean(wave**2)) == pytest.approx(1)
        assert min(0.05, shortest) <= len(wave) / RATE <= longest + 1
    assert not np.array_equal(waves[0], render_event(label, 3)[: len(waves[0])])
    np.testing.assert_array_equal(waves[0], render_event(label, np.random.default_rng(0)))


@pytest.mark.parametrize("label", SOUNDS)
def test_a_sound_fills_its_span(label):
    wave = render_event(label, 5)
    start, end = active_span(wave)
    # Sounds that swell or fade for seconds have no sharp border.
    tolerance = 0.1 * len(wave) / RATE if SOUNDS[label].seconds[1] > 4 else 0.05
    assert start / RATE <= tolerance
    assert (len(wave) - end) / RATE <= tolerance


def test_an_unknown_sound_is_refused_with_the_nearest_name():
    with pytest.raises(SedlabError, match="Did you mean 'Dog'"):
        render_event("Dogs")


def test_classes_can_be_told_apart_by_their_long_term_spectrum():
    """A nearest-centroid rule on band levels and their fluctuation is right far more often than by chance."""

    def describe(wave):
        _, _, power = signal.spectrogram(wave, RATE, nperseg=512, noverlap=256)
        bands = np.array([rows.mean(axis=0) for rows in np.array_split(power[2:], 24)])
        level = 10 * np.log10(bands + 1e-9)
        return np.concatenate([level.mean(axis=1), level.std(axis=1)])

    labels = list(DESED_SOUNDS)
    known = np.array([[describe(render_event(label, seed)) for seed in range(12)] for label in labels])
    unseen = np.array([[describe(render_event(label, seed)) for seed in range(12, 16)] for label in labels])
    scale = known.std(axis=1).mean(axis=0)
    distance = np.abs(unseen[:, :, None] - known.mean(axis=1)[None, None]) / scale
    guessed = distance.mean(axis=-1).argmin(axis=-1)
    assert (guessed == np.arange(len(labels))[:, None]).mean() > 0.6


def test_metro_grows_louder_when_it_comes_and_softer_when_it_goes():
    def rise(label, seed):
        wave = render_event(label, seed)
        first, last = np.array_split(wave, 2)
        return np.sqrt(np.mean(last**2) / np.mean(first**2))

    assert all(rise("metro approaching", seed) > 1.5 for seed in range(6))
    assert all(rise("metro leaving", seed) < 1 / 1.5 for seed in range(6))


def test_labels_lie_where_the_energy_is():
    clear = dataclasses.replace(SYNTH, snr_db=(25.0, 25.0), wet_db=(-60.0, -60.0))
    for index in range(10):
        clip = desed_clip(np.random.default_rng([3, index]), index, clear)
        power = band(clip.waveform.astype(float), 150, None) ** 2
        inside = np.zeros(len(power), dtype=bool)
        for event in clip.events:
            inside[round(event.onset * RATE) : round(event.offset * RATE)] = True
        # An event fades for a moment after its label ends; leave 50 ms on either side out of the comparison.
        outside = ~np.convolve(inside, np.ones(1601), mode="same").astype(bool)
        if outside.mean() > 0.05:
            assert 10 * np.log10(power[inside].mean() / power[outside].mean()) > 10


@pytest.mark.parametrize("difficulty", [SYNTH, REAL, DEVTEST, PUBLIC])
def test_clips_neither_clip_nor_fall_silent_and_events_of_a_class_do_not_overlap(difficulty):
    for index in range(10):
        clip = desed_clip(np.random.default_rng([4, index]), index, difficulty)
        assert 600 < np.abs(clip.waveform.astype(int)).max() < 32_767
        assert clip.duration <= 10
        for label in {event.label for event in clip.events}:
            own = [event for event in clip.events if event.label == label]
            assert all(after.onset > before.offset for before, after in pairwise(own))
        assert all(event.offset - event.onset >= MIN_EVENT_SECONDS - 1e-9 for event in clip.events)


def test_ten_clips_in_a_row_hold_all_ten_classes():
    clips = [desed_clip(np.random.default_rng([5, index]), index, SYNTH) for index in range(10)]
    assert {event.label for clip in clips for event in clip.events} == set(DESED_CLASSES)


def test_an_empty_clip_has_background_only():
    empty = dataclasses.replace(DEVTEST, empty_clip_probability=1.0)
    clip = desed_clip(np.random.default_rng(0), 0, empty)
    assert clip.events == ()
    assert clip.waveform.any()


def test_pretraining_clips_reach_beyond_the_task():
    labels = {
        event.label
        for index in range(len(SOUNDS))
        for event in audioset_clip(np.random.default_rng([6, index]), index, AUDIOSET).events
    }
    assert labels == set(SOUNDS)


@pytest.mark.parametrize("scene", SCENES)
def test_a_recording_has_soft_labels_of_its_scene(scene):
    recording = maestro_recording(np.random.default_rng(1), scene, seconds=20, num_annotators=5)
    assert len(recording.waveform) == 20 * RATE
    assert {label for _, _, label, _ in recording.labels} <= set(SCENES[scene].events_per_minute)
    confidences = np.array([confidence for *_, confidence in recording.labels])
    assert ((confidences > 0) & (confidences <= 1)).all()
    assert ((confidences > 0) & (confidences < 1)).any()


def test_annotators_agree_on_what_is_loud_and_doubt_what_is_faint():
    snr = np.full((3, 4000), -np.inf)
    snr[0], snr[1] = 20, -9
    loud, faint, absent = soft_labels(
        np.random.default_rng(0), snr, ["car", "footsteps", "birds_singing"], num_annotators=5
    )
    assert loud.mean() > 0.75
    assert 0.2 < faint.mean() < 0.6
    assert 0 < absent.mean() < 0.1


def test_annotators_confuse_similar_classes_more_than_others():
    snr = np.full((3, 4000), -np.inf)
    snr[0] = 20
    _, similar, other = soft_labels(
        np.random.default_rng(0), snr, ["car", "large_vehicle", "footsteps"], num_annotators=5
    )
    assert similar.mean() > 2 * other.mean()


@pytest.mark.parametrize("kind", [*HOME_BACKGROUNDS, "hall"])
def test_backgrounds_sound_throughout(kind):
    noise = background(np.random.default_rng(0), 5 * RATE, kind)
    level = np.sqrt((noise.reshape(10, -1) ** 2).mean(axis=1))
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1)
    assert level.min() > 0.3


def test_reverberation_falls_by_about_60_db_in_its_time():
    response = room_response(np.random.default_rng(0), 0.6)
    energy = np.cumsum(response[::-1] ** 2)[::-1]
    assert np.sum(response**2) == pytest.approx(1)
    assert -75 < 10 * np.log10(energy[round(0.6 * RATE)]) < -40


def test_all_pass_gains_give_the_waveform_back():
    x = np.random.default_rng(0).standard_normal(5001)
    gains = np.ones((len(control_times(len(x))), 257))
    np.testing.assert_allclose(shape_spectrum(x, gains), x, atol=1e-12)


def test_gains_act_at_the_time_of_their_frame():
    x = np.random.default_rng(0).standard_normal(RATE)
    times = control_times(len(x))
    late = np.repeat((times > 0.5)[:, None], 257, axis=1).astype(float)
    level = np.abs(shape_spectrum(x, late))
    assert level[: round(0.46 * RATE)].max() == 0
    assert level[round(0.54 * RATE) :].mean() == pytest.approx(np.abs(x[round(0.54 * RATE) :]).mean())


def test_an_oscillator_sounds_at_its_pitch():
    wave = oscillate(np.full(RATE, 440.0), np.array([1.0, 0.5]))
    spectrum = np.abs(np.fft.rfft(wave)) / (RATE / 2)
    assert spectrum.argmax() == 440
    assert spectrum[[440, 880]] == pytest.approx([1, 0.5], abs=1e-3)


def test_brown_noise_falls_by_6_db_an_octave():
    noise = coloured_noise(np.random.default_rng(0), 2**18, exponent=2)
    power = np.abs(np.fft.rfft(noise)) ** 2
    octave = [power[int(low * 2**18 / RATE) : int(2 * low * 2**18 / RATE)].mean() for low in (200, 400, 800)]
    assert 10 * np.log10(np.array(octave[:-1]) / octave[1:]) == pytest.approx([6, 6], abs=0.5)
