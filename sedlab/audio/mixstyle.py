"""Frequency-wise MixStyle: a clip keeps its content and takes on part of another clip's spectral colour.

Source: Freq-MixStyle, arXiv 2206.12513, on MixStyle, arXiv 2104.02008.
Shape letters: B clips, F bins, T frames.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sedlab.audio.mixup import Mixing

EPSILON = 1e-6


def mixstyle(features: Tensor, mixing: Mixing) -> Tensor:
    """Return ``features`` (B, 1, F, T) with mean and deviation of every bin over time mixed with the partner's.

    ``mixing`` is drawn as for mixup, with the larger share for the clip itself. The variance is the unbiased one, so a
    feature needs at least two frames.
    """
    mixing = mixing.to(features.device)
    partner, share = mixing.partner, mixing.coefficient.to(features.dtype).reshape(-1, 1, 1, 1)
    variance, mean = torch.var_mean(features, dim=-1, keepdim=True)
    deviation = (variance + EPSILON).sqrt()
    # (x - m) / s * s' + m' as one multiply-add over the features; the statistics are small.
    scale = torch.lerp(deviation[partner], deviation, share) / deviation
    shift = torch.lerp(mean[partner], mean, share) - mean * scale
    return torch.addcmul(shift, features, scale)
