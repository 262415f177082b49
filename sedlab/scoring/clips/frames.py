"""Means over the frames of a clip in which it sounds.

Shape letters: N clips, T frames, C classes.
"""

from __future__ import annotations

import numpy as np

#: Clips that are worked on at a time: their numbers stay in the processor's cache.
CLIPS_AT_ONCE = 32


def mean_over_frames(values: np.ndarray, audible: np.ndarray) -> np.ndarray:
    """Return the mean of ``values`` (N, T, C) over the frames that ``audible`` (N, T) bool names, (N, C) float32.

    nan for a clip without such a frame.
    """
    count = audible.sum(axis=1, dtype=np.float32)[:, None]
    # A sum of products is several times as fast as a mean with a mask.
    total = np.matmul(audible[:, None, :].astype(values.dtype), values)[:, 0]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
