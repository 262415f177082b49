"""How sure one system is of each class in each clip.

Shape letters: N clips, T frames, C classes.
"""

from __future__ import annotations

import numpy as np

from sedlab.scoring.clips.frames import CLIPS_AT_ONCE, mean_over_frames


def peak_scores(probabilities: np.ndarray, audible: np.ndarray) -> np.ndarray:
    """Return the largest probability of each class in each clip, (N, C) float32.

    ``probabilities`` (N, T, C); only the frames count that ``audible`` (N, T) bool names. A clip without any has 0.
    """
    if audible.all():
        return probabilities.max(axis=1).astype(np.float32)
    return np.where(audible[:, :, None], probabilities, 0).max(axis=1).astype(np.float32)


def mean_entropy(probabilities: np.ndarray, audible: np.ndarray) -> np.ndarray:
    """Return how undecided a system is: the mean binary entropy of its frames in bits, (N, C) float32.

    0 where every frame says 0 or 1, 1 where every frame says 0.5. Shapes as for `peak_scores`; nan for a clip without
    an audible frame. Entropy as a measure of which examples are worth a look: Settles, "Active learning literature
    survey" (2009), section 3.1.
    """
    result = np.empty((probabilities.shape[0], probabilities.shape[2]), dtype=np.float32)
    for start in range(0, len(result), CLIPS_AT_ONCE):
        part = slice(start, start + CLIPS_AT_ONCE)
        result[part] = mean_over_frames(binary_entropy(probabilities[part]), audible[part])
    return result


def binary_entropy(probabilities: np.ndarray) -> np.ndarray:
    """Return -p log2 p - (1 - p) log2 (1 - p) of each probability, in bits and in their type; 0 for 0 and 1."""
    p = np.asarray(probabilities)
    smallest = np.finfo(p.dtype).tiny
    q = 1 - p
    # 0 times the logarithm of the smallest number is the 0 that the limit has.
    return -(p * np.log2(np.maximum(p, smallest)) + q * np.log2(np.maximum(q, smallest)))
