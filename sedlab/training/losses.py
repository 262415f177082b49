"""The loss of a stage: annotation, agreement with the mean teacher, pseudo-labels.

Stages weigh the same terms differently; all numbers stand in ``LossConfig``. Means run over every class, also those
that a clip's mask switched off. A masked cell is 0 in prediction and target, so it adds nothing to the sum but stays in
the count, as in the published system.

Sources: CP-JKU system for DCASE 2024 Task 4, arXiv 2408.00791, and its public code; mean teacher, arXiv 1703.01780;
interpolation consistency (ICT), arXiv 1903.03825, in the form of ATST-SED, arXiv 2309.08153.
Shape letters: B clips, C classes, T frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from sedlab.audio.mixup import Mixing, mix_targets
from sedlab.config.training import LossConfig
from sedlab.data.batch import Rows, Targets, has_clips
from sedlab.labels import DCASE, LabelSpace
from sedlab.models.head import Scores
from sedlab.training.schedules import ramp


@dataclass(frozen=True)
class LossTerms:
    """A loss to minimise and what it is made of."""

    total: Tensor
    """Scalar with gradient."""
    parts: dict[str, Tensor]
    """Detached scalars for the log. maestro, strong, synth, weak, consistency_* and ict are plain means; supervised,
    self_supervised and pseudo are weighted as they enter the total, before its factor."""


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
    step: int | Tensor,
    config: LossConfig,
    mixing: Mixing | None = None,
    aliased: bool = True,
    space: LabelSpace = DCASE,
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
        Optimiser steps done so far; a scalar tensor where the work is recorded and done again.
    mixing
        How the student's clips were mixed, if they were; makes an ICT step of it if the stage uses ICT.
    aliased
        Whether DESED's labels speak about MAESTRO classes too, as in the published system.
    space
        What the classes are.
    """
    with torch.autocast(targets.strong.device.type, enabled=False):
        student = [_float(scores) for scores in student]
        # Beyond stage 1 the published code keeps pseudo-labels unmasked even where predictions are masked. Such a cell
        # would cost a constant 100 times its label; here one option covers both.
        targets = targets.masked(pseudo=not config.pseudo_no_class_mask)

        parts = supervised_losses(student[0], targets, rows, config)

        parts["self_supervised"] = parts["supervised"].new_zeros(())
        if config.self_supervised and teacher is not None:
            teacher = [_float(scores, detach=True) for scores in teacher]
            parts |= self_supervised_losses(
                student, teacher, rows, step=step, config=config, mixing=mixing, aliased=aliased, space=space
            )

        parts["pseudo"] = parts["supervised"].new_zeros(())
        if config.pseudo and targets.pseudo is not None:
            scores = student[1] if config.pseudo_no_class_mask else student[0]
            parts["pseudo"] = pseudo_label_loss(scores, targets.pseudo, rows, config)

        total = config.total_factor * (parts["supervised"] + parts["self_supervised"] + parts["pseudo"])
    return LossTerms(total, {name: value.detach() for name, value in parts.items()})


def supervised_losses(scores: Scores, targets: Targets, rows: Rows, config: LossConfig) -> dict[str, Tensor]:
    """Return the binary cross-entropy of each annotated group, plain, and ``supervised``, their weighted sum.

    MAESTRO's labels stay soft.
    """
    maestro = mean_over(scores.strong, targets.strong, rows.maestro)
    real = mean_over(scores.strong, targets.strong, rows.strong)
    synth = mean_over(scores.strong, targets.strong, rows.synth)
    weak = mean_over(scores.weak, targets.weak, rows.weak)
    frames = (config.maestro * maestro + config.strong * real + config.synth * synth) / config.strong_divisor
    clips = config.weak * weak / config.weak_divisor
    return {"maestro": maestro, "strong": real, "synth": synth, "weak": weak, "supervised": frames + clips}


def self_supervised_losses(
    student: Sequence[Scores],
    teacher: Sequence[Scores],
    rows: Rows,
    *,
    step: int | Tensor,
    config: LossConfig,
    mixing: Mixing | None,
    aliased: bool = True,
    space: LabelSpace = DCASE,
) -> dict[str, Tensor]:
    """Return the distances of student and teacher, plain, and ``self_supervised``, their weighted sum."""
    which = 1 if config.ssl_no_class_mask else 0
    weight = config.self_supervised * ramp(step, num_steps=config.ramp_steps, maximum=config.ramp_max)
    interpolates = config.ict and mixing is not None
    if interpolates:
        distance = interpolation_consistency(
            student[which], teacher[which], rows, mixing, config, aliased=aliased, space=space
        )
        interpolation = {"ict": distance, "self_supervised": weight / config.ict_divisor * distance}
        if mixing.fired is None:
            return interpolation
    strong, weak = mean_teacher(student[which], teacher[which], rows, config)
    distance = strong + weak / config.consistency_weak_divisor
    agreement = {"consistency_strong": strong, "consistency_weak": weak, "self_supervised": weight * distance}
    return _either(mixing.fired, interpolation, agreement) if interpolates else agreement


def _either(chosen: Tensor, one: dict[str, Tensor], other: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the parts of ``one`` where ``chosen`` (a bool on the device), else of ``other``; the rest is nan.

    Work that is recorded on a device takes the same path each time, so both were computed.
    """
    absent = torch.full_like(one["self_supervised"], torch.nan).detach()
    return {name: torch.where(chosen, one.get(name, absent), other.get(name, absent)) for name in one | other}


def mean_teacher(student: Scores, teacher: Scores, rows: Rows, config: LossConfig) -> tuple[Tensor, Tensor]:
    """Return the mean distance of student and teacher on the same clips, frame by frame and at clip level."""
    strong_rows = rows.everyone if config.include_maestro_ssl else rows.desed
    weak_rows = rows.desed if config.exclude_maestro_weak_ssl else strong_rows
    criterion = config.self_supervised_criterion
    return (
        mean_over(student.strong, teacher.strong, strong_rows, criterion),
        mean_over(student.weak, teacher.weak, weak_rows, criterion),
    )


def interpolation_consistency(
    student: Scores,
    teacher: Scores,
    rows: Rows,
    mixing: Mixing,
    config: LossConfig,
    *,
    aliased: bool = True,
    space: LabelSpace = DCASE,
) -> Tensor:
    """Return the ICT distance between the student on mixed clips and the mixed predictions of the teacher.

    Four terms (strongly labelled, weak, unlabeled, MAESTRO) over 8. Where MAESTRO clips were mixed with the other
    strongly labelled ones, that joint term stands for MAESTRO as well and so counts twice, as in the published system.
    """
    target = interpolated(teacher, mixing)
    criterion = config.self_supervised_criterion

    def term(clips: slice, *, weak_factor: float = 0.5, columns: slice | Tensor = slice(None)) -> Tensor:
        strong_part = mean_over(student.strong, target.strong, clips, criterion)
        return strong_part + weak_factor * mean_over(
            student.weak[:, columns], target.weak[:, columns], clips, criterion
        )

    without_maestro = not config.include_maestro_ssl or not has_clips(rows.maestro)
    if mixing.joint and not without_maestro:
        columns = slice(None)
        if config.exclude_maestro_weak_ssl:
            columns = _desed_classes(space, aliased, student.weak.device)
        strong = maestro = term(rows.strongly_labelled, columns=columns)
    else:
        strong = term(rows.hard_labelled)
        weak_factor = 0.0 if config.exclude_maestro_weak_ssl else 0.5
        maestro = term(slice(0, 0) if without_maestro else rows.maestro, weak_factor=weak_factor)
    return (strong + term(rows.weak) + term(rows.unlabeled) + maestro) / 8


def interpolated(teacher: Scores, mixing: Mixing) -> Scores:
    """Return what the teacher's predictions for unmixed clips say about the mixed ones."""
    return Scores(mix_targets(teacher.strong, mixing), mix_targets(teacher.weak, mixing))


def pseudo_label_loss(scores: Scores, pseudo: Tensor, rows: Rows, config: LossConfig) -> Tensor:
    """Return the weighted distance from pseudo-labels (B, C, T); MAESTRO and the other clips are averaged apart."""
    desed = mean_over(scores.strong, pseudo, rows.desed, config.pseudo_criterion)
    maestro = mean_over(scores.strong, pseudo, rows.maestro, config.pseudo_criterion)
    return config.pseudo * ((config.strong + config.synth + config.weak) * desed + config.maestro * maestro)


def mean_over(
    prediction: Tensor, target: Tensor, rows: slice, criterion: Literal["mse", "bce", "both"] = "bce"
) -> Tensor:
    """Return the mean of ``criterion`` over all elements of ``rows``; 0, not nan, when there are none."""
    if not has_clips(rows):
        return prediction.new_zeros(())
    prediction, target = prediction[rows], target[rows]
    if criterion == "bce":
        return F.binary_cross_entropy(prediction, target)
    if criterion == "mse":
        return F.mse_loss(prediction, target)
    # The published code brings both to a similar size before it averages them.
    return (4 * F.mse_loss(prediction, target) + F.binary_cross_entropy(prediction, target)) / 2


@cache
def _desed_classes(space: LabelSpace, aliased: bool, device: torch.device) -> Tensor:
    """Return the classes that other labels than MAESTRO's speak of; made once, as a list would be copied each time."""
    return torch.from_numpy(space.desed_mask(aliased=aliased).nonzero()[0]).to(device)


def _float(scores: Scores, *, detach: bool = False) -> Scores:
    strong, weak = scores.strong.float(), scores.weak.float()
    return Scores(strong.detach(), weak.detach()) if detach else Scores(strong, weak)
