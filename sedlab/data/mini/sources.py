"""Building blocks of the synthetic sounds: noises, oscillators, damped modes, filters and envelopes.

Waveforms are float64 arrays (samples,) at 16 kHz. Control curves (pitch, level) have one value a sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from scipy import fft, signal

from sedlab.grid import SAMPLE_RATE

NYQUIST = SAMPLE_RATE / 2

# Frames of `shape_spectrum`: 32 ms resolve the formants of a voice, a quarter of it is the hop.
_FRAME = 512
_HOP = 128
_TABLE = 4096


def num_samples(seconds: float) -> int:
    """Return the number of samples of ``seconds``, at least 1."""
    return max(1, round(seconds * SAMPLE_RATE))


def coloured_noise(rng: Generator, n: int, *, exponent: float) -> np.ndarray:
    """Return noise (n,) of unit RMS whose power falls as 1 / f**exponent (0 white, 1 pink, 2 brown)."""
    length = fft.next_fast_len(n, real=True)
    spectrum = rng.standard_normal(length // 2 + 1) + 1j * rng.standard_normal(length // 2 + 1)
    frequency = np.arange(length // 2 + 1) * SAMPLE_RATE / length
    # Flat below 30 Hz: a brown noise would otherwise be all drift.
    spectrum *= np.maximum(frequency, 30.0) ** (-exponent / 2)
    spectrum[0] = 0
    return unit_rms(fft.irfft(spectrum, length)[:n])


def curve(rng: Generator, n: int, *, rate_hz: float) -> np.ndarray:
    """Return a random curve (n,), mean 0 and standard deviation near 1, that bends ``rate_hz`` times a second."""
    num_knots = int(np.ceil(n / SAMPLE_RATE * rate_hz)) + 2
    knots = rng.standard_normal(num_knots)
    position = rng.uniform(0, 1) + np.arange(n) * (rate_hz / SAMPLE_RATE)
    return np.interp(position, np.arange(num_knots), knots)


def glide(n: int, values: Sequence[float], times: Sequence[float] | None = None) -> np.ndarray:
    """Return the curve (n,) through ``values`` at ``times`` (0 start, 1 end; evenly spread unless given)."""
    times = np.linspace(0, 1, len(values)) if times is None else times
    return np.interp(np.linspace(0, 1, n), times, values)


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


def band(x: np.ndarray, low: float | None, high: float | None, *, order: int = 2) -> np.ndarray:
    """Return ``x`` limited to ``low`` .. ``high`` Hz by a Butterworth filter; None leaves that side open."""
    return signal.sosfilt(_butterworth(low, high, order), x)


def resonances(x: np.ndarray, frequencies: Sequence[float], bandwidths: Sequence[float]) -> np.ndarray:
    """Return the sum of ``x`` through one two-pole resonator for each frequency and bandwidth in Hz."""
    out = np.zeros_like(x)
    for frequency, bandwidth in zip(frequencies, bandwidths, strict=True):
        radius = np.exp(-np.pi * bandwidth / SAMPLE_RATE)
        a = [1.0, -2 * radius * np.cos(2 * np.pi * frequency / SAMPLE_RATE), radius**2]
        out += signal.lfilter([1 - radius], a, x)
    return out


def control_times(n: int) -> np.ndarray:
    """Return the centres in seconds (frames,) of the frames of `shape_spectrum` for ``n`` samples."""
    return np.arange(-(-n // _HOP) + 3) * (_HOP / SAMPLE_RATE) - (_FRAME / 2 - _HOP) / SAMPLE_RATE


def bin_frequencies() -> np.ndarray:
    """Return the frequencies in Hz (bins,) of the gains of `shape_spectrum`."""
    return np.fft.rfftfreq(_FRAME, 1 / SAMPLE_RATE)


def shape_spectrum(x: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Return ``x`` (n,) with its short-time spectrum multiplied by ``gains`` (frames, bins).

    ``frames`` is ``len(control_times(n))``. Such a filter may change at will, without the clicks of a recursive one.
    """
    frames = len(gains)
    padded = np.zeros((frames - 1) * _HOP + _FRAME)
    start = _FRAME - _HOP
    padded[start : start + len(x)] = x
    window = signal.get_window("hann", _FRAME)
    blocks = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP]
    blocks = fft.irfft(fft.rfft(blocks * window) * gains, _FRAME)
    out = np.zeros((frames + _FRAME // _HOP - 1, _HOP))
    for part in range(_FRAME // _HOP):
        out[part : part + frames] += blocks[:, part * _HOP : (part + 1) * _HOP]
    # Hann windows at a quarter of their length add up to 2.
    return out.ravel()[start : start + len(x)] / 2


def formants(
    x: np.ndarray, centres: np.ndarray, *, bandwidths: Sequence[float], levels: Sequence[float] | None = None
) -> np.ndarray:
    """Return ``x`` (n,) through formants that move.

    Parameters
    ----------
    centres : (points, formants) array
        Centre frequencies in Hz at points spread evenly over the sound.
    bandwidths, levels : (formants,)
        Widths in Hz, linear gains (1 unless given).
    """
    times = np.clip(control_times(len(x)) * SAMPLE_RATE / len(x), 0, 1)
    levels = np.ones(len(bandwidths)) if levels is None else levels
    points = np.linspace(0, 1, len(centres))
    frequency = bin_frequencies()
    gains = np.full((len(times), len(frequency)), 0.003)
    for track, width, level in zip(np.asarray(centres, dtype=float).T, bandwidths, levels, strict=True):
        centre = np.interp(times, points, track)
        gains += level / (1 + ((frequency[None, :] - centre[:, None]) / width) ** 2)
    return shape_spectrum(x, gains)


def tilt_spectrum(x: np.ndarray, cutoff: np.ndarray, *, order: float = 2) -> np.ndarray:
    """Return ``x`` (n,) through a low-pass whose cut-off in Hz follows ``cutoff`` (n,)."""
    index = np.clip((control_times(len(x)) * SAMPLE_RATE).astype(int), 0, len(x) - 1)
    ratio = bin_frequencies()[None, :] / cutoff[index][:, None]
    return shape_spectrum(x, 1 / (1 + ratio**order))


def damped_modes(
    rng: Generator, n: int, *, frequencies: np.ndarray, decays: np.ndarray, amplitudes: np.ndarray
) -> np.ndarray:
    """Return a struck body (n,): sinusoids in Hz that die away with time constants ``decays`` in seconds."""
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


def place(out: np.ndarray, piece: np.ndarray, at: int) -> None:
    """Add ``piece`` into ``out`` from sample ``at`` on, cut where it does not fit."""
    first, last = max(0, at), min(len(out), at + len(piece))
    if first < last:
        out[first:last] += piece[first - at : last - at]


def hump(n: int, *, attack: float, release: float) -> np.ndarray:
    """Return an envelope (n,) that rises in ``attack`` seconds, stays at 1 and falls in ``release`` seconds."""
    envelope = np.ones(n)
    for seconds, edge in ((attack, envelope), (release, envelope[::-1])):
        length = max(1.0, seconds * SAMPLE_RATE)
        # The last sample of a fall is as far from zero as the first of a rise: half a sample.
        position = np.minimum((np.arange(min(n, int(np.ceil(length)))) + 0.5) / length, 1)
        edge[: len(position)] *= np.sin(np.pi / 2 * position) ** 2
    return envelope


def decay(n: int, *, attack: float, constant: float) -> np.ndarray:
    """Return an envelope (n,) that rises in ``attack`` seconds and then dies away with ``constant`` seconds."""
    time = np.arange(n) / SAMPLE_RATE
    return np.minimum(time / attack, 1) * np.exp(-np.maximum(time - attack, 0) / constant)


def unit_rms(x: np.ndarray) -> np.ndarray:
    """Return ``x`` scaled to a root mean square of 1; silence stays silence."""
    rms = np.sqrt(np.mean(x**2))
    return x / rms if rms > 0 else x


@lru_cache(maxsize=64)
def _butterworth(low: float | None, high: float | None, order: int) -> np.ndarray:
    if low is None:
        return signal.butter(order, high, "lowpass", fs=SAMPLE_RATE, output="sos")
    if high is None:
        return signal.butter(order, low, "highpass", fs=SAMPLE_RATE, output="sos")
    return signal.butter(order, [low, min(high, 0.97 * NYQUIST)], "bandpass", fs=SAMPLE_RATE, output="sos")
