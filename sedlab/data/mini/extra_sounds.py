"""Recipes of sounds outside the task's classes, so that pre-training sees more than is detected later.

As in `desed_sounds`, a recipe takes a generator and a wished duration in seconds and returns a waveform (samples,).
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from sedlab.data.mini.envelopes import curve, hump, num_samples, place, unit_rms
from sedlab.data.mini.filters import band, resonances, tilt_spectrum
from sedlab.data.mini.sources import clicks, damped_modes, harmonics, oscillate
from sedlab.grid import SAMPLE_RATE


def cricket(rng: Generator, seconds: float) -> np.ndarray:
    """A very high tone chopped into chirps of a few pulses."""
    n = num_samples(seconds)
    time = np.arange(n) / SAMPLE_RATE
    pulses = np.sin(np.pi * time * rng.uniform(25, 45)) ** 4
    chirps = np.convolve((time * rng.uniform(1.5, 3.5)) % 1 < rng.uniform(0.3, 0.7), np.ones(160) / 160, mode="same")
    return oscillate(np.full(n, rng.uniform(4000, 6500)), np.ones(1)) * pulses * chirps


def hammer(rng: Generator, seconds: float) -> np.ndarray:
    """Regular blows on a nail in wood, each a knock with a short ring."""
    out = np.zeros(num_samples(seconds + 0.3))
    interval = rng.uniform(0.25, 0.5)
    nail = rng.uniform([180, 420, 1500, 2600, 4200], [320, 800, 2400, 4000, 6500])
    for index in range(max(2, round(seconds / interval))):
        n = num_samples(0.25)
        knock = damped_modes(
            rng, n, frequencies=nail * rng.uniform(0.98, 1.03), decays=np.array([0.03, 0.02, 0.03, 0.02, 0.015]),
            amplitudes=np.array([1, 0.8, 0.6, 0.5, 0.3]),
        )  # fmt: skip
        place(out, knock * rng.uniform(0.6, 1), int((index + rng.normal(0, 0.03)) * interval * SAMPLE_RATE))
    return out


def idling_engine(rng: Generator, seconds: float) -> np.ndarray:
    """A small engine that stands and putters."""
    n = num_samples(seconds)
    firing = rng.uniform(14, 30) * (1 + 0.04 * curve(rng, n, rate_hz=4))
    putter = oscillate(firing, harmonics(150, tilt=0.15) * rng.uniform(0.5, 1, 150))
    return unit_rms(resonances(putter, rng.uniform([120, 350], [250, 800]), (80, 200))) * hump(
        n, attack=0.2, release=0.2
    )


def rain(rng: Generator, seconds: float) -> np.ndarray:
    """A dense, even hiss with single drops on a hard surface."""
    n = num_samples(seconds)
    drops = resonances(
        clicks(rng, n, rate_hz=rng.uniform(20, 60), spread=0.5), rng.uniform(900, 4000, 3), (150, 250, 300)
    )
    hiss = unit_rms(band(rng.standard_normal(n), 700, 7000, order=1))
    return (hiss + 0.35 * unit_rms(drops)) * hump(n, attack=0.4, release=0.4)


def siren(rng: Generator, seconds: float) -> np.ndarray:
    """A slow wail between two pitches, an octave or less apart."""
    n = num_samples(seconds)
    cycle = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / SAMPLE_RATE * rng.uniform(0.2, 0.6) + rng.uniform(0, 6))
    pitch = rng.uniform(420, 650) * 2 ** (rng.uniform(0.7, 1.2) * cycle)
    return oscillate(pitch, harmonics(10, tilt=0.9)) * hump(n, attack=0.3, release=0.3)


def thunder(rng: Generator, seconds: float) -> np.ndarray:
    """A crack that rolls away into the low."""
    n = num_samples(seconds)
    time = np.arange(n) / SAMPLE_RATE
    roll = np.exp(0.8 * curve(rng, n, rate_hz=4)) * np.exp(-time / (0.35 * seconds))
    return tilt_spectrum(rng.standard_normal(n) * roll, 90 + 2500 * np.exp(-time / 0.25), order=3)


def typing(rng: Generator, seconds: float) -> np.ndarray:
    """Keys that click, each once down and once up."""
    out = np.zeros(num_samples(seconds + 0.1))
    time = 0.0
    while time < seconds:
        n = num_samples(0.05)
        key = damped_modes(rng, n, frequencies=rng.uniform(1200, 5500, 5), decays=rng.uniform(0.003, 0.009, 5))
        gain = rng.uniform(0.5, 1)
        place(out, gain * key, int(time * SAMPLE_RATE))
        place(out, 0.4 * gain * key[::-1][: n // 2], int((time + rng.uniform(0.05, 0.09)) * SAMPLE_RATE))
        time += rng.uniform(0.07, 0.25) if rng.random() < 0.9 else rng.uniform(0.4, 0.8)
    return out


def whistle(rng: Generator, seconds: float) -> np.ndarray:
    """Somebody whistles a few gliding notes."""
    n = num_samples(seconds)
    count = max(2, round(seconds / 0.3))
    notes = rng.uniform(900, 1400) * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 12], count) / 12)
    held = np.repeat(notes, 3)
    pitch = np.interp(np.linspace(0, len(held) - 1, n), np.arange(len(held)), held)
    breath = 0.05 * unit_rms(band(rng.standard_normal(n), 800, 5000))
    return (oscillate(pitch, np.array([1, 0.05])) + breath) * hump(n, attack=0.05, release=0.08)
