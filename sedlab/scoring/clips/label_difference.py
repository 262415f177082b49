"""How far a system is from what people marked, clip by clip.

Shape letters: N clips, T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedlab.data.tables import Corpus
from sedlab.data.targets import group_events, strong_targets
from sedlab.scoring.clips.confidence import peak_scores
from sedlab.scoring.clips.frames import mean_over_frames
from sedlab.scoring.marked import clip_truth


def label_difference(
    probabilities: np.ndarray, part: Corpus, audible: np.ndarray, classes: Sequence[str], frame_seconds: float
) -> np.ndarray:
    """Return the distance between a system's scores and the labels of each clip, (N, C) float32 in [0, 1].

    Strong labels: the mean distance of the frames' probabilities from 1 inside events and 0 outside; of soft labels,
    from the share of annotators who heard it. Weak labels speak about whole clips: the distance of the largest
    probability from 1 or 0. nan for clips without labels.

    Parameters
    ----------
    probabilities : (N, T, C)
        In the order of ``part.clips`` and ``classes``.
    part : Corpus
        Clips of subsets, one or several, and their events.
    audible : (N, T) bool
        The frames that count.
    """
    clips = part.clips
    result = np.full((len(clips), len(classes)), np.nan, dtype=np.float32)
    kinds = clips["label_kind"].to_numpy()
    weak, timed = kinds == "weak", np.isin(kinds, ("strong", "soft"))
    if weak.any():
        chosen = Corpus(clips[weak], part.events, part.root)
        result[weak] = np.abs(peak_scores(probabilities[weak], audible[weak]) - clip_truth(chosen, classes))
    events, none = group_events(part.events, classes), np.zeros(0)
    keys = list(zip(clips["subset"], clips["clip_id"], strict=True))
    num_frames = probabilities.shape[1]
    for row in np.flatnonzero(timed):
        # One clip at a time: the labels of a whole subset as frames would be as large as its scores.
        marked = events.get(keys[row], none)
        target = strong_targets(marked, classes, num_frames, frame_seconds=frame_seconds).T
        result[row] = mean_over_frames(np.abs(probabilities[row] - target)[None], audible[row][None])[0]
    return result
