"""Attention whose logits carry a bias that all clips share, scaled for each query.

Bias times gate has the size of all attention weights, (B, H, L, L), and gradients reach it. PyTorch's fused kernel for
the CPU takes such a mask but returns no gradient for it, and what it falls back to keeps half a dozen arrays of that
size for each layer. On a CPU the backward pass is therefore written out: it computes the attention weights again, one
clip at a time.

Shape letters: B clips, H heads, L tokens, E width of a head.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def gated_bias_attention(query: Tensor, key: Tensor, value: Tensor, gate: Tensor, bias: Tensor) -> Tensor:
    """Return ``softmax(query keyᵀ / √E + gate · bias) value``.

    Shapes: query, key, value (B, H, L, E), gate (B, H, L, 1), bias (H, L, L).
    """
    return _GatedBiasAttention.apply(query, key, value, gate, bias)


class _GatedBiasAttention(torch.autograd.Function):
    """The fused kernel forward, and a backward pass that stores no attention weights."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, gate: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(query, key, value, gate, bias)
        return F.scaled_dot_product_attention(query, key, value, attn_mask=gate * bias)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, ...]:
        query, key, value, gate, bias = ctx.saved_tensors
        scale = query.shape[-1] ** -0.5
        grad_query, grad_key, grad_value = (torch.empty_like(tensor) for tensor in (query, key, value))
        grad_gate, grad_bias = torch.empty_like(gate), torch.zeros_like(bias)
        for clip in range(len(query)):
            q, k, v, g, grad = (tensor[clip] for tensor in (query, key, value, gate, grad_output))
            weights = torch.baddbmm(g * bias, q, k.mT, alpha=scale).softmax(dim=-1)
            grad_value[clip] = weights.mT @ grad
            # through the softmax: w (∂w - Σ w ∂w), where the sum over the keys is that of output times its gradient
            grad_logits = torch._softmax_backward_data(grad @ v.mT, weights, -1, weights.dtype)
            grad_query[clip] = (grad_logits @ k).mul_(scale)
            grad_key[clip] = (grad_logits.mT @ q).mul_(scale)
            grad_gate[clip] = torch.mul(grad_logits, bias, out=weights).sum(dim=-1, keepdim=True)
            grad_bias.addcmul_(grad_logits, g)
        return grad_query, grad_key, grad_value, grad_gate, grad_bias
