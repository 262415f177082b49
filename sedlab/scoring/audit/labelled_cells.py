"""Scores beside what people marked, cell by cell: frames of strongly and softly labelled clips, or whole clips.

A cell is one class in one frame, or in one clip where labels are weak (a clip's score is its largest frame score). Only
classes that the corpus annotates count, only frames that begin before the clip ends; soft labels count as present above
0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlab.data.corpora.layout import layout
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError
from sedlab.scoring.marked import clip_truth, frame_truth
from sedlab.scoring.names import ALL
from sedlab.scoring.scores.file import ScoreFile

FRAME, CLIP = "frame", "clip"


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
    classes = annotated(corpus, subset, scores.classes)
    scores = scores.select(list(part.clips["clip_id"]), classes)
    audible = audible_frames(part.clips, scores.frame_times)
    if layout(subset).label_kind == "weak":
        probability = np.where(audible[:, :, None], scores.probabilities, 0.0).max(axis=1)
        truth = clip_truth(part, classes)
        return LabelledCells(subset, CLIP, classes, part.clips, probability, truth)
    truth = frame_truth(part, classes, scores.frame_times)
    return LabelledCells(subset, FRAME, classes, part.clips, scores.probabilities[audible], truth[audible])


def annotated(corpus: Corpus, subset: str, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes that the annotation of a subset speaks about; of an AudioSet subset ``classes``."""
    found = layout(subset).family
    return tuple(classes) if found == "audioset" else corpus.space.annotated(found)


def audible_frames(clips: pd.DataFrame, frame_times: np.ndarray) -> np.ndarray:
    """Return which frames begin before the end of their clip, (clips, frames) bool."""
    return frame_times[:-1] < clips["duration"].to_numpy(float)[:, None]


def audible_probabilities(scores: ScoreFile, clips: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """Return the probabilities of all audible frames of ``clips``, (frames, classes); SedlabError if one lacks."""
    chosen = scores.select(list(clips["clip_id"]), classes)
    return chosen.probabilities[audible_frames(clips, chosen.frame_times)]


def columns_by_label(classes: Sequence[str]) -> list[tuple[str, slice | list[int]]]:
    """Return which columns belong to each row of a table: all of them to the pooled one."""
    return [(ALL, slice(None)), *((label, [k]) for k, label in enumerate(classes))]
