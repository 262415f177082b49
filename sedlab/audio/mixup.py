"""Mixup: every clip becomes a weighted sum of itself and a partner, its labels too.

Blocks of the batch (weak, strongly labelled, unlabeled clips) mix each among themselves. One permutation and one
coefficient vector describe the whole batch, so each tensor is mixed in a single pass.

Source: arXiv 1710.09412; coefficients one a clip and the widened class mask after the published CP-JKU system.
Shape letters: B clips, C classes, T frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sedlab.audio.draws import beta, permutation_within
from sedlab.audio.packing import map_tensors


@dataclass(frozen=True)
class Mixing:
    """Who is mixed with whom, and how much of each clip remains."""

    partner: Tensor
    """(B,) index of the clip mixed in; a clip's own index leaves it as it is."""
    coefficient: Tensor
    """(B,) float32 share of the clip itself, in [0, 1]."""
    joint: bool = True
    """Whether MAESTRO clips were mixed with the other strongly labelled ones; the consistency loss depends on it."""
    fired: Tensor | None = None
    """Scalar bool where the work is recorded and done again, mixed or not; None: the clips were mixed."""

    def to(self, device: torch.device | str) -> Mixing:
        """Return the same draws on ``device``."""
        if self.partner.device == torch.device(device):
            return self
        return map_tensors(self, lambda tensor: tensor.to(device, non_blocking=True))

    @classmethod
    def nothing(cls, num_clips: int, *, joint: bool = True) -> Mixing:
        """Return the mixing that leaves every clip as it is."""
        return cls(torch.arange(num_clips), torch.ones(num_clips), joint)


def draw_mixing(
    blocks: Sequence[slice],
    num_clips: int,
    alpha: float,
    generator: torch.Generator,
    *,
    max_coefficient: bool = True,
    joint: bool = True,
) -> Mixing:
    """Draw partners inside each of ``blocks`` and Beta(alpha, alpha) coefficients, max(c, 1 - c) on request.

    Clips outside all blocks keep themselves as partner.
    """
    partner = permutation_within(blocks, num_clips, generator)
    coefficient = beta(alpha, num_clips, generator, larger_share=max_coefficient)
    return Mixing(partner, coefficient, joint)


def mix(values: Tensor, mixing: Mixing) -> Tensor:
    """Return ``c * values + (1 - c) * values[partner]`` along the first axis."""
    mixing = mixing.to(values.device)
    share = mixing.coefficient.to(values.dtype).reshape(-1, *[1] * (values.ndim - 1))
    return torch.lerp(values[mixing.partner], values, share)


def mix_targets(targets: Tensor, mixing: Mixing) -> Tensor:
    """Return targets mixed in proportion, in [0, 1]."""
    return mix(targets, mixing).clamp(0, 1)


def widen_mask(mask_BC: Tensor, strong_BCT: Tensor, mixing: Mixing) -> Tensor:
    """Return the class mask (B, C) after mixing: the clip's own classes and the partner's *active* ones.

    It is not the union of both masks: that a partner's class is absent says nothing about the clip itself.
    ``strong_BCT`` are the targets before mixing.
    """
    active_BC = (strong_BCT != 0).any(dim=-1)
    return mask_BC | active_BC[mixing.partner.to(mask_BC.device)]
