"""Frequency warp: stretch a random band of a log-mel spectrogram over the whole mel axis.

Source: random resize crop along frequency of ATST-SED, arXiv 2309.08153.
Shape letters: B clips, F bins, T frames.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sedlab.audio.draws import Span, randint


def draw_band(num_bins: int, generator: torch.Generator, *, min_ratio: float = 0.6) -> Span:
    """Draw a band whose height is ``floor(r * num_bins)``, r uniform in [min_ratio, 1), anywhere on the mel axis."""
    ratio = min_ratio + (1 - min_ratio) * float(torch.rand((), generator=generator))
    height = min(max(int(ratio * num_bins), 1), num_bins)
    return Span(randint(0, num_bins - height + 1, generator), height)


def warp_frequency(features: Tensor, band: Span) -> Tensor:
    """Return ``features`` (B, 1, F, T) with ``band`` resized to F bins (bicubic, corners aligned); time unchanged."""
    if band.length == features.shape[-2]:
        return features
    crop = features[..., band.start : band.start + band.length, :]
    return F.interpolate(crop, size=features.shape[-2:], mode="bicubic", align_corners=True)
