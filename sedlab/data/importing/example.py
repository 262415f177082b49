"""Recordings and label tracks to try an import with: five sounds that cannot be confused, in a quiet room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.random import Generator

from sedlab.files import atomic_path, write_text
from sedlab.grid import SAMPLE_RATE

_ROOM = 0.005


def write_example_recordings(folder: str | Path, *, count: int = 12, seconds: float = 40.0, seed: int = 0) -> Path:
    """Write ``recordings/`` (FLAC) and ``labels/`` (label tracks of Audacity) below a folder, and return it.

    The same arguments give the same sounds. Events of a recording do not overlap; there is one about every 3 s.
    """
    import soundfile

    folder = Path(folder)
    for number in range(count):
        samples, track = _recording(np.random.default_rng([seed, number]), seconds)
        with atomic_path(folder / "recordings" / f"recording {number + 1:02d}.flac") as temporary:
            soundfile.write(temporary, samples, SAMPLE_RATE)
        text = "".join(f"{onset:.6f}\t{offset:.6f}\t{label}\n" for onset, offset, label in track)
        write_text(folder / "labels" / f"recording {number + 1:02d}.txt", text)
    return folder


def _recording(rng: Generator, seconds: float) -> tuple[np.ndarray, list[tuple[float, float, str]]]:
    samples = _ROOM * rng.standard_normal(round(seconds * SAMPLE_RATE))
    names, track, onset = list(SOUNDS), [], rng.uniform(0.5, 2)
    while onset < seconds - 3:
        label, duration = names[rng.integers(len(names))], rng.uniform(0.7, 2.5)
        start, length = round(onset * SAMPLE_RATE), round(duration * SAMPLE_RATE)
        samples[start : start + length] += rng.uniform(0.5, 1) * SOUNDS[label](rng, length)
        track.append((start / SAMPLE_RATE, (start + length) / SAMPLE_RATE, label))
        onset += duration + rng.uniform(0.5, 3)
    return samples, track


def _tone(rng: Generator, length: int) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * rng.uniform(700, 800) / SAMPLE_RATE * np.arange(length))


def _chirp(_rng: Generator, length: int) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi / SAMPLE_RATE * np.cumsum(np.linspace(1500, 4000, length)))


def _noise(rng: Generator, length: int) -> np.ndarray:
    return 0.15 * rng.standard_normal(length)


def _clicks(_rng: Generator, length: int) -> np.ndarray:
    train = np.zeros(length)
    train[:: SAMPLE_RATE // 10] = 0.9
    click = np.arange(80)
    return np.convolve(train, np.exp(-click / 20) * np.cos(click), "same")


def _hum(_rng: Generator, length: int) -> np.ndarray:
    time = np.arange(length) / SAMPLE_RATE
    return sum(0.15 / k * np.sin(2 * np.pi * 110 * k * time) for k in range(1, 6))


#: Sound by class.
SOUNDS: Mapping[str, Callable[[Generator, int], np.ndarray]] = {
    "chirp": _chirp,
    "clicks": _clicks,
    "hum": _hum,
    "noise": _noise,
    "tone": _tone,
}
