"""The number that selects the best checkpoint, and what it is made of.

Objective = mpAUC on MAESTRO validation clips + PSDS1 on synthetic validation clips + PSDS1 on external strong ones;
larger is better. All with class-wise median filter and evaluation masks. A subset that is not there adds nothing. With
none of them, the clip-level F1 of weakly labelled validation clips selects.

Source: code of the CP-JKU DCASE 2024 system, arXiv 2408.00791.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import numpy as np

from sedlab.data.corpora.layout import family
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError
from sedlab.scoring.marked import clip_truth
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.mpauc import segment_mpauc
from sedlab.scoring.metrics.psds import psds
from sedlab.scoring.metrics.segments import CountedSegments
from sedlab.scoring.postprocess.choice import MEDIAN, Postprocess
from sedlab.scoring.scores.predict import Batching, Predictions, WaveformReader, predict_networks
from sedlab.scoring.scores.tables import score_tables

if TYPE_CHECKING:
    from torch import nn

#: Validation subset -> the name of its part in a result.
PARTS: dict[str, str] = {
    "maestro_val": "mpauc_maestro_val",
    "synth_val": "psds1_synth_val",
    "external_strong_eval": "psds1_external_strong_eval",
    "own_val": "psds1_own_val",
    "weak_val": "weak_f1_weak_val",
}
#: Shown beside the objective, not part of it unless nothing else is there.
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
        When no validation subset is there.
    """
    return _results(predict_validation({"": detector}, corpus, cache, **batching), corpus)[""]


def validate_networks(
    networks: Mapping[str, nn.Module],
    corpus: Corpus,
    cache: WaveformReader,
    **batching: Unpack[Batching],
) -> dict[str, float]:
    """Score each network and return one flat row: the student's "objective" and parts, the others' as
    ``<name>/<part>``."""
    return validation_row(predict_validation(networks, corpus, cache, **batching), corpus)


def predict_validation(
    networks: Mapping[str, nn.Module], corpus: Corpus, cache: WaveformReader, **batching: Unpack[Batching]
) -> dict[str, dict[str, Predictions]]:
    """Return what each network, of one configuration, says about the validation clips, {subset: {network: ...}}.

    Raises
    ------
    SedlabError
        As `validation_scores`.
    """
    check_validation(corpus)
    space = corpus.space
    return {
        subset: predict_networks(networks, cache, corpus.subset(subset).clips, space=space, **batching)
        for subset in PARTS
        if subset in corpus.subsets
    }


def check_validation(corpus: Corpus) -> None:
    """Raise SedlabError when no validation subset is there."""
    if not set(PARTS) & set(corpus.subsets):
        raise SedlabError(
            f"{corpus.root}: no validation clips (none of {', '.join(PARTS)}), and without them no checkpoint can be "
            "chosen. Prepare one of these sets."
        )


def validation_row(predictions: Mapping[str, Mapping[str, Predictions]], corpus: Corpus) -> dict[str, float]:
    """Return the row of `validate_networks` from what `predict_validation` returned."""
    row = {}
    for name, result in _results(predictions, corpus).items():
        prefix = "" if name == "student" else f"{name}/"
        row |= {f"{prefix}{key}": value for key, value in {"objective": result.objective, **result.parts}.items()}
    return row


def _results(predictions: Mapping[str, Mapping[str, Predictions]], corpus: Corpus) -> dict[str, ValidationResult]:
    parts: dict[str, dict[str, float]] = {}
    for subset, said in predictions.items():
        part = corpus.subset(subset)
        for name, found in said.items():
            parts.setdefault(name, {})[PARTS[subset]] = score_subset(found, part, subset)
    return {name: ValidationResult(_objective(values), values) for name, values in parts.items()}


def _objective(parts: Mapping[str, float]) -> float:
    counted = [name for name in parts if name not in LOGGED_ONLY] or list(parts)
    return float(sum(parts[name] for name in counted if not np.isnan(parts[name])))


def score_subset(predictions: Predictions, corpus: Corpus, subset: str) -> float:
    """Return the value of one validation subset from predictions for its clips."""
    if subset == "weak_val":
        return weak_f1(predictions.weak, clip_truth(corpus, corpus.classes), predictions.mask)
    scores = predictions.scores
    masked = scores.probabilities * predictions.mask[:, None, :]
    tables = score_tables(masked, scores.clip_ids, scores.classes, scores.frame_times)
    tables = Postprocess.read(MEDIAN).suited_to(scores.classes).scores(tables)
    if subset == "maestro_val":
        return segment_mpauc(CountedSegments.of_validation(tables, corpus.events)).overall
    classes = corpus.space.evaluated(family(subset))
    return psds(CountedEvents.of(tables, corpus.events, corpus.durations, classes)).overall


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
