"""The number that selects the best checkpoint, and what it is made of.

Objective = mpAUC on MAESTRO validation clips + PSDS1 on synthetic validation clips + PSDS1 on external strong ones;
larger is better. All with class-wise median filter and evaluation masks. A subset that is not there adds nothing.

Source: code of the CP-JKU DCASE 2024 system, arXiv 2408.00791.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import numpy as np

from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES
from sedlab.scoring.marked import clip_truth
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.mpauc import segment_mpauc
from sedlab.scoring.metrics.psds import psds
from sedlab.scoring.metrics.segments import CountedSegments
from sedlab.scoring.postprocess.choice import MEDIAN, Postprocess
from sedlab.scoring.scores.predict import Batching, Predictions, WaveformReader, predict_masked
from sedlab.scoring.scores.tables import score_tables

if TYPE_CHECKING:
    from torch import nn

#: Validation subset -> the name of its part in a result.
PARTS: dict[str, str] = {
    "maestro_val": "mpauc_maestro_val",
    "synth_val": "psds1_synth_val",
    "external_strong_eval": "psds1_external_strong_eval",
    "weak_val": "weak_f1_weak_val",
}
#: Shown beside the objective, not part of it.
LOGGED_ONLY: tuple[str, ...] = ("weak_f1_weak_val",)
WEAK_THRESHOLD = 0.5


@dataclass(frozen=True)
class ValidationResult:
    """Validation scores of one network."""

    objective: float
    """Sum of the parts that count; a part without value (no event of any class) adds nothing."""
    parts: dict[str, float]
    """Value by name, for the subsets that are there."""


def validation_scores(
    detector: nn.Module,
    corpus: Corpus,
    cache: WaveformReader,
    **batching: Unpack[Batching],
) -> ValidationResult:
    """Score a detector on the validation subsets of ``corpus``; every clip goes through the network once.

    Raises
    ------
    SedlabError
        When no validation subset that enters the objective is there.
    """
    present = set(corpus.clips["subset"])
    subsets = [subset for subset in PARTS if subset in present]
    if all(PARTS[subset] in LOGGED_ONLY for subset in subsets):
        wanted = ", ".join(subset for subset in PARTS if PARTS[subset] not in LOGGED_ONLY)
        raise SedlabError(
            f"no validation clips (none of {wanted}). Prepare one of these subsets, or train without validation."
        )
    parts = {}
    for subset in subsets:
        part = corpus.subset(subset)
        predictions = predict_masked(detector, cache, part.clips, **batching)
        parts[PARTS[subset]] = score_subset(predictions, part, subset)
    counted = [value for name, value in parts.items() if name not in LOGGED_ONLY and not np.isnan(value)]
    return ValidationResult(float(sum(counted)), parts)


def validate_networks(
    networks: Mapping[str, nn.Module],
    corpus: Corpus,
    cache: WaveformReader,
    **batching: Unpack[Batching],
) -> dict[str, float]:
    """Score each network and return one flat row: the student's "objective" and parts, the others' as
    ``<name>/<part>``."""
    row = {}
    for name, network in networks.items():
        result = validation_scores(network, corpus, cache, **batching)
        prefix = "" if name == "student" else f"{name}/"
        row |= {f"{prefix}{key}": value for key, value in {"objective": result.objective, **result.parts}.items()}
    return row


def score_subset(predictions: Predictions, corpus: Corpus, subset: str) -> float:
    """Return the value of one validation subset from predictions for its clips."""
    if subset == "weak_val":
        return weak_f1(predictions.weak, clip_truth(corpus, CLASSES), predictions.mask)
    scores = predictions.scores
    masked = scores.probabilities * predictions.mask[:, None, :]
    tables = score_tables(masked, scores.clip_ids, scores.classes, scores.frame_times)
    tables = Postprocess.read(MEDIAN).scores(tables)
    if subset == "maestro_val":
        return segment_mpauc(CountedSegments.of_validation(tables, corpus.events)).overall
    return psds(CountedEvents.of(tables, corpus.events, corpus.durations)).overall


def weak_f1(weak: np.ndarray, target: np.ndarray, mask: np.ndarray, *, threshold: float = WEAK_THRESHOLD) -> float:
    """Return the clip-level F1 averaged over classes that occur in the targets or the predictions.

    Parameters
    ----------
    weak : (clips, classes) probabilities
    target : (clips, classes) bool
    mask : (clips, classes) bool
        Cells outside count neither as hit nor as error.
    """
    detected, target = (weak > threshold) & mask, target.astype(bool) & mask
    hits = (detected & target).sum(axis=0)
    denominator = detected.sum(axis=0) + target.sum(axis=0)  # 2 TP + FP + FN
    occurs = denominator > 0
    return float(np.mean(2 * hits[occurs] / denominator[occurs])) if occurs.any() else np.nan
