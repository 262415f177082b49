"""Scores beside what people marked, cell by cell: frames of strongly and softly labelled clips, or whole clips.

A cell is one class in one frame, or in one clip where labels are weak (a clip's score is its largest frame score). Only
classes that the corpus annotates count, only frames that begin before the clip ends; soft labels count as present above
0.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlab.data.corpora.layout import layout
from sedlab.data.tables import Corpus
from sedlab.data.targets import strong_targets
from sedlab.errors import SedlabError
from sedlab.labels import DESED_CLASSES, MAESTRO_CLASSES, SOFT_THRESHOLD
from sedlab.scoring.scores.file import ScoreFile

FRAME, CLIP = "frame", "clip"
#: Classes that a corpus's annotation speaks about by itself, without aliases.
ANNOTATED_CLASSES = {"desed": DESED_CLASSES, "maestro": MAESTRO_CLASSES}


@dataclass(frozen=True, eq=False)
class LabelledCells:
    """Probabilities and labels of one subset."""

    subset: str
    unit: str
    """"frame" or "clip"."""
    classes: tuple[str, ...]
    clips: pd.DataFrame
    """The clips of the subset, as in the corpus."""
    probability: np.ndarray
    """(units, classes) float"""
    truth: np.ndarray
    """(units, classes) bool"""


def labelled_cells(scores: ScoreFile, corpus: Corpus, subset: str) -> LabelledCells:
    """Return the scores of a labelled subset with its labels.

    Raises
    ------
    SedlabError
        When the subset is unlabelled or not in the corpus, or clips lack scores.
    """
    if layout(subset).label_kind == "none":
        raise SedlabError(
            f"{subset}: has no ground truth to compare with. Audit a labelled subset, such as weak_train."
        )
    part = corpus.subset(subset)
    classes = annotated(subset, scores.classes)
    scores = scores.select(list(part.clips["clip_id"]), classes)
    audible = scores.frame_times[:-1] < part.clips["duration"].to_numpy()[:, None]
    if layout(subset).label_kind == "weak":
        probability = np.where(audible[:, :, None], scores.probabilities, 0.0).max(axis=1)
        truth = clip_truth(part, classes)
        return LabelledCells(subset, CLIP, classes, part.clips, probability, truth)
    truth = frame_truth(part, classes, scores.frame_times)
    return LabelledCells(subset, FRAME, classes, part.clips, scores.probabilities[audible], truth[audible])


def annotated(subset: str, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes that the annotation of a subset speaks about; of an AudioSet subset ``classes``."""
    return tuple(ANNOTATED_CLASSES.get(layout(subset).family, classes))


def clip_truth(part: Corpus, classes: tuple[str, ...]) -> np.ndarray:
    """Return which classes are marked anywhere in each clip, (clips, classes) bool."""
    tags = pd.MultiIndex.from_frame(part.events[["clip_id", "label"]])
    grid = pd.MultiIndex.from_product([part.clips["clip_id"], classes])
    return np.asarray(grid.isin(tags)).reshape(len(part.clips), len(classes))


def frame_truth(part: Corpus, classes: tuple[str, ...], frame_times: np.ndarray) -> np.ndarray:
    """Return which classes are marked in each frame, (clips, frames, classes) bool."""
    num_frames, frame_seconds = len(frame_times) - 1, float(frame_times[1] - frame_times[0])
    truth = np.zeros((len(part.clips), num_frames, len(classes)), dtype=bool)
    row = {clip_id: index for index, clip_id in enumerate(part.clips["clip_id"])}
    events = part.events[part.events["label"].isin(classes)]
    for clip_id, rows in events.groupby("clip_id"):
        target = strong_targets(rows, classes, num_frames, frame_seconds=frame_seconds)
        truth[row[clip_id]] = target.T > SOFT_THRESHOLD
    return truth
