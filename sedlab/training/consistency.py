"""Self-supervision: the student should agree with the teacher, on the clips themselves or on mixtures of them.

Sources: mean teacher, arXiv 1703.01780; interpolation consistency (ICT), arXiv 1903.03825, in the form of ATST-SED,
arXiv 2309.08153, and the CP-JKU system.
Shape letters: B clips, C classes, T frames.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Tensor

from sedlab.audio.mixup import Mixing, mix_targets
from sedlab.config.training import LossConfig
from sedlab.data.batch import Rows, has_clips
from sedlab.labels import valid_classes
from sedlab.training.criteria import mean_over


class Scores(Protocol):
    """Probabilities of a detector: ``strong`` (B, C, T) and ``weak`` (B, C)."""

    strong: Tensor
    weak: Tensor


class Predictions(NamedTuple):
    """The plainest ``Scores``."""

    strong: Tensor
    weak: Tensor


def mean_teacher(student: Scores, teacher: Scores, rows: Rows, config: LossConfig) -> tuple[Tensor, Tensor]:
    """Return the mean distance of student and teacher, frame by frame and at clip level."""
    strong_rows = rows.everyone if config.include_maestro_ssl else rows.desed
    weak_rows = rows.desed if config.exclude_maestro_weak_ssl else strong_rows
    criterion = config.self_supervised_criterion
    return (
        mean_over(student.strong, teacher.strong, strong_rows, criterion),
        mean_over(student.weak, teacher.weak, weak_rows, criterion),
    )


def interpolated(teacher: Scores, mixing: Mixing) -> Predictions:
    """Return what the teacher's predictions for unmixed clips say about the mixed ones."""
    return Predictions(mix_targets(teacher.strong, mixing), mix_targets(teacher.weak, mixing))


def interpolation_consistency(
    student: Scores, teacher: Scores, rows: Rows, mixing: Mixing, config: LossConfig
) -> Tensor:
    """Return the ICT distance between the student on mixed clips and the mixed predictions of the teacher.

    Four terms (strongly labelled, weak, unlabeled, MAESTRO) over 8. Where MAESTRO clips were mixed with the other
    strongly labelled ones, that joint term stands for MAESTRO as well and so counts twice, as in the published system.
    """
    target = interpolated(teacher, mixing)
    criterion = config.self_supervised_criterion

    def term(clips: slice, *, weak_factor: float = 0.5, columns: list[int] | None = None) -> Tensor:
        weak, weak_target = student.weak, target.weak
        if columns is not None:
            weak, weak_target = weak[:, columns], weak_target[:, columns]
        strong_part = mean_over(student.strong, target.strong, clips, criterion)
        return strong_part + weak_factor * mean_over(weak, weak_target, clips, criterion)

    has_maestro = config.include_maestro_ssl and has_clips(rows.maestro)
    if mixing.joint and has_maestro:
        columns = (
            valid_classes("desed", training=True).nonzero()[0].tolist() if config.exclude_maestro_weak_ssl else None
        )
        strong = maestro = term(rows.strongly_labelled, columns=columns)
    else:
        strong = term(rows.hard_labelled)
        maestro_rows = rows.maestro if has_maestro else slice(0, 0)
        maestro = term(maestro_rows, weak_factor=0.0 if config.exclude_maestro_weak_ssl else 0.5)
    return (strong + term(rows.weak) + term(rows.unlabeled) + maestro) / 8
