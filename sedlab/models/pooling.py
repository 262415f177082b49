"""Bring embeddings from the transformer's time grid to another one."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

PoolMode = Literal["aap", "nearest", "nearest-exact", "linear"]


def pool_time(embedding: Tensor, num_frames: int, mode: PoolMode) -> Tensor:
    """Return ``embedding`` (B, L, D) on ``num_frames`` frames (B, num_frames, D).

    "aap" is adaptive average pooling; the others are interpolations: "nearest" takes token floor(i L / n),
    "nearest-exact" floor((i + 0.5) L / n), "linear" blends two neighbours.
    """
    if embedding.shape[1] == num_frames:
        return embedding
    channels_first = embedding.transpose(1, 2)
    if mode == "aap":
        pooled = F.adaptive_avg_pool1d(channels_first, num_frames)
    else:
        pooled = F.interpolate(channels_first, size=num_frames, mode=mode)
    return pooled.transpose(1, 2)
