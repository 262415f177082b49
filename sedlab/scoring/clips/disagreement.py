"""Where several systems contradict each other: what one of them hears and another does not.

Shape letters: S systems, N clips, T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedlab.scoring.clips.frames import CLIPS_AT_ONCE, mean_over_frames


def disagreement(systems: Sequence[np.ndarray], audible: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the systems' probabilities, averaged over frames, (N, C) float32.

    0 where all say the same in every frame; with two systems, half the mean distance between them. The greatest value
    is 0.5 (of an even number of systems, half of which say 0 and half 1).

    Parameters
    ----------
    systems : S arrays (N, T, C)
        Probabilities on one frame grid; with fewer than two, everything is nan.
    audible : (N, T) bool
        The frames that count; nan for a clip without any.
    """
    num_clips, _, num_classes = systems[0].shape
    result = np.full((num_clips, num_classes), np.nan, dtype=np.float32)
    if len(systems) < 2:
        return result
    for start in range(0, num_clips, CLIPS_AT_ONCE):
        part = slice(start, start + CLIPS_AT_ONCE)
        mean = sum(system[part] for system in systems) / len(systems)
        variance = sum((system[part] - mean) ** 2 for system in systems) / len(systems)
        result[part] = mean_over_frames(np.sqrt(variance), audible[part])
    return result
