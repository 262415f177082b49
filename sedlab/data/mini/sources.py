"""Building blocks of the synthetic sounds that sound by themselves: noises, oscillators, struck bodies."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy import fft

from sedlab.data.mini.envelopes import unit_rms
from sedlab.data.mini.filters import NYQUIST
from sedlab.grid import SAMPLE_RATE

_TABLE = 4096


def coloured_noise(rng: Generator, n: int, *, exponent: float) -> np.ndarray:
    """Return noise (n,) of unit RMS whose power falls as 1 / f**exponent (0 white, 1 pink, 2 brown)."""
    length = fft.next_fast_len(n, real=True)
    spectrum = rng.standard_normal(length // 2 + 1) + 1j * rng.standard_normal(length // 2 + 1)
    frequency = np.arange(length // 2 + 1) * SAMPLE_RATE / length
    # Flat below 30 Hz: a brown noise would otherwise be all drift.
    spectrum *= np.maximum(frequency, 30.0) ** (-exponent / 2)
    spectrum[0] = 0
    return unit_rms(fft.irfft(spectrum, length)[:n])


def oscillate(frequency: np.ndarray, amplitudes: np.ndarray, *, rng: Generator | None = None) -> np.ndarray:
    """Return a band-limited periodic waveform (n,).

    Parameters
    ----------
    frequency : (n,) array
        Fundamental in Hz at every sample.
    amplitudes : (harmonics,) array
        Those that would pass the Nyquist frequency at the highest pitch are left out.
    rng : Generator or None
        Draws the harmonics' phases; without it they are aligned, which makes a pulse train.
    """
    amplitudes = np.asarray(amplitudes, dtype=float)[: max(1, int(0.97 * NYQUIST / frequency.max()))]
    phases = np.zeros(len(amplitudes)) if rng is None else rng.uniform(0, 2 * np.pi, len(amplitudes))
    spectrum = np.zeros(_TABLE // 2 + 1, dtype=complex)
    spectrum[1 : len(amplitudes) + 1] = amplitudes * np.exp(1j * phases)
    table = fft.irfft(spectrum, _TABLE) * _TABLE / 2
    position = np.cumsum(frequency) * (_TABLE / SAMPLE_RATE)
    floor = position.astype(np.int64)
    left, right = table[floor % _TABLE], table[(floor + 1) % _TABLE]
    return left + (position - floor) * (right - left)


def harmonics(count: int, *, tilt: float) -> np.ndarray:
    """Return amplitudes (count,) that fall as 1 / k**tilt."""
    return np.arange(1, count + 1, dtype=float) ** -tilt


def damped_modes(
    rng: Generator, n: int, *, frequencies: np.ndarray, decays: np.ndarray, amplitudes: np.ndarray | None = None
) -> np.ndarray:
    """Return a struck body (n,): sinusoids in Hz, of amplitude 1 unless given, that die away in ``decays`` seconds."""
    amplitudes = np.ones(len(frequencies)) if amplitudes is None else amplitudes
    time = np.arange(n) / SAMPLE_RATE
    phases = rng.uniform(0, 2 * np.pi, len(frequencies))
    waves = np.sin(2 * np.pi * np.multiply.outer(frequencies, time) + phases[:, None])
    return (amplitudes[:, None] * waves * np.exp(-time / decays[:, None])).sum(axis=0)


def clicks(rng: Generator, n: int, *, rate_hz: float | np.ndarray, spread: float = 1.0) -> np.ndarray:
    """Return impulses (n,) at random times, ``rate_hz`` a second, with log-normal heights of either sign."""
    hits = np.flatnonzero(rng.random(n) < np.broadcast_to(rate_hz, n) / SAMPLE_RATE)
    out = np.zeros(n)
    out[hits] = rng.lognormal(0, spread, len(hits)) * rng.choice([-1.0, 1.0], len(hits))
    return out
