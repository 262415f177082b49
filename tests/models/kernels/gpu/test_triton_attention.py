"""Gated attention in Triton against the formula."""

from __future__ import annotations

import pytest
import torch
from passes import assert_passes_agree


@pytest.mark.parametrize("sizes", [(2, 3, 70, 16), (1, 2, 64, 32)])
def test_values_and_gradients_are_those_of_the_formula(device, dtype, sizes):
    from sedlab.models.kernels.gpu.attention import gated_bias_attention

    clips, heads, length, width = sizes
    torch.manual_seed(0)
    packed = [torch.randn(clips, length, heads, width, device=device) for _ in range(3)]
    inputs = [*packed, 2 * torch.rand(clips, heads, length, 1, device=device)]
    inputs.append(torch.randn(heads, length, length, device=device))

    def ours(query, key, value, gate, bias):
        return gated_bias_attention(query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), gate, bias)

    def plain(query, key, value, gate, bias):
        query, key, value = (part.transpose(1, 2) for part in (query, key, value))
        return (query @ key.mT / width**0.5 + gate * bias).softmax(dim=-1) @ value

    assert_passes_agree(ours, plain, inputs, dtype=dtype)
