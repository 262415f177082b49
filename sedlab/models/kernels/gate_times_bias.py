"""A bias that all clips share, times a gate for each query, in the compute type; its backward pass needs only sums.

The plain product is in float32 under autocast, is cast, and its backward pass writes two more arrays of the size of all
attention weights, (B, H, L, L), before it sums them.

Shape letters: B clips, H heads, L tokens.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def gate_times_bias(gate: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
    """Return ``gate · bias`` (B, H, L, L) in ``dtype`` for ``gate`` (B, H, L, 1) and ``bias`` (H, L, L)."""
    return _GateTimesBias.apply(gate.to(dtype), bias.to(dtype))


class _GateTimesBias(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(gate, bias)
        return gate * bias

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        gate, bias = ctx.saved_tensors
        # For every query of every head a matrix (B, L): one product sums it over the keys, the other over the clips.
        rows = grad.permute(1, 2, 0, 3).flatten(0, 1)  # (H · L, B, L), not a copy
        grad_gate = torch.bmm(rows, bias.reshape(len(rows), -1, 1))
        grad_bias = torch.bmm(gate.permute(1, 2, 3, 0).reshape(len(rows), 1, -1), rows)
        heads, length = bias.shape[:2]
        return grad_gate.view(heads, length, -1, 1).permute(2, 0, 1, 3), grad_bias.view_as(bias)
