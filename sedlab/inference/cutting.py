"""A recording as the windows that a network hears, also while its file is decoded for the first time.

How many windows there are, and where the last ones fall silent, depends on the end of the sound, which is known when
all is decoded. But what lies a window's length before a sample that sounds is certain, so that it need not wait: such
windows are heard as they would be later, and a file is decoded once. Twice only where it sounds again after a long
silence, which could have been its end and would fill the memory, or has channels that turn out to cancel each other.

Shape letters: N samples at 16 kHz.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from sedlab.data.audio_stream import FirstDecoding
from sedlab.errors import SedlabError
from sedlab.grid import CLIP_SAMPLES, SAMPLE_RATE
from sedlab.inference.scored import Scored
from sedlab.models.detector import Detector
from sedlab.models.tagger import FrameTagger

#: Samples that may wait for it to be certain how they are to be heard: a minute, 4 MB.
MOST_WAITING = 60 * SAMPLE_RATE


@dataclass(frozen=True)
class Samples:
    """A mono recording at 16 kHz that comes in blocks."""

    blocks: Iterable[np.ndarray]
    """(samples,) float32, consecutive, of any length; not read beyond the end of the sound."""
    num_samples: int
    """Of the whole recording."""
    num_sound_samples: int
    """Up to the end of its sound; what follows is taken as silence."""


def windows(
    recording: Samples | FirstDecoding, scored: Scored, network: Detector | FrameTagger
) -> Iterator[tuple[Scored, np.ndarray]]:
    """Yield the windows (N,) of a recording, each with what it belongs to: ``scored``, or the one that replaces it.

    It is replaced when what was heard so far turns out to be of no use.

    Raises
    ------
    SedlabError
        For a file that cannot be decoded, or is silent.
    """
    if isinstance(recording, FirstDecoding):
        yield from _while_decoding(recording, scored, network)
    else:
        yield from _rest(recording, scored, network, num_before=0)


def _while_decoding(
    file: FirstDecoding, scored: Scored, network: Detector | FrameTagger
) -> Iterator[tuple[Scored, np.ndarray]]:
    grid, num = scored.grid, 0
    hop = grid.hop_frames * grid.frame_samples
    waiting = np.zeros(0, dtype=np.float32)
    for block in file.blocks():
        if file.cancels or len(waiting) > MOST_WAITING:
            break
        waiting = np.concatenate((waiting, block))
        scored.num_windows = grid.num_windows(network.num_frames(file.expected_samples))
        while min(len(waiting), file.num_sound_samples - num * hop) >= CLIP_SAMPLES:
            yield scored, waiting[:CLIP_SAMPLES]
            waiting, num = waiting[hop:], num + 1
    found = file.finish()
    if not found.sound_length:
        raise SedlabError(f"{file.path}: is silent, no sample reaches 2^-16. Check the recording, or leave it out.")
    if found.channel is not None:
        scored, waiting, num = Scored(grid, scored.told), waiting[:0], 0
    are_here = len(waiting) >= found.num_sound_samples - num * hop
    blocks = [waiting] if are_here else _from(found.blocks(), num * hop)
    yield from _rest(Samples(blocks, found.num_samples, found.num_sound_samples), scored, network, num_before=num)


def _rest(
    samples: Samples, scored: Scored, network: Detector | FrameTagger, *, num_before: int
) -> Iterator[tuple[Scored, np.ndarray]]:
    """Lay out the scores and yield all windows but the first ``num_before``, behind which the blocks begin."""
    grid = scored.grid
    scored.num_frames = network.num_frames(samples.num_samples)
    scored.num_sound_frames = network.num_frames(samples.num_sound_samples)
    scored.num_windows = grid.num_windows(scored.num_sound_frames)
    left = samples.num_sound_samples - num_before * grid.hop_frames * grid.frame_samples
    for window in grid.cut(_first(samples.blocks, left), scored.num_windows - num_before):
        yield scored, window


def _first(blocks: Iterable[np.ndarray], num_samples: int) -> Iterator[np.ndarray]:
    """Yield the first ``num_samples`` samples of ``blocks``; read no block beyond them."""
    blocks = iter(blocks)
    while num_samples > 0 and (block := next(blocks, None)) is not None:
        yield block[:num_samples]
        num_samples -= len(block)


def _from(blocks: Iterable[np.ndarray], start: int) -> Iterator[np.ndarray]:
    """Yield the samples of ``blocks`` from number ``start`` on."""
    for block in blocks:
        if start < len(block):
            yield block[start:]
        start = max(0, start - len(block))
