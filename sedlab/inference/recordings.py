"""Recordings through a network: decoded and resampled ahead by a thread, scored in batches of windows, put together.

Memory holds a few batches of windows and the scores, however long a recording is. On a GPU windows of several
recordings share a batch; on a CPU, where that would not be faster, a recording's scores are those it has alone, to the
bit.

Shape letters: B windows, N samples at 16 kHz, T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from sedlab.grid import CLIP_SAMPLES
from sedlab.inference.fetching import fetched, memory_for
from sedlab.inference.windows import WindowGrid
from sedlab.models.detector import Detector
from sedlab.models.tagger import FrameTagger
from sedlab.system.ahead import Ahead

#: Told how many of a recording's windows are scored, and of how many.
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Samples:
    """A mono recording at 16 kHz that comes in blocks."""

    blocks: Iterable[np.ndarray]
    """(samples,) float32, consecutive, of any length; not read beyond the end of the sound."""
    num_samples: int
    """Of the whole recording."""
    num_sound_samples: int
    """Up to the end of its sound; what follows is taken as silence."""


#: Opens a recording, in another thread; is told how far it is.
Source = tuple[Callable[[], Samples], Told]


@dataclass(eq=False)
class Scored:
    """What came of one recording, in the making until its last window is scored."""

    probabilities: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    """(T, C) float32; 0 beyond the last window, where nothing can be heard."""
    num_sound_frames: int = 0
    error: Exception | None = None
    """Why there are no scores."""
    num_windows: int = 0
    num_done: int = 0
    told: Told | None = None


@dataclass(frozen=True)
class _Batch:
    waveform: Tensor
    """(B, N)."""
    owners: Sequence[Scored]
    """Of each window, in the order of their windows."""
    ended: Sequence[Scored]
    """Recordings of which nothing follows."""


def score_recordings(
    sources: Iterable[Source],
    network: Detector | FrameTagger,
    score: Callable[[Tensor], Tensor],
    *,
    batch_size: int,
    together: bool,
) -> Iterator[Scored]:
    """Yield the scores of recordings in their order; of one that fails, for whatever reason, its error.

    Parameters
    ----------
    score : function
        Takes windows (B, N) on the device, returns probabilities (B, T, C).
    together : bool
        Whether windows of several recordings share a batch.
    """
    device = next(network.parameters()).device
    grid = WindowGrid(network.frame_samples, network.num_frames(CLIP_SAMPLES))
    under_way: list[_Batch] = []

    def results(batches: Iterable[_Batch]) -> Iterator[tuple[Tensor, ...]]:
        for batch in batches:
            under_way.append(batch)
            try:
                yield (score(batch.waveform.to(device, non_blocking=True)),) if batch.owners else ()
            except Exception as error:
                for recording in batch.owners:
                    recording.error = error
                yield ()

    with Ahead(lambda batch: batch, _batches(sources, network, grid, batch_size, together)) as batches:
        for arrays in fetched(results(batches)):
            batch = under_way.pop(0)
            for recording, window in zip(batch.owners, arrays[0] if arrays else (), strict=False):
                grid.add(recording.probabilities, recording.num_done, window)
                recording.num_done += 1
            for recording in dict.fromkeys(batch.owners):
                if recording.error is None and recording.told is not None:
                    recording.told(recording.num_done, recording.num_windows)
            yield from batch.ended


def _batches(
    sources: Iterable[Source],
    network: Detector | FrameTagger,
    grid: WindowGrid,
    batch_size: int,
    together: bool,
) -> Iterator[_Batch]:
    device = next(network.parameters()).device
    windows: list[np.ndarray] = []
    owners: list[Scored] = []
    ended: list[Scored] = []

    def batch() -> _Batch:
        waveform = memory_for(device, (len(windows), CLIP_SAMPLES))
        if windows:
            np.stack(windows, out=waveform.numpy())
        full = _Batch(waveform, list(owners), list(ended))
        for each in (windows, owners, ended):
            each.clear()
        return full

    for open_recording, told in sources:
        recording = Scored(told=told)
        try:
            for window in _windows(open_recording(), recording, network, grid):
                windows.append(window)
                owners.append(recording)
                if len(windows) == batch_size:
                    yield batch()
        except Exception as error:
            recording.error = error
        ended.append(recording)
        if not together:
            yield batch()
    if ended:
        yield batch()


def _windows(
    samples: Samples, recording: Scored, network: Detector | FrameTagger, grid: WindowGrid
) -> Iterator[np.ndarray]:
    """Lay out the scores of ``recording`` and yield the windows (N,) that fill them."""
    num_frames = network.num_frames(samples.num_samples)
    recording.num_sound_frames = network.num_frames(samples.num_sound_samples)
    recording.probabilities = np.zeros((num_frames, len(network.classes)), dtype=np.float32)
    recording.num_windows = grid.num_windows(recording.num_sound_frames)
    yield from grid.cut(_first(samples.blocks, samples.num_sound_samples), recording.num_windows)


def _first(blocks: Iterable[np.ndarray], num_samples: int) -> Iterator[np.ndarray]:
    """Yield the first ``num_samples`` samples of ``blocks``; read no block beyond them."""
    blocks = iter(blocks)
    while num_samples > 0 and (block := next(blocks, None)) is not None:
        yield block[:num_samples]
        num_samples -= len(block)
