"""Resampling of a time axis as a product with a fixed matrix; its backward pass is one too.

PyTorch's kernels for interpolation and adaptive pooling walk an array with the time axis innermost, so that tokens are
transposed before and after, and their backward passes add by atomic operations.

Shape letters: B clips, L tokens, D width, T frames.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor


def resample(embedding: Tensor, num_frames: int, mode: str) -> Tensor:
    """Return ``embedding`` (B, L, D) on ``num_frames`` frames (B, T, D), as `sedlab.models.pooling.pool_time`."""
    matrix = _matrix(embedding.shape[1], num_frames, mode, embedding.dtype, embedding.device)
    with torch.autocast(embedding.device.type, enabled=False):
        return matrix @ embedding


@lru_cache(maxsize=32)
def _matrix(length: int, num_frames: int, mode: str, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return what the plain operation makes of the unit vectors (T, L)."""
    with torch.no_grad(), torch.inference_mode(False):
        unit = torch.eye(length)[None]
        plain = F.adaptive_avg_pool1d(unit, num_frames) if mode == "aap" else F.interpolate(unit, num_frames, mode=mode)
        return plain[0].t().contiguous().to(device, dtype)
