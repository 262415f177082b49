"""Frequency-wise MixStyle: a clip keeps its content and takes on part of another clip's spectral colour.

Source: Freq-MixStyle, arXiv 2206.12513, on MixStyle, arXiv 2104.02008.
Shape letters: B clips, F bins, T frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from sedlab.audio.draws import beta, permutation_within

EPSILON = 1e-6


class StyleDraws(NamedTuple):
    """Whose statistics are mixed in, and how much of a clip's own remains."""

    partner: Tensor  # (B,)
    share: Tensor  # (B,) float32 in [0.5, 1]


def draw_styles(blocks: Sequence[slice], num_clips: int, alpha: float, generator: torch.Generator) -> StyleDraws:
    """Draw partners inside each of ``blocks`` and shares max(l, 1 - l) with l from Beta(alpha, alpha)."""
    partner = permutation_within(blocks, num_clips, generator)
    return StyleDraws(partner, beta(alpha, num_clips, generator))


def mixstyle(features: Tensor, draws: StyleDraws) -> Tensor:
    """Return ``features`` (B, 1, F, T) with mean and deviation of every bin over time mixed with the partner's.

    The variance is the unbiased one, so a feature needs at least two frames.
    """
    partner = draws.partner.to(features.device, non_blocking=True)
    share = draws.share.to(features.device, features.dtype, non_blocking=True).reshape(-1, 1, 1, 1)
    variance, mean = torch.var_mean(features, dim=-1, keepdim=True)
    deviation = (variance + EPSILON).sqrt()
    # (x - m) / s * s' + m' as one multiply-add over the features; the statistics are small.
    scale = torch.lerp(deviation[partner], deviation, share) / deviation
    shift = torch.lerp(mean[partner], mean, share) - mean * scale
    return torch.addcmul(shift, features, scale)
