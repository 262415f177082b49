"""Class-wise median filter: short gaps close and short bursts vanish, by an amount that suits each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedlab.errors import SedlabError, nearest
from sedlab.labels import DEFAULT_MEDIAN_FRAMES, MEDIAN_FILTER_FRAMES


def median_lengths(classes: Sequence[str]) -> list[int]:
    """Return the filter length in frames of 64 ms of each of the task's ``classes``."""
    unknown = [label for label in classes if label not in MEDIAN_FILTER_FRAMES]
    if unknown:
        hint = nearest(unknown[0], MEDIAN_FILTER_FRAMES)
        raise SedlabError(
            f"no median filter length is known for class {unknown[0]!r}.{hint} Give the lengths explicitly."
        )
    return [MEDIAN_FILTER_FRAMES[label] for label in classes]


def suitable_lengths(classes: Sequence[str]) -> list[int]:
    """Return the filter length in frames of 64 ms of each class: the published one, or that of one's own classes."""
    return [MEDIAN_FILTER_FRAMES.get(label, DEFAULT_MEDIAN_FRAMES) for label in classes]


def median_filter(probabilities: np.ndarray, lengths: int | Sequence[int]) -> np.ndarray:
    """Filter scores along time, each class with its own window.

    Parameters
    ----------
    probabilities : (..., frames, classes) float
    lengths : int or one per class
        Window lengths in frames, odd, at most ``frames``. Beyond the ends the signal is mirrored, the edge sample
        repeated.

    Returns
    -------
    np.ndarray
        Same shape and type.
    """
    from scipy import ndimage

    probabilities = np.asarray(probabilities)
    num_frames, num_classes = probabilities.shape[-2:]
    lengths = np.broadcast_to(np.asarray(lengths, dtype=int), (num_classes,))
    if (lengths < 1).any() or (lengths % 2 == 0).any():
        raise SedlabError(f"median filter lengths must be odd and positive, found {lengths.tolist()}.")
    if (lengths > num_frames).any():
        # Mirrored more than once, SciPy's filter takes samples from the wrong end.
        raise SedlabError(f"median filter of {lengths.max()} frames is longer than the {num_frames} frames of a clip.")
    clips = probabilities.reshape(-1, num_frames, num_classes)
    filtered = clips.copy()
    for length in np.unique(lengths[lengths > 1]):
        chosen = np.flatnonzero(lengths == length)
        filtered[:, :, chosen] = ndimage.median_filter(clips[:, :, chosen], size=(1, int(length), 1), mode="reflect")
    return filtered.reshape(probabilities.shape)
