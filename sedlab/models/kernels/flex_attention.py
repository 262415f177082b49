"""Attention with a gated bias by PyTorch's FlexAttention, which computes the product of gate and bias where it is used.

On a CUDA device it is compiled at its first call; elsewhere it runs as written, for tests.

Shape letters: B clips, H heads, L tokens, E width of a head.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor


def gated_bias_attention(query: Tensor, key: Tensor, value: Tensor, gate: Tensor, bias: Tensor) -> Tensor:
    """Return ``softmax(query keyᵀ / √E + gate · bias) value``.

    Shapes: query, key, value (B, H, L, E), gate (B, H, L, 1), bias (H, L, L).
    """
    gates, bias = gate.squeeze(-1).to(query.dtype), bias.to(query.dtype).contiguous()

    def add_bias(score: Tensor, clip: Tensor, head: Tensor, query_at: Tensor, key_at: Tensor) -> Tensor:
        return score + gates[clip, head, query_at] * bias[head, query_at, key_at]

    return _attention(query.is_cuda)(query, key, value, score_mod=add_bias)


@cache
def _attention(is_compiled: bool) -> Callable[..., Tensor]:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=False) if is_compiled else flex_attention
