"""Recordings through a network: decoded and resampled ahead by a thread, scored in batches of windows, put together.

The thread hands windows on while it decodes, so that also a single long recording is read and scored side by side.

Memory holds a few batches of windows and the scores, however long a recording is. On a GPU windows of several
recordings share a batch; on a CPU, where that would not be faster, a recording's scores are those it has alone, to the
bit.

Shape letters: B windows, N samples at 16 kHz, T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from sedlab.data.audio_stream import FirstDecoding
from sedlab.grid import CLIP_SAMPLES
from sedlab.inference.cutting import Samples, windows
from sedlab.inference.fetching import fetched, memory_for
from sedlab.inference.scored import Scored, Told
from sedlab.inference.windows import WindowGrid
from sedlab.models.detector import Detector
from sedlab.models.tagger import FrameTagger
from sedlab.system.ahead import Ahead

#: Opens a recording, in another thread; is told how far it is.
Source = tuple[Callable[[], Samples | FirstDecoding], Told]


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
                recording.add(window)
            for recording in dict.fromkeys(batch.owners):
                recording.tell()
            for recording in batch.ended:
                recording.complete()
                yield recording


def _batches(
    sources: Iterable[Source],
    network: Detector | FrameTagger,
    grid: WindowGrid,
    batch_size: int,
    together: bool,
) -> Iterator[_Batch]:
    device = next(network.parameters()).device
    waiting: list[np.ndarray] = []
    owners: list[Scored] = []
    ended: list[Scored] = []

    def batch() -> _Batch:
        waveform = memory_for(device, (len(waiting), CLIP_SAMPLES))
        if waiting:
            np.stack(waiting, out=waveform.numpy())
        full = _Batch(waveform, list(owners), list(ended))
        for each in (waiting, owners, ended):
            each.clear()
        return full

    for open_recording, told in sources:
        recording = Scored(grid, told)
        try:
            for owner, window in windows(open_recording(), recording, network):
                recording = owner
                waiting.append(window)
                owners.append(owner)
                if len(waiting) == batch_size:
                    yield batch()
        except Exception as error:
            recording.error = error
        ended.append(recording)
        if not together:
            yield batch()
    if ended:
        yield batch()
