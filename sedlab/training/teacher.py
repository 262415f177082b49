"""The mean teacher: a running mean of the student's parameters.

Source: arXiv 1703.01780.
"""

from __future__ import annotations

import copy

import torch
from torch import nn


def make_teacher(student: nn.Module) -> nn.Module:
    """Return a copy of ``student`` that no gradient reaches."""
    return copy.deepcopy(student).requires_grad_(False)


def ema_alpha(step: int, decay: float) -> float:
    """Return the teacher's share of itself: a true mean of all students at first, ``decay`` later.

    At step 0 it is 0: the teacher becomes a copy of the student.
    """
    return min(1 - 1 / (step + 1), decay)


@torch.no_grad()
def update_teacher(teacher: nn.Module, student: nn.Module, *, step: int, decay: float) -> None:
    """Move every parameter of ``teacher`` towards the student's: once per optimiser step, ``step`` counting from 0.

    Frozen parameters follow at step 0, which makes them equal for good; tensors that both share are left alone. As
    published, parameters alone are averaged. Buffers are not: in training the teacher is in training mode as well, so
    its batch norm keeps statistics of the clips that the teacher saw, computed with the teacher's weights. A teacher
    loaded from a checkpoint thus loses its parameters at step 0 and keeps its statistics.
    """
    pairs = [
        (own, other)
        for own, other in zip(teacher.parameters(), student.parameters(), strict=True)
        if own.data_ptr() != other.data_ptr() and (other.requires_grad or step == 0)
    ]
    if not pairs:
        return
    own, other = zip(*pairs, strict=True)
    # One fused kernel for all tensors; with weight 1 it copies exactly.
    torch._foreach_lerp_(list(own), list(other), 1 - ema_alpha(step, decay))
