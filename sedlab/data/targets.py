"""Turn events in seconds into targets on the grid of output frames.

Shape letters: C classes, T frames.

The detector's output has 156 frames of 64 ms for 10 s: frame k covers [0.064 k, 0.064 (k + 1)) seconds. An event is
active in every frame it touches. Where two events of a class meet in one frame, the later row of the table wins,
whatever its confidence: assignment, as in the published system, not maximum.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sedlab.grid import CLIP_SECONDS, FRAME_SECONDS, NUM_FRAMES, SAMPLE_RATE
from sedlab.labels import CLASSES

_EVENT = np.dtype([("onset", float), ("offset", float), ("label", int), ("confidence", np.float32)])


def event_arrays(events: pd.DataFrame, classes: Sequence[str] = CLASSES) -> np.ndarray:
    """Return the rows of an event table as an array with onset, offset, label (index into the classes), confidence.

    Weak labels have NaN times; rows of labels outside ``classes`` are left out.
    """
    index = pd.Index(classes).get_indexer(events["label"])
    arrays = np.empty(len(events), dtype=_EVENT)
    for name in ("onset", "offset", "confidence"):
        arrays[name] = events[name]
    arrays["label"] = index
    return arrays[index >= 0]


def group_events(events: pd.DataFrame, classes: Sequence[str] = CLASSES) -> dict[tuple[str, str], np.ndarray]:
    """Return the events of each (subset, clip_id) that has any, in table order."""
    if events.empty:
        return {}
    codes, keys = pd.factorize(pd.MultiIndex.from_frame(events[["subset", "clip_id"]]))
    order = np.argsort(codes, kind="stable")
    arrays = event_arrays(events.iloc[order], classes)
    known = np.isin(events["label"].to_numpy()[order], list(classes))
    bounds = np.concatenate([[0], np.cumsum(np.bincount(codes[order][known], minlength=len(keys)))])
    return {key: arrays[a:b] for key, a, b in zip(keys, bounds[:-1], bounds[1:], strict=True) if b > a}


def strong_targets(
    events: np.ndarray | pd.DataFrame,
    classes: Sequence[str] = CLASSES,
    num_frames: int = NUM_FRAMES,
    crop_onset: float = 0.0,
    *,
    frame_seconds: float = FRAME_SECONDS,
) -> np.ndarray:
    """Return frame targets (C, T) float32: the confidence where a class is active, 0 elsewhere.

    Parameters
    ----------
    events : array of `event_arrays`, or DataFrame
        The events of one clip; a table needs onset, offset, label, confidence.
    crop_onset : float
        Seconds of the clip before the first frame; events are shifted by it, then cut to the clip. Events that are
        empty after that, and exact repetitions, are ignored.
    """
    if isinstance(events, pd.DataFrame):
        events = event_arrays(events, classes)
    target_CT = np.zeros((len(classes), num_frames), dtype=np.float32)
    for label, start, end, confidence in _stretches(events, num_frames, crop_onset, frame_seconds):
        target_CT[label, start:end] = confidence
    return target_CT


def _stretches(
    events: np.ndarray, num_frames: int, crop_onset: float, frame_seconds: float
) -> list[tuple[int, int, int, float]]:
    """Return label, first frame, frame after the last, confidence of the events of one clip, in their order."""
    if not len(events):
        return []
    onset, offset = events["onset"], events["offset"]
    if crop_onset:
        # Rounded, because a shifted time such as 1.0 - 0.36 would else spill over a frame border it lies on.
        onset, offset = np.round(onset - crop_onset, 6), np.round(offset - crop_onset, 6)
    onset, offset = np.clip(onset, 0.0, CLIP_SECONDS), np.clip(offset, 0.0, CLIP_SECONDS)
    frames_per_second = SAMPLE_RATE / round(frame_seconds * SAMPLE_RATE)
    kept = onset < offset  # false for the NaN of weak labels
    first = np.floor(np.clip(onset[kept] * frames_per_second, 0, num_frames)).astype(int)
    last = np.ceil(np.clip(offset[kept] * frames_per_second, 0, num_frames)).astype(int)
    columns = (events["label"][kept], onset[kept], offset[kept], events["confidence"][kept], first, last)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    # A repeated row must not overwrite what came between it and its first occurrence.
    return [(label, start, end, confidence) for label, _, _, confidence, start, end in dict.fromkeys(rows)]


class StrongTargets:
    """The frame targets of many clips, kept as stretches of frames, from which those of a batch are written at once.

    A batch takes a few calls of NumPy however many clips and events it has, so that threads which load data leave
    Python to the training.

    Parameters
    ----------
    clips : sequence of arrays of `event_arrays`
        The events of each clip.
    num_classes, num_frames, frame_seconds :
        The grid, as for `strong_targets`.
    """

    def __init__(
        self, clips: Sequence[np.ndarray], num_classes: int, num_frames: int, *, frame_seconds: float = FRAME_SECONDS
    ) -> None:
        stretches = [_stretches(events, num_frames, 0.0, frame_seconds) for events in clips]
        self._bounds = np.cumsum([0, *map(len, stretches)])
        columns = np.array([row for rows in stretches for row in rows], dtype=float).reshape(-1, 4).T
        label, first, last = columns[:3].astype(int)
        # Where each stretch begins in the targets of its clip, laid out flat.
        self._start, self._length = label * num_frames + first, np.maximum(last - first, 0)
        self._confidence = columns[3].astype(np.float32)
        self._num_cells = num_classes * num_frames

    def write(self, indices: np.ndarray, out: np.ndarray) -> None:
        """Write the targets of the clips ``indices`` (B,) into ``out`` (B, C, T) float32, contiguous."""
        out.fill(0)
        counts = self._bounds[indices + 1] - self._bounds[indices]
        rows = _ranges(self._bounds[indices], counts)
        begins = self._start[rows] + np.repeat(np.arange(len(indices)) * self._num_cells, counts)
        lengths = self._length[rows]
        # Where stretches overlap, the later one is assigned last.
        out.reshape(-1)[_ranges(begins, lengths)] = np.repeat(self._confidence[rows], lengths)


def _ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the numbers from each of ``starts`` on, as many as ``lengths`` says, one range after another."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())


def weak_targets(events: np.ndarray | pd.DataFrame, classes: Sequence[str] = CLASSES) -> np.ndarray:
    """Return clip-level targets (C,) float32: 1 for every class among the rows of one clip."""
    if isinstance(events, pd.DataFrame):
        events = event_arrays(events, classes)
    target_C = np.zeros(len(classes), dtype=np.float32)
    target_C[events["label"]] = 1.0
    return target_C


def frame_times(num_frames: int = NUM_FRAMES, *, frame_seconds: float = FRAME_SECONDS) -> np.ndarray:
    """Return the frame boundaries (T + 1,) in seconds; the last of the 156 frames ends at 9.984 s."""
    return np.arange(num_frames + 1) * frame_seconds
