"""One 10 s clip: which events, when, how loud, in which room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from sedlab.data.mini.catalogue import DESED_SOUNDS, SOUNDS, SoundKind, active_span, render_event
from sedlab.data.mini.difficulty import Difficulty
from sedlab.data.mini.envelopes import num_samples, place
from sedlab.data.mini.filters import band
from sedlab.data.mini.rooms import HOME_BACKGROUNDS, background, device_colour, reverberate, room_response
from sedlab.grid import CLIP_SECONDS, SAMPLE_RATE

#: Shortest event and shortest pause between two of one class. Shorter sounds are labelled this long, as in DESED.
MIN_EVENT_SECONDS = 0.25
MIN_GAP_SECONDS = 0.2

#: What is heard together with what: the second class of a clip is drawn from its first class's company.
COMPANY: Mapping[str, tuple[str, ...]] = {
    "Alarm_bell_ringing": ("Dog", "Speech", "Vacuum_cleaner"),
    "Blender": ("Dishes", "Running_water", "Speech"),
    "Cat": ("Dishes", "Dog", "Running_water", "Alarm_bell_ringing"),
    "Dishes": ("Frying", "Running_water", "Blender"),
    "Dog": ("Cat", "Vacuum_cleaner", "Alarm_bell_ringing"),
    "Electric_shaver_toothbrush": ("Running_water", "Speech", "Cat"),
    "Frying": ("Dishes", "Speech", "Alarm_bell_ringing"),
    "Running_water": ("Dishes", "Electric_shaver_toothbrush", "Frying"),
    "Speech": ("Dishes", "Dog", "Cat", "Alarm_bell_ringing"),
    "Vacuum_cleaner": ("Speech", "Dog", "Cat"),
}


@dataclass(frozen=True)
class Event:
    """A labelled sound: class, start and end in seconds of the clip."""

    label: str
    onset: float
    offset: float


@dataclass(frozen=True)
class SynthesisedClip:
    """A finished clip: waveform (samples,) int16 at 16 kHz, and what can be heard in it, ordered by onset."""

    waveform: np.ndarray
    events: tuple[Event, ...]

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.waveform) / SAMPLE_RATE


def desed_clip(rng: Generator, index: int, difficulty: Difficulty) -> SynthesisedClip:
    """Return a domestic clip. ``index`` rotates the main class, so that a small set still holds all ten."""
    classes = tuple(DESED_SOUNDS)
    main = classes[index % len(classes)]
    # Drawn in this order and always, so that one number in `Difficulty` does not change everything after it.
    second, talks, empty, short = rng.random(4)
    companion = COMPANY[main][rng.integers(len(COMPANY[main]))]
    seconds = rng.uniform(5.0, CLIP_SECONDS)
    labels = [main]
    if second < difficulty.second_class_probability:
        labels.append(companion)
    if talks < difficulty.speech_probability and "Speech" not in labels:
        labels.append("Speech")
    if empty < difficulty.empty_clip_probability:
        labels = []
    return _mix(
        rng, [DESED_SOUNDS[label] for label in labels], difficulty,
        seconds=round(seconds, 1) if short < difficulty.short_clip_probability else CLIP_SECONDS,
    )  # fmt: skip


def audioset_clip(rng: Generator, index: int, difficulty: Difficulty) -> SynthesisedClip:
    """Return a clip of the pre-training set: one to three classes out of everything the corpus can make."""
    sounds = list(SOUNDS.values())
    chosen = [sounds[index % len(sounds)]]
    chosen += [sounds[i] for i in rng.integers(len(sounds), size=rng.integers(0, 3))]
    if rng.random() < difficulty.speech_probability:
        chosen.append(DESED_SOUNDS["Speech"])
    # One sound a class of the ontology; the first drawn stays.
    by_class = {sound.mid: sound for sound in reversed(chosen)}
    return _mix(rng, list(by_class.values()), difficulty, seconds=CLIP_SECONDS)


def loudness(x: np.ndarray) -> float:
    """Return the RMS of ``x`` above 150 Hz: rumble carries power but is hardly heard."""
    return float(np.sqrt(np.mean(band(x, 150, None) ** 2)))


def to_int16(x: np.ndarray, *, peak: float) -> np.ndarray:
    """Return ``x`` scaled to the given peak (1 is full scale) as int16."""
    return np.round(x * (peak / np.abs(x).max()) * 32767).astype(np.int16)


def draw(rng: Generator, bounds: tuple[float, float]) -> float:
    """Return a number drawn uniformly within ``bounds``."""
    return float(rng.uniform(*bounds))


def draw_log(rng: Generator, bounds: tuple[float, float]) -> float:
    """Return a positive number drawn log-uniformly within ``bounds``."""
    return float(np.exp(rng.uniform(*np.log(bounds))))


def free_onset(rng: Generator, seconds: float, duration: float, taken: Sequence[Event]) -> float | None:
    """Return a start for a sound of ``duration`` in a clip of ``seconds`` that keeps its distance from ``taken``.

    Long sounds may begin before the clip or outlast it. None when no place was found.
    """
    earliest = -0.4 * duration if duration > 3 else 0.0
    latest = seconds - (0.5 * duration if duration > 3 else duration)
    if latest <= earliest:
        return 0.0 if not taken else None
    for _ in range(8):
        onset = rng.uniform(earliest, latest)
        if all(
            onset > event.offset + MIN_GAP_SECONDS or onset + duration < event.onset - MIN_GAP_SECONDS
            for event in taken
        ):
            return float(onset)
    return None


def _mix(rng: Generator, sounds: Sequence[SoundKind], difficulty: Difficulty, *, seconds: float) -> SynthesisedClip:
    n = num_samples(seconds)
    kinds, weights = zip(*HOME_BACKGROUNDS.items(), strict=True)
    noise = background(rng, n, str(rng.choice(kinds, p=weights)))
    noise_level = loudness(noise)
    dry, send = np.zeros(n), np.zeros(n)
    events: list[Event] = []
    for sound in sounds:
        # One distance and one loudness for each source; its events vary a little around it.
        snr, wet = draw(rng, difficulty.snr_db), draw(rng, difficulty.wet_db)
        own: list[Event] = []
        for _ in range(int(rng.integers(1, sound.max_per_clip + 1))):
            wave = render_event(sound.label, rng)
            onset = free_onset(rng, seconds, max(len(wave) / SAMPLE_RATE, MIN_EVENT_SECONDS), own)
            if onset is None:
                continue
            start = round(onset * SAMPLE_RATE)
            wave, start = wave[max(0, -start) : n - start], max(0, start)
            # A border of the clip may cut within a pause of the sound.
            first, last = active_span(wave)
            wave, start = wave[first:last], start + first
            wave *= noise_level / max(loudness(wave), 1e-6) * 10 ** ((snr + rng.normal(0, 1.5)) / 20)
            place(dry, wave, start)
            place(send, wave * 10 ** (wet / 20), start)
            own.append(_event(sound.label, start, start + len(wave), clip_end=seconds))
        events += own
    mixture = reverberate(dry, send, room_response(rng, draw_log(rng, difficulty.reverb_seconds))) + noise
    if difficulty.device:
        mixture = device_colour(rng, mixture)
    peak = 10 ** (draw(rng, difficulty.peak_db) / 20)
    return SynthesisedClip(
        to_int16(mixture, peak=peak), tuple(sorted(events, key=lambda event: (event.onset, event.label)))
    )


def _event(label: str, start: int, end: int, *, clip_end: float) -> Event:
    onset, offset = start / SAMPLE_RATE, end / SAMPLE_RATE
    if offset - onset < MIN_EVENT_SECONDS:
        offset = min(onset + MIN_EVENT_SECONDS, clip_end)
        onset = max(0.0, offset - MIN_EVENT_SECONDS)
    return Event(label, onset, offset)
