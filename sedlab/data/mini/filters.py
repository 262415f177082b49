"""Building blocks of the synthetic sounds that change a waveform (samples,): fixed filters, and filters that move."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import fft, signal

from sedlab.grid import SAMPLE_RATE

NYQUIST = SAMPLE_RATE / 2

# Frames of `shape_spectrum`: 32 ms resolve the formants of a voice, a quarter of it is the hop.
_FRAME = 512
_HOP = 128


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


def control_times(n: int) -> np.ndarray:
    """Return the centres in seconds (frames,) of the frames of `shape_spectrum` for ``n`` samples."""
    return np.arange(-(-n // _HOP) + 3) * (_HOP / SAMPLE_RATE) - (_FRAME / 2 - _HOP) / SAMPLE_RATE


def bin_frequencies() -> np.ndarray:
    """Return the frequencies in Hz (bins,) of the gains of `shape_spectrum`."""
    return np.fft.rfftfreq(_FRAME, 1 / SAMPLE_RATE)


@lru_cache(maxsize=64)
def _butterworth(low: float | None, high: float | None, order: int) -> np.ndarray:
    if low is None:
        return signal.butter(order, high, "lowpass", fs=SAMPLE_RATE, output="sos")
    if high is None:
        return signal.butter(order, low, "highpass", fs=SAMPLE_RATE, output="sos")
    return signal.butter(order, [low, min(high, 0.97 * NYQUIST)], "bandpass", fs=SAMPLE_RATE, output="sos")
