"""How good pseudo-labels are where people have labelled the same clips.

Strong and soft labels are compared frame by frame, weak labels clip by clip (`labelled_cells`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlab.data.tables import Corpus
from sedlab.scoring.audit.labelled_cells import LabelledCells, columns_by_label, labelled_cells
from sedlab.scoring.names import ALL
from sedlab.scoring.scores.file import ScoreFile

#: Where precision and recall are told.
THRESHOLDS = np.round(np.linspace(0.05, 0.95, 19), 2)


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
    bin that ground truth confirms); for a perfectly calibrated ensemble the last two are equal. Empty bins have nan."""
    by_confidence: pd.DataFrame
    """label, threshold (0.05 to 0.95), detected (units above it), precision, recall; nan without denominator."""


def audit_pseudo_labels(
    scores: ScoreFile, corpus: Corpus, subset: str, *, threshold: float = 0.5, num_bins: int = 10
) -> PseudoLabelAudit:
    """Compare pseudo-labels with the ground truth of one subset, of which they must hold every clip.

    A frame with a probability above ``threshold`` counts as detected; the reliability table has ``num_bins`` equally
    wide bins.

    Errors are those of `labelled_cells`.
    """
    cells = labelled_cells(scores, corpus, subset)
    counts = _agreement(cells, threshold)
    bins = _reliability(cells, num_bins)
    counts = counts.merge(_calibration_error(bins), on="label")
    return PseudoLabelAudit(subset, cells.unit, len(cells.clips), counts, bins, _by_confidence(cells))


def _agreement(cells: LabelledCells, threshold: float) -> pd.DataFrame:
    detected, truth = cells.probability > threshold, cells.truth
    table = pd.DataFrame(
        {
            "label": cells.classes,
            "count": len(truth),
            "positive": truth.sum(axis=0),
            "detected": detected.sum(axis=0),
            "correct": (truth & detected).sum(axis=0),
        }
    )
    pooled = {"label": ALL, **table.drop(columns="label").sum().to_dict()}
    table = pd.concat([pd.DataFrame([pooled]), table], ignore_index=True)
    return table.assign(
        precision=table["correct"] / table["detected"].replace(0, np.nan),
        recall=table["correct"] / table["positive"].replace(0, np.nan),
        f1=2 * table["correct"] / (table["detected"] + table["positive"]).replace(0, np.nan),
    )


def _reliability(cells: LabelledCells, num_bins: int) -> pd.DataFrame:
    index = np.minimum((cells.probability * num_bins).astype(int), num_bins - 1)
    edges = np.linspace(0, 1, num_bins + 1)
    tables = []
    for label, column in columns_by_label(cells.classes):
        bins, p, hit = (values[:, column].ravel() for values in (index, cells.probability, cells.truth))
        count = np.bincount(bins, minlength=num_bins)
        filled = np.where(count > 0, count, np.nan)
        table = {
            "label": label,
            "low": edges[:-1],
            "high": edges[1:],
            "count": count,
            "probability": np.bincount(bins, weights=p, minlength=num_bins) / filled,
            "frequency": np.bincount(bins, weights=hit, minlength=num_bins) / filled,
        }
        tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


def _calibration_error(bins: pd.DataFrame) -> pd.DataFrame:
    """Return label, calibration_error: the distance between probability and frequency, weighted by count."""
    distance = (bins["probability"] - bins["frequency"]).abs() * bins["count"]
    sums = pd.DataFrame({"label": bins["label"], "distance": distance, "count": bins["count"]}).groupby("label").sum()
    error = sums["distance"] / sums["count"]
    return error.rename("calibration_error").reset_index()


def _by_confidence(cells: LabelledCells) -> pd.DataFrame:
    """Return label, threshold, detected, precision, recall at `THRESHOLDS`."""
    tables = []
    for label, column in columns_by_label(cells.classes):
        probability, truth = cells.probability[:, column].ravel(), cells.truth[:, column].ravel()
        everything, hits = np.sort(probability), np.sort(probability[truth])
        detected = len(everything) - np.searchsorted(everything, THRESHOLDS, side="right")
        correct = len(hits) - np.searchsorted(hits, THRESHOLDS, side="right")
        table = {
            "label": label,
            "threshold": THRESHOLDS,
            "detected": detected,
            "precision": correct / np.where(detected > 0, detected, np.nan),
            "recall": correct / (len(hits) or np.nan),
        }
        tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)
