"""Residual sum and layer norm in Triton against the plain operations."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from passes import assert_passes_agree
from torch import nn


@pytest.mark.parametrize("keeps_norm", [True, False])
@pytest.mark.parametrize("has_branch", [True, False])
@pytest.mark.parametrize("dim", [48, 64])
def test_values_and_gradients_are_the_plain_ones(device, dtype, dim, has_branch, keeps_norm):
    from sedlab.models.kernels.gpu.norm import sum_and_norm

    factor = 1.7 if has_branch else 1.0
    norm = nn.LayerNorm(dim, device=device)

    def ours(x, branch, weight, bias):
        norm._parameters |= {"weight": weight, "bias": bias}
        found = sum_and_norm(x, branch if has_branch else None, norm, factor=factor, keeps_norm=keeps_norm)
        return torch.stack(found) + (0 if has_branch else branch)

    def plain(x, branch, weight, bias):
        total = factor * x + branch if has_branch else x
        normed = F.layer_norm(total, (dim,), weight, bias, norm.eps)
        return torch.stack([normed if keeps_norm else total, normed]) + (0 if has_branch else branch)

    torch.manual_seed(0)
    x, branch = (1.0 + torch.randn(3, 41, dim, device=device) for _ in range(2))
    inputs = (x, branch, torch.randn(dim, device=device), torch.randn(dim, device=device))
    assert_passes_agree(ours, plain, inputs, dtype=dtype)


def test_a_sum_of_float32_has_a_norm_in_the_type_of_autocast(device):
    from sedlab.models.kernels.gpu.norm import sum_and_norm

    norm, x = nn.LayerNorm(32, device=device), torch.randn(2, 3, 32, device=device)
    with torch.autocast(device.type, dtype=torch.float16):
        total, normed = sum_and_norm(x, x.half(), norm)
    assert (total.dtype, normed.dtype) == (torch.float32, torch.float16)
    torch.testing.assert_close(normed.float(), norm(x + x.half()), rtol=1e-2, atol=1e-2)
