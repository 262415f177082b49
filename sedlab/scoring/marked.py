"""What people marked, on the grid of scores: anywhere in a clip, or frame by frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sedlab.data.tables import Corpus
from sedlab.data.targets import strong_targets
from sedlab.labels import SOFT_THRESHOLD


def clip_truth(part: Corpus, classes: Sequence[str]) -> np.ndarray:
    """Return which classes are marked anywhere in each clip, (clips, classes) bool."""
    tags = pd.MultiIndex.from_frame(part.events[["clip_id", "label"]])
    grid = pd.MultiIndex.from_product([part.clips["clip_id"], classes])
    return np.asarray(grid.isin(tags)).reshape(len(part.clips), len(classes))


def frame_truth(part: Corpus, classes: Sequence[str], frame_times: np.ndarray) -> np.ndarray:
    """Return which classes are marked in each frame, (clips, frames, classes) bool."""
    num_frames, frame_seconds = len(frame_times) - 1, float(frame_times[1] - frame_times[0])
    truth = np.zeros((len(part.clips), num_frames, len(classes)), dtype=bool)
    row = {clip_id: index for index, clip_id in enumerate(part.clips["clip_id"])}
    events = part.events[part.events["label"].isin(classes)]
    for clip_id, rows in events.groupby("clip_id"):
        target = strong_targets(rows, classes, num_frames, frame_seconds=frame_seconds)
        truth[row[clip_id]] = target.T > SOFT_THRESHOLD
    return truth
