"""How much a clip's scores changed from one system to another, such as from one iteration to the next.

Shape letters: N clips, T frames, C classes.
"""

from __future__ import annotations

import numpy as np

from sedlab.scoring.clips.frames import CLIPS_AT_ONCE, mean_over_frames


def probability_change(before: np.ndarray, after: np.ndarray, audible: np.ndarray) -> np.ndarray:
    """Return the mean distance of two systems' probabilities (N, T, C) over audible frames (N, T), (N, C) float32.

    It is symmetric, 0 where both say the same and 1 where one says 0 and the other 1 throughout.
    """
    result = np.empty((before.shape[0], before.shape[2]), dtype=np.float32)
    for start in range(0, len(result), CLIPS_AT_ONCE):
        part = slice(start, start + CLIPS_AT_ONCE)
        result[part] = mean_over_frames(np.abs(after[part] - before[part]), audible[part])
    return result


def decided_seconds(
    before: np.ndarray,
    after: np.ndarray,
    audible: np.ndarray,
    frame_seconds: float,
    *,
    threshold: float = 0.5,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for how many seconds of each clip a class is gained, lost and kept, three (N, C) float32.

    A frame is gained where only ``after`` is above the threshold, lost where only ``before`` is, kept where both are.
    Shapes as for `probability_change`; a frame lasts ``frame_seconds``.
    """
    was, now = (np.greater(values, threshold) & audible[:, :, None] for values in (before, after))
    counts = (now & ~was, was & ~now, was & now)
    return tuple((count.sum(axis=1) * frame_seconds).astype(np.float32) for count in counts)
