"""Speech-like babble: a glottal pulse train through moving formants, in syllables, with fricatives and pauses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator

from sedlab.data.mini.envelopes import curve, num_samples, place, unit_rms
from sedlab.data.mini.filters import band, formants
from sedlab.data.mini.sources import harmonics, oscillate
from sedlab.grid import SAMPLE_RATE

# First three formants in Hz of ten American English vowels, men. Peterson & Barney 1952, JASA 24(2), table II.
VOWELS = np.array(
    [
        (270, 2290, 3010),
        (390, 1990, 2550),
        (530, 1840, 2480),
        (660, 1720, 2410),
        (730, 1090, 2440),
        (570, 840, 2410),
        (440, 1020, 2240),
        (300, 870, 2240),
        (640, 1190, 2390),
        (490, 1350, 1690),
    ],
    dtype=float,
)


@dataclass(frozen=True)
class Voice:
    """Who speaks: mean pitch in Hz, formant scale (1: a man), syllables a second, share of breath noise."""

    pitch: float
    tract: float
    syllable_rate: float
    breath: float
    liveliness: float
    """Spread of the pitch in octaves."""


# Ranges of a voice's pitch, tract, syllable rate, breath and liveliness.
_VOICES = {
    "child": ((290, 460), (1.3, 1.5), (3.0, 5.0), (0.02, 0.1), (0.2, 0.35)),
    "man": ((85, 150), (0.95, 1.05), (3.5, 6.0), (0.02, 0.12), (0.08, 0.2)),
    "woman": ((165, 255), (1.1, 1.2), (3.5, 6.0), (0.02, 0.12), (0.08, 0.2)),
}


def random_voice(rng: Generator, kind: Literal["adult", "child"] = "adult") -> Voice:
    """Draw a voice; half of the adults are men."""
    if kind == "adult":
        kind = "man" if rng.random() < 0.5 else "woman"
    return Voice(*(rng.uniform(*bounds) for bounds in _VOICES[kind]))


def speak(rng: Generator, seconds: float, voice: Voice) -> np.ndarray:
    """Return an utterance (samples,) of unit RMS that lasts ``seconds`` and means nothing."""
    n = num_samples(seconds)
    count = max(1, round(seconds * voice.syllable_rate))
    widths = rng.uniform(0.6, 1.4, count)
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]]) / widths.sum()
    widths = widths / widths.sum()
    # Stress, and now and then a short pause between words; an utterance neither starts nor ends with one.
    stress = rng.uniform(0.45, 1.0, count)
    pauses = rng.random(count) < 0.1
    pauses[[0, -1]] = False
    stress[pauses] = 0.0

    position = np.linspace(0, 1, n)
    knots = np.column_stack([starts, starts + 0.25 * widths, starts + 0.7 * widths, starts + 0.96 * widths])
    heights = np.column_stack([0.15 * stress, stress, 0.8 * stress, 0.1 * stress])
    level = np.interp(position, knots.ravel(), heights.ravel())

    accent = np.interp(position, starts + widths / 2, rng.normal(0, voice.liveliness, count))
    declination = np.linspace(0.12, -0.15, n)
    pitch = voice.pitch * 2 ** (accent + declination + 0.01 * curve(rng, n, rate_hz=25))
    source = oscillate(pitch, harmonics(80, tilt=1.0))
    source = unit_rms(source) + voice.breath * rng.standard_normal(n) * 3

    vowels = VOWELS[rng.integers(len(VOWELS), size=count)] * voice.tract
    # Two points a syllable: the tongue rests on the vowel, then moves.
    tracks = np.repeat(vowels, 2, axis=0)
    voiced = formants(
        source * level, tracks, bandwidths=(60, 80, 120), levels=(1.0, rng.uniform(0.35, 0.7), rng.uniform(0.15, 0.35))
    )
    out = unit_rms(voiced)
    for start in starts[(rng.random(count) < 0.45) & ~pauses]:
        length = num_samples(rng.uniform(0.05, 0.13))
        hiss = band(rng.standard_normal(length), rng.uniform(1800, 4000), rng.uniform(5500, 7500)) * np.hanning(length)
        place(out, hiss * rng.uniform(0.3, 0.9), int(start * n) - length // 3)
    return unit_rms(out)


def conversation(rng: Generator, seconds: float, *, num_voices: int, kind: Literal["adult", "child"]) -> np.ndarray:
    """Return ``num_voices`` people (samples,) who take turns and sometimes talk at once."""
    out = np.zeros(num_samples(seconds))
    voices = [random_voice(rng, kind) for _ in range(num_voices)]
    gains = rng.uniform(0.5, 1.0, num_voices)
    time = 0.0
    while time < seconds:
        turn = int(rng.integers(num_voices))
        part = min(rng.uniform(0.8, 2.5), max(0.3, seconds - time))
        place(out, gains[turn] * speak(rng, part, voices[turn]), int(time * SAMPLE_RATE))
        time += part + (rng.uniform(-0.3, 0.25) if num_voices > 1 else rng.uniform(0.02, 0.25))
    return unit_rms(out)
