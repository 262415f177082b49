"""Scores and ground truth brought together: what kind of labels, which classes, which clips."""

from __future__ import annotations

from collections.abc import Sequence

from sedlab.errors import SedlabError, count_of, nearest, short
from sedlab.labels import MAESTRO_CLASSES, MAESTRO_EVAL_CLASSES
from sedlab.scoring.scores.inputs import EvaluationScores, GroundTruth
from sedlab.scoring.scores.tables import among

#: What of a ground truth is scored.
EVENTS, SEGMENTS = "events", "segments"


def kind_of(truth: GroundTruth) -> str:
    """Return how a ground truth is scored: segments if it is soft or has classes of MAESTRO only, events otherwise."""
    return SEGMENTS if truth.soft or (truth.labels and set(truth.labels) <= set(MAESTRO_CLASSES)) else EVENTS


def scored_classes(
    scores: EvaluationScores, truth: GroundTruth, kind: str, wanted: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the classes to score.

    ``wanted``, or by default those of the ground truth; of MAESTRO's classes the 11 that count.

    Raises
    ------
    SedlabError
        When a class has no scores, with the nearest that has.
    """
    classes = tuple(wanted) or truth.labels
    if not wanted and kind == SEGMENTS and set(truth.labels) <= set(MAESTRO_CLASSES):
        classes = MAESTRO_EVAL_CLASSES
    if not classes:
        raise SedlabError(f"{truth.path}: has no events. Give the table of the clips that were scored.")
    unknown = [label for label in classes if label not in scores.classes]
    if unknown:
        raise SedlabError(
            f"{scores.path}: no scores for {len(unknown)} of {len(classes)} classes (first: {short(unknown[0])})."
            f"{nearest(unknown[0], scores.classes)} Name the classes to score with --classes."
        )
    return classes


def match_clips(
    scores: EvaluationScores, truth: GroundTruth, *, common: bool = False
) -> tuple[EvaluationScores, GroundTruth, dict[str, int]]:
    """Return scores and ground truth of the same clips, and how many were left out on each side.

    Clips that differ are an error unless ``common``. A clip without event needs no scores.

    Raises
    ------
    SedlabError
        When clips are only on one side, or no clip is on both.
    """
    listed = set(truth.clip_ids)
    unscored = sorted(truth.needs_scores - scores.tables.keys())
    unknown = sorted(scores.tables.keys() - listed)
    both = [clip_id for clip_id in scores.tables if clip_id in listed]
    if not both:
        first = next(iter(scores.tables), "-")
        raise SedlabError(
            f"{scores.path}: holds {count_of(len(scores.tables), 'clip')} (first: {first:.80}), none of which is in "
            f"{truth.path} (first: {next(iter(truth.clip_ids), '-'):.80}). Give the ground truth of the "
            "clips that were scored."
        )
    if (unscored or unknown) and not common:
        sides = [
            f"{count_of(len(clips), 'clip')} {what} (first: {clips[0]:.80})"
            for clips, what in ((unscored, f"without scores in {scores.path}"), (unknown, "without ground truth"))
            if clips
        ]
        raise SedlabError(
            f"{truth.path}: {' and '.join(sides)}. Evaluate the "
            f"{count_of(len(both), 'common clip')} with --common-clips."
        )
    chosen = EvaluationScores(among(scores.tables, both), scores.classes, scores.path)
    return chosen, truth.select(both), {"without_scores": len(unscored), "without_ground_truth": len(unknown)}
