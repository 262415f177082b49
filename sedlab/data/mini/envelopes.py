"""Building blocks of the synthetic sounds that have one value a sample: curves of pitch and level, and where pieces go.

Waveforms and curves are float64 arrays (samples,) at 16 kHz.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from sedlab.grid import SAMPLE_RATE


def num_samples(seconds: float) -> int:
    """Return the number of samples of ``seconds``, at least 1."""
    return max(1, round(seconds * SAMPLE_RATE))


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


def place(out: np.ndarray, piece: np.ndarray, at: int) -> None:
    """Add ``piece`` into ``out`` from sample ``at`` on, cut where it does not fit."""
    first, last = max(0, at), min(len(out), at + len(piece))
    if first < last:
        out[first:last] += piece[first - at : last - at]


def unit_rms(x: np.ndarray) -> np.ndarray:
    """Return ``x`` scaled to a root mean square of 1; silence stays silence."""
    rms = np.sqrt(np.mean(x**2))
    return x / rms if rms > 0 else x
