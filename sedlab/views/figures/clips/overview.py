"""The spectrogram of a recording of any length, in a bounded number of columns.

Shape letters: N samples, F mel bands, K columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from sedlab.grid import SAMPLE_RATE
from sedlab.views.figures.clips.spectrogram import HOP, NUM_MELS, WINDOW, mel_power, relative_decibel

#: Enough for ten rows across a page at 100 dots an inch.
MAX_COLUMNS = 16384
_CHUNK_SAMPLES = 2048 * HOP


@dataclass(frozen=True, eq=False)
class Overview:
    """Log-mel spectrogram of a whole recording."""

    image: np.ndarray
    """(F, K) dB below the loudest cell, cut at -70."""
    column_seconds: float
    """Column k covers ``column_seconds`` from ``k * column_seconds`` on."""
    duration: float
    """Seconds."""
    sample_rate: int

    def between(self, start: float, end: float) -> tuple[np.ndarray, tuple[float, float]]:
        """Return the columns (F, K') that touch ``start`` to ``end`` seconds, and the time they span."""
        first = int(start / self.column_seconds)
        last = min(int(np.ceil(end / self.column_seconds)), self.image.shape[1])
        return self.image[:, first:last], (first * self.column_seconds, last * self.column_seconds)


def waveform_overview(waveform: np.ndarray, sample_rate: int = SAMPLE_RATE) -> Overview:
    """Return the overview of ``waveform`` (N,)."""
    waveform = np.asarray(waveform, dtype=np.float32)
    return log_mel_overview([waveform], waveform.size / sample_rate, sample_rate)


def log_mel_overview(
    blocks: Iterable[np.ndarray], duration: float, sample_rate: int = SAMPLE_RATE, *, max_columns: int = MAX_COLUMNS
) -> Overview:
    """Return the overview of a recording that comes in consecutive ``blocks`` (N,) of samples.

    A column is the loudest of its frames of 256 samples, band by band, so that short sounds stay visible in hours of
    audio. Memory does not grow with ``duration`` (seconds).
    """
    num_frames = max(1, int(np.ceil(duration * sample_rate / HOP)))
    frames_per_column = int(np.ceil(num_frames / max_columns))
    power = np.zeros((NUM_MELS, int(np.ceil(num_frames / frames_per_column))), dtype=np.float32)
    done = 0
    for frames in _frames(blocks, sample_rate):
        frames = frames[:, : num_frames - done]
        column = (done + np.arange(frames.shape[1])) // frames_per_column
        starts = np.flatnonzero(np.diff(column, prepend=-1))
        if len(starts):
            joined = np.maximum.reduceat(frames, starts, axis=1)
            power[:, column[starts]] = np.maximum(power[:, column[starts]], joined)
        done += frames.shape[1]
    return Overview(relative_decibel(power), frames_per_column * HOP / sample_rate, duration, sample_rate)


def _frames(blocks: Iterable[np.ndarray], sample_rate: int) -> Iterator[np.ndarray]:
    """Yield the mel power (F, frames) of the windows centred at multiples of the hop, a chunk at a time."""
    silence = np.zeros(WINDOW // 2, dtype=np.float32)
    samples = np.empty(0, dtype=np.float32)
    chunks = (block[k : k + _CHUNK_SAMPLES] for block in blocks for k in range(0, len(block), _CHUNK_SAMPLES))
    for block in chain([silence], chunks, [silence]):
        samples = np.concatenate([samples, block])
        if len(samples) >= WINDOW:
            frames = mel_power(samples, sample_rate, hop=HOP)
            samples = samples[frames.shape[1] * HOP :]
            yield frames
