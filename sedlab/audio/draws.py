"""Random numbers for augmentations, drawn on the CPU from an explicit generator.

Each augmentation is two functions: one draws, one applies given draws. Draws are a few numbers a clip, so they are made
on the host: the same generator state then gives the same augmentation on every device, and whether an augmentation
runs at all is known without waiting for the accelerator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Span(NamedTuple):
    """A stretch of an axis, in frames or bins."""

    start: int
    length: int


def coin(p: float, generator: torch.Generator) -> bool:
    """Return true with probability ``p``. The generator advances in the same way for every ``p``."""
    return bool(torch.rand((), generator=generator) < p)


def uniform(low: float, high: float, shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Return float32 draws from [low, high)."""
    return low + (high - low) * torch.rand(tuple(shape), generator=generator)


def randint(low: int, high: int, generator: torch.Generator) -> int:
    """Return one integer from [low, high)."""
    return int(torch.randint(low, high, (), generator=generator))


def beta(alpha: float, num_draws: int, generator: torch.Generator, *, larger_share: bool = True) -> Tensor:
    """Return float32 draws (num_draws,) from Beta(alpha, alpha), folded onto [0.5, 1] by max(c, 1 - c) on request."""
    # torch's own Beta takes no generator.
    seed = int(torch.randint(2**63 - 1, (), generator=generator))
    draws = np.random.default_rng(seed).beta(alpha, alpha, num_draws)
    if larger_share:
        draws = np.maximum(draws, 1 - draws)
    return torch.from_numpy(draws.astype(np.float32))


def permutation_within(blocks: Sequence[slice], num_clips: int, generator: torch.Generator) -> Tensor:
    """Return a permutation (num_clips,) that moves clips only inside their block; clips outside all blocks stay."""
    order = torch.arange(num_clips)
    for block in blocks:
        inside = order[block].clone()
        order[block] = inside[torch.randperm(len(inside), generator=generator)]
    return order
