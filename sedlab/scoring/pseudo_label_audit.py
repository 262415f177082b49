"""How good pseudo-labels are where people have labelled the same clips.

Strong and soft labels are compared frame by frame, weak labels clip by clip (a clip's score is its largest frame
score). Only classes that the corpus annotates are compared, only frames that begin before the clip ends; soft labels
count as present above 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlab.data.layout import layout
from sedlab.data.tables import Corpus
from sedlab.data.targets import strong_targets
from sedlab.errors import SedlabError
from sedlab.labels import DESED_CLASSES, MAESTRO_CLASSES
from sedlab.scoring.score_file import ScoreFile

#: The row that pools the cells of all classes.
POOLED = "all"
SOFT_THRESHOLD = 0.5
#: Classes that a corpus's annotation speaks about by itself, without aliases.
ANNOTATED_CLASSES = {"desed": DESED_CLASSES, "maestro": MAESTRO_CLASSES}


@dataclass(frozen=True, eq=False)
class PseudoLabelAudit:
    """Agreement of pseudo-labels with ground truth on one subset."""

    subset: str
    unit: str
    """What is counted: "frame" or, against weak labels, "clip"."""
    num_clips: int
    per_class: pd.DataFrame
    """label, count, positive, detected, correct (units), precision, recall, f1, calibration_error; first row "all"
    pools the classes. Ratios without denominator are nan."""
    reliability: pd.DataFrame
    """label, low, high (bounds of the probability bin), count, probability (mean in the bin), frequency (part of the
    bin that ground truth confirms); for a perfectly calibrated teacher the last two are equal. Empty bins have nan."""


def audit_pseudo_labels(
    scores: ScoreFile, corpus: Corpus, subset: str, *, threshold: float = 0.5, num_bins: int = 10
) -> PseudoLabelAudit:
    """Compare pseudo-labels with the ground truth of one subset.

    Parameters
    ----------
    scores : ScoreFile
        Must hold every clip of the subset.
    corpus : Corpus
    subset : str
    threshold : float
        Probability above which a frame counts as detected.
    num_bins : int
        Equally wide probability bins of the reliability table.

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
    classes = list(ANNOTATED_CLASSES.get(layout(subset).family, scores.classes))
    scores = scores.select(list(part.clips["clip_id"]), classes)
    probabilities = scores.probabilities

    unit = "clip" if layout(subset).label_kind == "weak" else "frame"
    audible = scores.frame_times[:-1] < part.clips["duration"].to_numpy()[:, None]
    if unit == "clip":
        probability = np.where(audible[:, :, None], probabilities, 0.0).max(axis=1)
        truth = _clip_truth(part, classes)
    else:
        probability = probabilities[audible]
        truth = _frame_truth(part, classes, scores.frame_times)[audible]
    counts = _agreement(probability, truth, classes, threshold)
    bins = _reliability(probability, truth, classes, num_bins)
    return PseudoLabelAudit(subset, unit, len(part.clips), counts.merge(_calibration_error(bins), on="label"), bins)


def _clip_truth(part: Corpus, classes: list[str]) -> np.ndarray:
    """Return (clips, classes) bool."""
    tags = pd.MultiIndex.from_frame(part.events[["clip_id", "label"]])
    grid = pd.MultiIndex.from_product([part.clips["clip_id"], classes])
    return np.asarray(grid.isin(tags)).reshape(len(part.clips), len(classes))


def _frame_truth(part: Corpus, classes: list[str], frame_times: np.ndarray) -> np.ndarray:
    """Return (clips, frames, classes) bool."""
    num_frames, frame_seconds = len(frame_times) - 1, float(frame_times[1] - frame_times[0])
    truth = np.zeros((len(part.clips), num_frames, len(classes)), dtype=bool)
    row = {clip_id: index for index, clip_id in enumerate(part.clips["clip_id"])}
    events = part.events[part.events["label"].isin(classes)]
    for clip_id, rows in events.groupby("clip_id"):
        target = strong_targets(rows, classes, num_frames, frame_seconds=frame_seconds)
        truth[row[clip_id]] = target.T > SOFT_THRESHOLD
    return truth


def _agreement(probability: np.ndarray, truth: np.ndarray, classes: list[str], threshold: float) -> pd.DataFrame:
    detected = probability > threshold
    table = pd.DataFrame(
        {
            "label": classes,
            "count": len(truth),
            "positive": truth.sum(axis=0),
            "detected": detected.sum(axis=0),
            "correct": (truth & detected).sum(axis=0),
        }
    )
    pooled = {"label": POOLED, **table.drop(columns="label").sum().to_dict()}
    table = pd.concat([pd.DataFrame([pooled]), table], ignore_index=True)
    return table.assign(
        precision=table["correct"] / table["detected"].replace(0, np.nan),
        recall=table["correct"] / table["positive"].replace(0, np.nan),
        f1=2 * table["correct"] / (table["detected"] + table["positive"]).replace(0, np.nan),
    )


def _reliability(probability: np.ndarray, truth: np.ndarray, classes: list[str], num_bins: int) -> pd.DataFrame:
    index = np.minimum((probability * num_bins).astype(int), num_bins - 1)
    edges = np.linspace(0, 1, num_bins + 1)
    columns = [(POOLED, slice(None)), *((label, [k]) for k, label in enumerate(classes))]
    tables = []
    for label, column in columns:
        bins, p, hit = (values[:, column].ravel() for values in (index, probability, truth))
        count = np.bincount(bins, minlength=num_bins)
        filled = np.where(count > 0, count, np.nan)
        tables.append(
            pd.DataFrame(
                {
                    "label": label,
                    "low": edges[:-1],
                    "high": edges[1:],
                    "count": count,
                    "probability": np.bincount(bins, weights=p, minlength=num_bins) / filled,
                    "frequency": np.bincount(bins, weights=hit, minlength=num_bins) / filled,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _calibration_error(bins: pd.DataFrame) -> pd.DataFrame:
    """Return label, calibration_error: the distance between probability and frequency, weighted by count."""
    distance = (bins["probability"] - bins["frequency"]).abs() * bins["count"]
    sums = pd.DataFrame({"label": bins["label"], "distance": distance, "count": bins["count"]}).groupby("label").sum()
    error = sums["distance"] / sums["count"]
    return error.rename("calibration_error").reset_index()
