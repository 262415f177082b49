"""Bring embeddings from the transformer's time grid to another one."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sedlab.config.model import PoolMode
from sedlab.errors import SedlabError
from sedlab.models.kernels import pool_matrix
from sedlab.models.kernels.choice import way

CONV_KERNEL = 95  # turns the 250 tokens of 10 s into the 156 frames of the CRNN


def pool_time(embedding: Tensor, num_frames: int, mode: PoolMode) -> Tensor:
    """Return ``embedding`` (B, L, D) on ``num_frames`` frames (B, num_frames, D).

    "aap" is adaptive average pooling; the others are interpolations: "nearest" takes token floor(i L / n),
    "nearest-exact" floor((i + 0.5) L / n), "linear" blends two neighbours. "conv" has weights: `TimeConvolution`.
    """
    if embedding.shape[1] == num_frames:
        return embedding
    if way("pool_time", embedding) == "matrix" and not torch.compiler.is_compiling():
        return pool_matrix.resample(embedding, num_frames, mode)
    channels_first = embedding.transpose(1, 2)
    if mode == "aap":
        pooled = F.adaptive_avg_pool1d(channels_first, num_frames)
    else:
        pooled = F.interpolate(channels_first, size=num_frames, mode=mode)
    return pooled.transpose(1, 2)


class TimeConvolution(nn.Module):
    """Learnt pooling: each dimension is convolved over time on its own, without padding; begins as a moving average."""

    def __init__(self, dim: int):
        super().__init__()
        self.weight = nn.Parameter(torch.full((dim, 1, CONV_KERNEL), 1 / CONV_KERNEL))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, embedding: Tensor, num_frames: int) -> Tensor:
        """Return ``embedding`` (B, L, D) on ``num_frames`` frames (B, num_frames, D).

        Raises
        ------
        SedlabError
            Unless L is ``num_frames`` + 94: it turns 250 tokens into 156 frames and nothing else.
        """
        if embedding.shape[1] != num_frames + CONV_KERNEL - 1:
            raise SedlabError(
                f"embed_pool conv: cannot bring {embedding.shape[1]} tokens to {num_frames} frames, only 250 to 156. "
                "Give clips of 10 s, or choose another embed_pool."
            )
        channels_first = embedding.transpose(1, 2)
        return F.conv1d(channels_first, self.weight, self.bias, groups=len(self.bias)).transpose(1, 2)
