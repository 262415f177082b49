"""The convolutional layer's norm, gate, dropout and pooling with channels side by side, in PyTorch's own operations.

cuDNN's batch norm of (B, C, T, F) arrays runs one block a channel: 16 channels keep 16 multiprocessors busy. With the
channels side by side (channels_last) every multiprocessor has its share, and the gate is one matrix product.

Shape letters: B clips, C channels, T frames, F mel bins.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Pool = tuple[int, int]


def norm_gate_and_pool(
    x: Tensor, norm: nn.Module, weight: Tensor, bias: Tensor, *, pool: Pool, dropout: float, with_cudnn: bool = True
) -> Tensor:
    """Return ``avg_pool(dropout(y · σ(weight y + bias)))`` with y = norm(x): (B, C, T, F) to (B, C, T', F').

    ``with_cudnn`` decides who computes the norm on a card, cuDNN or PyTorch.
    """
    with torch.backends.cudnn.flags(enabled=with_cudnn and torch.backends.cudnn.enabled):
        rows = norm(x.contiguous(memory_format=torch.channels_last)).permute(0, 2, 3, 1)
    gated = rows * F.linear(rows, weight, bias).sigmoid()
    return F.avg_pool2d(F.dropout(gated, dropout, dropout > 0).permute(0, 3, 1, 2), pool)


def compiled(x: Tensor, norm: nn.BatchNorm2d, weight: Tensor, bias: Tensor, *, pool: Pool, dropout: float) -> Tensor:
    """Return the same by machine code that torch.compile makes at the first call for a shape."""
    if norm.training:
        norm.num_batches_tracked.add_(1)
    tensors = (norm.running_mean, norm.running_var, norm.weight, norm.bias, weight, bias)
    return _compiled()(x, *tensors, norm.training, norm.momentum, norm.eps, pool, dropout)


@cache
def _compiled() -> Callable[..., Tensor]:
    return torch.compile(_functional, dynamic=False)


def _functional(
    x: Tensor, running_mean: Tensor, running_var: Tensor, scale: Tensor, shift: Tensor, weight: Tensor, bias: Tensor,
    training: bool, momentum: float, eps: float, pool: Pool, dropout: float,
) -> Tensor:  # fmt: skip
    x = x.contiguous(memory_format=torch.channels_last)
    rows = F.batch_norm(x, running_mean, running_var, scale, shift, training, momentum, eps).permute(0, 2, 3, 1)
    gated = rows * F.linear(rows, weight, bias).sigmoid()
    return F.avg_pool2d(F.dropout(gated, dropout, dropout > 0).permute(0, 3, 1, 2), pool)
