"""Recordings of any length as overlapping windows of 10 s, and the scores of the windows as scores of the recording.

Shape letters: N samples at 16 kHz, T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from sedlab.grid import CLIP_SAMPLES

#: Windows start every 8 s, a whole number of frames of 64 ms and of 40 ms; neighbours share 2 s.
HOP_SAMPLES = 128_000


@dataclass(frozen=True)
class WindowGrid:
    """Where the windows lie on the frames of a recording.

    Window w begins with frame ``w * hop_frames``. The shared frames of two neighbours fade linearly from the first to
    the second, so that what a network says at the edge of its window, where it lacks context, counts least.
    """

    frame_samples: int
    """Samples in a frame."""
    window_frames: int
    """Frames in a window."""

    @property
    def hop_frames(self) -> int:
        """Frames between the beginnings of two windows."""
        return HOP_SAMPLES // self.frame_samples

    def num_windows(self, num_frames: int) -> int:
        """Return how many windows it takes to cover ``num_frames`` frames; at least one."""
        uncovered = max(0, num_frames - self.window_frames)
        return 1 + -(-uncovered // self.hop_frames)

    def cut(self, blocks: Iterable[np.ndarray], num_windows: int) -> Iterator[np.ndarray]:
        """Yield windows (160000,) of a waveform that comes in ``blocks`` (any number of samples each).

        No more of the waveform is held than one window and one block. Zeros follow its end.
        """
        blocks = iter(blocks)
        hop = self.hop_frames * self.frame_samples
        samples = np.zeros(0, dtype=np.float32)
        for _ in range(num_windows):
            while len(samples) < CLIP_SAMPLES and (block := next(blocks, None)) is not None:
                samples = np.concatenate((samples, block))
            window = np.zeros(CLIP_SAMPLES, dtype=np.float32)
            window[: len(samples)] = samples[:CLIP_SAMPLES]
            yield window
            samples = samples[hop:]

    def add(self, scores: np.ndarray, index: int, window: np.ndarray) -> None:
        """Write the scores ``window`` (window_frames, C) of window ``index`` into those of the recording (T, C).

        Windows are added in their order.
        """
        start = index * self.hop_frames
        window = window[: len(scores) - start]
        shared = self.window_frames - self.hop_frames if index else 0
        later = np.arange(1, shared + 1, dtype=np.float32)[: len(window), None] / (shared + 1)
        scores[start : start + shared] *= 1 - later
        scores[start : start + shared] += later * window[:shared]
        scores[start + shared : start + len(window)] = window[shared:]
