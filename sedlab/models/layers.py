"""The layers that the networks are made of, in plain PyTorch, and the one switch to faster kernels.

On a CPU a few layers take most of the time of a training step. Each has a kernel in `sedlab.models.kernels` that
computes the same with the same weights; `has_kernel` says where it is used. Everywhere else (on a GPU, in other
precisions, where torch.compile is at work) the plain form counts, which is also what to read.

Shape letters: B clips, C channels, T frames, F mel bins; H heads, L tokens, E width of a head.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sedlab.models.kernels import context_gate, fast_dropout, gated_attention, gru, onednn_linear

Pool = tuple[int, int]


def has_kernel(x: Tensor) -> bool:
    """Return whether the kernels serve layers with the input ``x``: float32 on a CPU, without autocast or compiler."""
    return _is_eager_on_cpu(x) and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")


def _is_eager_on_cpu(x: Tensor) -> bool:
    return x.device.type == "cpu" and not torch.compiler.is_compiling()


class Linear(nn.Linear):
    """``nn.Linear`` over the last axis."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., out_features) for ``x`` (..., in_features)."""
        return linear(x, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``x @ weight.T + bias`` (..., O) for ``x`` (..., I), ``weight`` (O, I) and ``bias`` (O)."""
    if has_kernel(x) and onednn_linear.IS_AVAILABLE:
        return onednn_linear.linear(x, weight, bias)
    return F.linear(x, weight, bias)


def dropout(x: Tensor, probability: float, training: bool) -> Tensor:
    """Return ``x`` with elements zeroed with ``probability`` and the others scaled up; ``x`` itself if not training."""
    if not training or probability == 0.0:
        return x
    if _is_eager_on_cpu(x):  # in every precision
        return fast_dropout.dropout(x, probability)
    return F.dropout(x, probability)


class BiGru(nn.GRU):
    """Bidirectional GRU of one or more layers, the forward direction first."""

    def __init__(self, input_dim: int, hidden_dim: int, *, num_layers: int = 1):
        super().__init__(input_dim, hidden_dim, num_layers=num_layers, batch_first=True, bidirectional=True)

    @torch.compiler.disable  # the compiler would unroll the loop over the frames
    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, 2 · hidden_dim) for ``x`` (B, T, input_dim)."""
        if has_kernel(x):
            return gru.bidirectional_gru(x, self.all_weights)
        return super().forward(x)[0]


def gate_and_pool(
    x: Tensor, weight: Tensor, bias: Tensor, *, pool: Pool, dropout: float = 0.0, training: bool = False
) -> Tensor:
    """Return ``avg_pool(dropout(x · σ(weight x + bias)))``: (B, C, T, F) to (B, C, T // pool[0], F // pool[1]).

    The gate is a linear layer over the channels at every position: ``weight`` (C, C), ``bias`` (C).
    Source: context gating, Miech et al., arXiv 1706.06905.
    """
    if has_kernel(x):
        return context_gate.gate_and_pool(x, weight, bias, pool, dropout if training else 0.0)
    gate = F.conv2d(x, weight[:, :, None, None], bias).sigmoid()
    return F.avg_pool2d(F.dropout(x * gate, dropout, training), pool)


def gated_bias_attention(
    query: Tensor, key: Tensor, value: Tensor, gate: Tensor, bias: Tensor, *, dropout: float = 0.0
) -> Tensor:
    """Return ``softmax(query keyᵀ / √E + gate · bias) value`` (B, H, L, E) from queries, keys and values of that shape.

    ``bias`` (H, L, L) is added to the logits of (query, key), times the query's ``gate`` (B, H, L, 1); ``dropout`` is
    the probability that an attention weight is zeroed.
    """
    if has_kernel(query) and not dropout:
        return gated_attention.gated_bias_attention(query, key, value, gate, bias)
    mask = (gate * bias).to(query.dtype)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
