"""The loss of a stage: annotation, agreement with the teacher, pseudo-labels.

Stage 1 and stage 2 weigh the same terms differently; ``LossConfig`` says how, this module does it for both.

Source: CP-JKU system for DCASE 2024 Task 4, arXiv 2408.00791, and its public code.
Shape letters: B clips, C classes, T frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sedlab.audio.mixup import Mixing
from sedlab.config.training import LossConfig
from sedlab.data.batch import Rows, Targets
from sedlab.training.consistency import Predictions, Scores, interpolation_consistency, mean_teacher
from sedlab.training.criteria import mean_over
from sedlab.training.schedules import ramp

# Number of loss weights but the last: the published stage 1 multiplies its total by it.
STAGE1_FACTOR = 5
# Against mean teacher, the published stage 2 divides the self-supervised weight of an ICT step by this.
ICT_DIVISOR = 4


@dataclass(frozen=True)
class LossTerms:
    """A loss to minimise and what it is made of."""

    total: Tensor
    """Scalar with gradient."""
    parts: dict[str, Tensor]
    """Detached scalars for the log. maestro, strong, synth, weak, consistency_* and ict are plain means; supervised,
    self_supervised and pseudo are weighted as they enter the total (in stage 1 before its common factor)."""


def prediction_masks(mask: Tensor, config: LossConfig) -> tuple[Tensor | None, ...]:
    """Return the class masks that a detector must be evaluated under: the clips' own, and none if ``config`` asks."""
    unmasked = config.ssl_no_class_mask or (config.pseudo > 0 and config.pseudo_no_class_mask)
    return (mask, None) if unmasked else (mask,)


def stage_loss(
    student: Sequence[Scores],
    teacher: Sequence[Scores] | None,
    *,
    targets: Targets,
    rows: Rows,
    step: int,
    config: LossConfig,
    mixing: Mixing | None = None,
) -> LossTerms:
    """Return the loss of one batch, in float32 whatever the autocast state.

    Parameters
    ----------
    student, teacher
        Scores under each of ``prediction_masks``: masked first, then unmasked where the configuration asks for it.
        The teacher may be None when its weight is 0.
    targets
        After augmentation, masks not yet applied.
    rows
        Of each group; absent groups contribute 0.
    step
        Optimiser steps done so far.
    mixing
        How the student's clips were mixed, when the teacher saw them unmixed; makes an ICT step if the stage uses ICT.
    """
    with torch.autocast(targets.strong.device.type, enabled=False):
        student = [_float(scores) for scores in student]
        # Beyond stage 1 the published code keeps pseudo-labels unmasked even where predictions are masked. Such a cell
        # would cost a constant 100 times its label; here one option covers both.
        targets = targets.masked(pseudo=not config.pseudo_no_class_mask)

        parts = supervised_losses(student[0], targets, rows)
        strong = config.maestro * parts["maestro"] + config.strong * parts["strong"] + config.synth * parts["synth"]
        weak = config.weak * parts["weak"]
        parts["supervised"] = strong + weak if config.form == "stage1" else strong / 3 + weak / 2

        parts["self_supervised"] = strong.new_zeros(())
        if config.self_supervised and teacher is not None:
            teacher = [_float(scores, detach=True) for scores in teacher]
            parts |= self_supervised_losses(student, teacher, rows, step=step, config=config, mixing=mixing)

        parts["pseudo"] = strong.new_zeros(())
        if config.pseudo and targets.pseudo is not None:
            scores = student[1] if config.pseudo_no_class_mask else student[0]
            parts["pseudo"] = pseudo_label_loss(scores, targets.pseudo, rows, config)

        total = parts["supervised"] + parts["self_supervised"] + parts["pseudo"]
        if config.form == "stage1":
            total = STAGE1_FACTOR * total
    return LossTerms(total, {name: value.detach() for name, value in parts.items()})


def supervised_losses(scores: Scores, targets: Targets, rows: Rows) -> dict[str, Tensor]:
    """Return the unweighted binary cross-entropy of each annotated group. MAESTRO's labels stay soft."""
    losses = {
        name: mean_over(scores.strong, targets.strong, getattr(rows, name)) for name in ("maestro", "strong", "synth")
    }
    losses["weak"] = mean_over(scores.weak, targets.weak, rows.weak)
    return losses


def self_supervised_losses(
    student: Sequence[Scores],
    teacher: Sequence[Scores],
    rows: Rows,
    *,
    step: int,
    config: LossConfig,
    mixing: Mixing | None,
) -> dict[str, Tensor]:
    """Return the plain means and ``self_supervised``, the term weighted as it enters the total."""
    which = 1 if config.ssl_no_class_mask else 0
    weight = config.self_supervised * ramp(step, num_steps=config.ramp_steps, maximum=config.ramp_max)
    if config.ict and mixing is not None:
        distance = interpolation_consistency(student[which], teacher[which], rows, mixing, config)
        return {"ict": distance, "self_supervised": weight / ICT_DIVISOR * distance}
    strong, weak = mean_teacher(student[which], teacher[which], rows, config)
    distance = strong + weak if config.form == "stage1" else strong + weak / 2
    return {"consistency_strong": strong, "consistency_weak": weak, "self_supervised": weight * distance}


def pseudo_label_loss(scores: Scores, pseudo: Tensor, rows: Rows, config: LossConfig) -> Tensor:
    """Return the weighted distance from pseudo-labels (B, C, T); MAESTRO and the other clips are averaged apart."""
    desed = mean_over(scores.strong, pseudo, rows.desed, config.pseudo_criterion)
    maestro = mean_over(scores.strong, pseudo, rows.maestro, config.pseudo_criterion)
    return config.pseudo * ((config.strong + config.synth + config.weak) * desed + config.maestro * maestro)


def _float(scores: Scores, *, detach: bool = False) -> Predictions:
    strong, weak = scores.strong.float(), scores.weak.float()
    return Predictions(strong.detach(), weak.detach()) if detach else Predictions(strong, weak)
