"""The mean teacher: a running mean of the student's parameters.

Source: arXiv 1703.01780.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


def make_teacher(student: nn.Module) -> nn.Module:
    """Return a copy of ``student`` that no gradient reaches."""
    return copy.deepcopy(student).requires_grad_(False)


def ema_alpha(step: int, decay: float) -> float:
    """Return the teacher's share of itself: a true mean of all students at first, ``decay`` later.

    At step 0 it is 0: the teacher becomes a copy of the student.
    """
    return min(1 - 1 / (step + 1), decay)


class RunningMean:
    """Moves every parameter of ``teacher`` towards the student's.

    Frozen parameters follow at step 0, which makes them equal for good; tensors that both share are left alone. As
    published, parameters alone are averaged. Buffers are not: in training the teacher is in training mode as well, so
    its batch norm keeps statistics of the clips that the teacher saw, computed with the teacher's weights. A teacher
    loaded from a checkpoint thus loses its parameters at step 0 and keeps its statistics.
    """

    def __init__(self, teacher: nn.Module, student: nn.Module):
        pairs = [
            (own, other)
            for own, other in zip(teacher.parameters(), student.parameters(), strict=True)
            if own.data_ptr() != other.data_ptr()
        ]
        # Both lists are made once: walking through the networks takes longer than the host has for a step.
        self._all = _as_lists(pairs)
        self._trained = _as_lists([(own, other) for own, other in pairs if other.requires_grad])

    @torch.no_grad()
    def update(self, step: int, decay: float) -> None:
        """Move the teacher: once per optimiser step, ``step`` counting from 0."""
        own, other = self._all if step == 0 else self._trained
        if own:
            # One fused kernel for all tensors; with weight 1 it copies exactly.
            torch._foreach_lerp_(own, other, 1 - ema_alpha(step, decay))


def update_teacher(teacher: nn.Module, student: nn.Module, *, step: int, decay: float) -> None:
    """Move ``teacher`` towards ``student`` once, see `RunningMean`."""
    RunningMean(teacher, student).update(step, decay)


def _as_lists(pairs: list[tuple[Tensor, Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
    return [own for own, _ in pairs], [other for _, other in pairs]
