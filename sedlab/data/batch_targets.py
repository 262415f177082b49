"""The targets of all clips of a dataset as arrays, from which those of a batch are taken in a few operations.

Shape letters: B clips of a batch, C classes, T frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from sedlab.data.batch import Targets
from sedlab.data.targets import StrongTargets, weak_targets


class BatchTargets:
    """Writes the targets of batches; safe to be asked by several threads.

    Parameters
    ----------
    events : sequence of arrays
        Of each clip, see `event_arrays`: what its frame labels, or its tags, are made of.
    has_frames, is_weak : sequence of bool
        Whether a clip has frame labels; whether it has tags alone.
    masks : mapping of str to (C,) bool array
        The classes that the annotation of a subset can speak about.
    subsets : sequence of str
        Of each clip.
    no_events : array
        Of a clip without frame labels.
    """

    def __init__(
        self,
        events: Sequence[np.ndarray],
        *,
        has_frames: Sequence[bool],
        is_weak: Sequence[bool],
        masks: Mapping[str, np.ndarray],
        subsets: Sequence[str],
        no_events: np.ndarray,
        classes: Sequence[str],
        num_frames: int,
        frame_seconds: float,
    ) -> None:
        self._shape = len(classes), num_frames
        strong = [found if framed else no_events for found, framed in zip(events, has_frames, strict=True)]
        self._strong = StrongTargets(strong, len(classes), num_frames, frame_seconds=frame_seconds)
        self._is_weak = np.array(is_weak, dtype=bool)
        # Of no clip when none is weak: AudioSet's classes are many.
        self._tags = np.zeros((len(events), len(classes) if self._is_weak.any() else 1), dtype=bool)
        for row in np.flatnonzero(self._is_weak):
            self._tags[row] = weak_targets(events[row], classes)
        names = list(masks)
        self._mask_table = np.stack([masks[name] for name in names]) if names else np.zeros((0, 0), dtype=bool)
        self._mask_rows = np.array([names.index(subset) for subset in subsets], dtype=int)

    def write(
        self,
        rows: np.ndarray,
        cropped: Mapping[int, np.ndarray],
        empty: Callable[..., Tensor],
    ) -> Targets:
        """Return the targets of clips ``rows`` (B,) without pseudo-labels, in memory that ``empty`` gives.

        ``cropped`` are frame labels (C, T) of clips that do not begin with their first sample, by place in the batch.
        """
        num_clips, (num_classes, num_frames) = len(rows), self._shape
        strong = empty((num_clips, num_classes, num_frames), dtype=torch.float32)
        weak, mask = (empty((num_clips, num_classes), dtype=dtype) for dtype in (torch.float32, torch.bool))
        strong_BCT = strong.numpy()
        self._strong.write(rows, strong_BCT)
        for place, labels_CT in cropped.items():
            strong_BCT[place] = labels_CT
        np.copyto(weak.numpy(), np.where(self._is_weak[rows, None], self._tags[rows], (strong_BCT > 0).any(axis=2)))
        np.take(self._mask_table, self._mask_rows[rows], axis=0, out=mask.numpy())
        return Targets(strong, weak, mask)
