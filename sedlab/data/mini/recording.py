"""One MAESTRO-like recording: a minute of a public place, with soft labels for every second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from sedlab.data.mini.annotators import soft_labels
from sedlab.data.mini.catalogue import MAESTRO_SOUNDS, render_event
from sedlab.data.mini.difficulty import MAESTRO_REVERB_SECONDS, MAESTRO_SNR_DB, MAESTRO_WET_DB
from sedlab.data.mini.envelopes import num_samples, place
from sedlab.data.mini.filters import band
from sedlab.data.mini.rooms import background, reverberate, room_response
from sedlab.data.mini.soundscape import Event, draw, draw_log, free_onset, loudness, to_int16
from sedlab.grid import SAMPLE_RATE

_TRAINS = ("metro approaching", "metro leaving")
_TRAIN_PERIOD_SECONDS = 32.0


@dataclass(frozen=True)
class Surroundings:
    """A kind of place: its background and how often each class sounds there, in events a minute."""

    background: str
    events_per_minute: Mapping[str, float]


# In the order in which recordings are handed out: the first four together hold all evaluated classes.
SCENES: Mapping[str, Surroundings] = {
    "residential_area": Surroundings(
        "pink",
        {
            "birds_singing": 3,
            "wind_blowing": 1.5,
            "car": 2,
            "footsteps": 2,
            "children voices": 2.5,
            "people talking": 1.5,
            "large_vehicle": 0.8,
        },
    ),
    "metro_station": Surroundings(
        "hall",
        {
            "metro approaching": 2,
            "metro leaving": 2,
            "people talking": 2,
            "footsteps": 3,
            "announcement": 1,
            "door opens/closes": 1.5,
            "children voices": 1,
        },
    ),
    "city_center": Surroundings(
        "street",
        {
            "car": 3,
            "large_vehicle": 2,
            "brakes_squeaking": 3.5,
            "footsteps": 2,
            "people talking": 2,
            "children voices": 1,
            "wind_blowing": 0.8,
        },
    ),
    "cafe_restaurant": Surroundings(
        "babble",
        {
            "cutlery and dishes": 6,
            "people talking": 3,
            "children voices": 1.5,
            "footsteps": 2,
            "coffee machine": 1,
            "furniture dragging": 1.5,
        },
    ),
    "grocery_store": Surroundings(
        "hum",
        {
            "cash register beeping": 5,
            "shopping cart": 2,
            "people talking": 2.5,
            "children voices": 2,
            "footsteps": 2,
            "announcement": 0.8,
            "door opens/closes": 1,
        },
    ),
}


@dataclass(frozen=True)
class SynthesisedRecording:
    """A finished recording: waveform (samples,) int16 at 16 kHz, and (onset, offset, label, confidence) by second."""

    waveform: np.ndarray
    labels: tuple[tuple[float, float, str, float], ...]


def maestro_recording(rng: Generator, scene_name: str, *, seconds: float, num_annotators: int) -> SynthesisedRecording:
    """Return one recording of a scene; every class of the scene sounds at least once."""
    scene = SCENES[scene_name]
    n = num_samples(seconds)
    noise = background(rng, n, scene.background)
    noise_level = loudness(noise)
    mixture, send = noise.copy(), np.zeros(n)
    tracks = {}
    for label, onsets in _schedule(rng, scene, seconds).items():
        tracks[label] = track = np.zeros(n)
        for onset, wave in onsets:
            start = round(onset * SAMPLE_RATE)
            wave = wave[max(0, -start) : n - start]
            gain = noise_level / max(loudness(wave), 1e-6) * 10 ** (draw(rng, MAESTRO_SNR_DB) / 20)
            place(track, wave * gain, max(0, start))
            place(send, wave * gain * 10 ** (draw(rng, MAESTRO_WET_DB) / 20), max(0, start))
        mixture += track
    mixture = reverberate(mixture, send, room_response(rng, draw_log(rng, MAESTRO_REVERB_SECONDS)))
    classes = list(tracks)
    snr = _snr_by_second(np.stack(list(tracks.values())), noise)
    confidence = soft_labels(rng, snr, classes, num_annotators=num_annotators)
    labels = [
        (float(second), min(second + 1.0, seconds), classes[index], round(float(confidence[index, second]), 4))
        for index, second in zip(*np.nonzero(confidence), strict=True)
    ]
    return SynthesisedRecording(to_int16(mixture, peak=10 ** (rng.uniform(-12, -1) / 20)), tuple(sorted(labels)))


def _schedule(rng: Generator, scene: Surroundings, seconds: float) -> dict[str, list[tuple[float, np.ndarray]]]:
    """Return (onset, waveform) of every event by class."""
    plan: dict[str, list[tuple[float, np.ndarray]]] = {}
    for label, rate in scene.events_per_minute.items():
        if label in _TRAINS:
            plan[label] = _trains(rng, label, seconds)
            continue
        plan[label], taken = [], []
        for _ in range(max(1, rng.poisson(rate * seconds / 60))):
            wave = render_event(label, rng)
            duration = len(wave) / SAMPLE_RATE
            onset = free_onset(rng, seconds, duration, taken)
            if onset is not None:
                taken.append(Event(label, onset, onset + duration))
                plan[label].append((onset, wave))
    assert set(plan) <= set(MAESTRO_SOUNDS)
    return plan


def _trains(rng: Generator, label: str, seconds: float) -> list[tuple[float, np.ndarray]]:
    """Return one train every half minute or so; it leaves half a period after it came."""
    count = max(1, round(seconds / _TRAIN_PERIOD_SECONDS))
    period = seconds / count
    late = 0.5 if label == "metro leaving" else 0.0
    return [((index + late + rng.uniform(0, 0.15)) * period, render_event(label, rng)) for index in range(count)]


def _snr_by_second(tracks: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return (classes, seconds) in dB: each class against the background and, less so, the other classes."""
    power = np.stack([_power_by_second(track) for track in tracks])
    # People listen into a mixture: other events mask less than noise of the same power.
    rest = _power_by_second(noise) + 0.2 * (power.sum(axis=0) - power)
    with np.errstate(divide="ignore"):
        return 10 * np.log10(power / rest)


def _power_by_second(x: np.ndarray) -> np.ndarray:
    seconds = -(-len(x) // SAMPLE_RATE)
    heard = np.pad(band(x, 150, None) if x.any() else x, (0, seconds * SAMPLE_RATE - len(x)))
    power = (heard.reshape(seconds, SAMPLE_RATE) ** 2).mean(axis=1)
    # What the filter rings on with after a sound is not the sound.
    return np.where(power > 1e-9 * power.max(initial=0.0), power, 0.0)
