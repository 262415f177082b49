"""Context gate, dropout and average pooling of one convolutional layer.

The three are elementwise and work on the largest arrays of the network, so on a CPU they are bound by memory, not by
arithmetic. Here they run clip by clip, forward and backward, so that everything stays in the cache.

Shape letters: B clips, C channels, T frames, F mel bins.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sedlab.models.kernels.fast_dropout import keep_mask

Pool = tuple[int, int]


def gate_and_pool(x: Tensor, weight: Tensor, bias: Tensor, pool: Pool, dropout: float) -> Tensor:
    """Return ``avg_pool(dropout(x · σ(weight x + bias)))``: (B, C, T, F) to (B, C, T // pool[0], F // pool[1])."""
    keep, scale = keep_mask(x.shape, dropout) if dropout else (None, 1.0)
    return _GateAndPool.apply(x.contiguous(), weight, bias, keep, scale, pool)


class _GateAndPool(torch.autograd.Function):
    """The three operations on the CPU, with their derivatives written out."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, keep: Tensor | None, scale: float, pool: Pool
    ) -> Tensor:
        num_clips, _, num_frames, num_bins = x.shape
        scale /= pool[0] * pool[1]
        gates = torch.empty_like(x)
        output = x.new_empty(num_clips, len(bias), num_frames // pool[0], num_bins // pool[1])
        for clip in range(num_clips):
            gate = torch.addmm(bias[:, None], weight, x[clip].flatten(1), out=gates[clip].flatten(1)).sigmoid_()
            if keep is not None:
                # All ones or all zeros: much quicker than a product of float and bool.
                gate.view(torch.int32).bitwise_and_(keep[clip].flatten(1).int().neg_())
            _sum_pool(x[clip] * gates[clip], pool, out=output[clip])
        # A dropped element looks like a closed gate, so the backward pass needs no mask.
        ctx.save_for_backward(x, weight, gates)
        ctx.scale, ctx.pool = scale, pool
        return output.mul_(scale)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, gates = ctx.saved_tensors
        grad_output = grad_output * ctx.scale
        grad_x = torch.empty_like(x)
        grad_weight, grad_bias = torch.zeros_like(weight), weight.new_zeros(len(weight))
        spread = x.new_zeros(x.shape[1:])
        for clip in range(len(x)):
            _spread(grad_output[clip], ctx.pool, out=spread)
            torch.mul(spread, gates[clip], out=grad_x[clip])
            # through the sigmoid: grad · x · gate · (1 - gate), of which grad_x holds grad · gate
            grad_gate = torch.addcmul(grad_x[clip], grad_x[clip], gates[clip], value=-1.0).mul_(x[clip]).flatten(1)
            grad_x[clip].flatten(1).addmm_(weight.t(), grad_gate)
            grad_weight.addmm_(grad_gate, x[clip].flatten(1).t())
            grad_bias.add_(grad_gate.sum(dim=1))
        return grad_x, grad_weight, grad_bias, None, None, None


def _sum_pool(x: Tensor, pool: Pool, *, out: Tensor) -> None:
    """Write sums over blocks of ``x`` (C, T, F) to ``out``; frames and bins that fill no block are left out."""
    frames, bins = out.shape[1] * pool[0], out.shape[2] * pool[1]
    rows = x[:, 0 : frames : pool[0]]
    for step in range(1, pool[0]):
        rows = rows + x[:, step : frames : pool[0]]
    out.copy_(rows[..., 0 : bins : pool[1]])
    for step in range(1, pool[1]):
        out.add_(rows[..., step : bins : pool[1]])


def _spread(grad: Tensor, pool: Pool, *, out: Tensor) -> None:
    """Write each value of ``grad`` to all cells of its block of ``out`` (C, T, F); the other cells stay as they are."""
    rows = torch.stack([grad] * pool[1], dim=-1).flatten(2) if pool[1] > 1 else grad
    frames = rows.shape[1] * pool[0]
    for step in range(pool[0]):
        out[:, step : frames : pool[0], : rows.shape[2]] = rows
