"""Every detection that some threshold makes of the scores of one class: each lives between two thresholds.

As the threshold falls, a run of frames appears at each local maximum, grows, and merges with its neighbour at a local
minimum. Each stage of that is one run here, so counts at all thresholds are sums over runs. A frame is detected where
its score exceeds the threshold, as in `sedlab.postprocess.decode`.

Shape letters: N clips, T frames, R runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sedlab.postprocess.csebbs import Boxes


@dataclass(frozen=True, eq=False)
class Runs:
    """Detections of one class, each with the thresholds ``from_threshold <= threshold < below`` at which it is one."""

    clip: np.ndarray
    """(R,) index of the clip"""
    onset: np.ndarray
    """(R,) seconds"""
    offset: np.ndarray
    """(R,) seconds"""
    below: np.ndarray
    """(R,) the smallest score inside"""
    from_threshold: np.ndarray
    """(R,) the larger score beside it; minus infinity where there is none"""

    def __len__(self) -> int:
        return len(self.clip)

    def __getitem__(self, chosen: np.ndarray) -> Runs:
        return Runs(*(values[chosen] for values in vars(self).values()))

    @classmethod
    def joined(cls, parts: Sequence[Runs]) -> Runs:
        """Return the runs of several sets of clips."""
        if not parts:
            return cls(np.empty(0, dtype=np.int64), *np.empty((4, 0)))
        return cls(*(np.concatenate(columns) for columns in zip(*(vars(part).values() for part in parts), strict=True)))


def frame_runs(scores: np.ndarray, times: np.ndarray, clip: np.ndarray) -> Runs:
    """Return the runs of the scores (N, T) of clips whose frames have the boundaries ``times`` (T + 1,)."""
    num_clips, num_frames = scores.shape
    rows = np.arange(num_clips)
    # Minus infinity beyond both ends stops every search, at index 0 and num_frames + 1.
    padded = np.full((num_frames + 2, num_clips), -np.inf)
    padded[1:-1] = scores.T
    before = np.zeros((num_frames + 2, num_clips), dtype=np.int64)
    after = np.full((num_frames + 2, num_clips), num_frames + 1, dtype=np.int64)
    for frame in range(2, num_frames + 1):
        before[frame] = _jump(padded, before, frame, frame - 1, rows, strict=False)
    for frame in range(num_frames - 1, 0, -1):
        after[frame] = _jump(padded, after, frame, frame + 1, rows, strict=True)
    before, after, inside = before[1:-1].T, after[1:-1].T, padded[1:-1].T
    left, right = padded[before, rows[:, None]], padded[after, rows[:, None]]
    # Of frames with the same score in one run, the first stands for it; below every threshold there is no run.
    first = (left < inside) & (inside > -np.inf)
    row, _ = np.nonzero(first)
    return Runs(
        clip=np.asarray(clip)[row],
        onset=times[before[first]],
        offset=times[after[first] - 1],
        below=inside[first],
        from_threshold=np.maximum(left, right)[first],
    )


def box_runs(boxes: Boxes, num_classes: int, column: int, clip: np.ndarray) -> Runs:
    """Return the event boxes of one class, detections at every threshold below their confidence.

    ``boxes.track`` is ``clip * num_classes + class``, where ``clip`` counts those of the array ``clip``.
    """
    of_class = np.flatnonzero(boxes.track % num_classes == column)
    return Runs(
        clip=np.asarray(clip)[boxes.track[of_class] // num_classes],
        onset=boxes.onset[of_class],
        offset=boxes.offset[of_class],
        below=boxes.confidence[of_class],
        from_threshold=np.full(len(of_class), -np.inf),
    )


def _jump(
    padded: np.ndarray, known: np.ndarray, frame: int, start: int, rows: np.ndarray, *, strict: bool
) -> np.ndarray:
    """Return (N,): the nearest frame from ``start`` on whose score is lower (or, unless ``strict``, equal)."""
    score, found = padded[frame], np.full(len(rows), start)
    open_rows = rows
    while len(open_rows):
        there = padded[found[open_rows], open_rows]
        here = score[open_rows]
        open_rows = open_rows[(there >= here if strict else there > here) & (here > -np.inf)]
        found[open_rows] = known[found[open_rows], open_rows]
    return found
