"""The convolutional layer's norm, gate, dropout and pooling in Triton against the plain operations."""

from __future__ import annotations

import copy

import pytest
import torch
from passes import assert_passes_agree
from torch import nn

from sedlab.models.layers import gate_and_pool


def make_norm(channels, training, device):
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(channels, eps=1e-3, momentum=0.99).train(training)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2.0)
    return norm.to(device)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("channels", "frames", "bins", "pool"), [(16, 37, 16, (2, 2)), (32, 13, 10, (2, 2)), (128, 5, 4, (1, 2))]
)
def test_values_gradients_and_statistics_are_the_plain_ones(device, dtype, channels, frames, bins, pool, training):
    from sedlab.models.kernels.gpu.cnn_block import norm_gate_and_pool

    norm = make_norm(channels, training, device)
    exact = copy.deepcopy(norm).double()

    def ours(x, scale, shift, weight, bias):
        norm._parameters |= {"weight": scale.float(), "bias": shift.float()}
        return norm_gate_and_pool(x, norm, weight, bias, pool=pool, dropout=0.0)

    def plain(x, scale, shift, weight, bias):
        exact._parameters |= {"weight": scale, "bias": shift}
        return gate_and_pool(exact(x), weight, bias, pool=pool)

    x = 3.0 + 2.0 * torch.randn(2, channels, frames, bins, device=device)
    gate = torch.randn(channels, channels, device=device) / channels**0.5
    inputs = (x, norm.weight, norm.bias, gate, torch.randn(channels, device=device))
    assert_passes_agree(ours, plain, inputs, dtype=dtype)
    if training:
        found = torch.stack([norm.running_mean, norm.running_var]).double()
        torch.testing.assert_close(found, torch.stack([exact.running_mean, exact.running_var]), rtol=1e-4, atol=1e-4)
        assert norm.num_batches_tracked == 1


def test_dropped_elements_get_no_gradient_and_every_call_drops_others(device):
    from sedlab.models.kernels.gpu.cnn_block import norm_gate_and_pool

    norm = nn.BatchNorm2d(16, eps=0.0).eval().to(device)
    weight, bias = torch.zeros(16, 16, device=device), torch.full((16,), 50.0, device=device)  # a gate that is open
    x = torch.ones(4, 16, 40, 16, device=device, requires_grad=True)
    first, second = (norm_gate_and_pool(x, norm, weight, bias, pool=(1, 1), dropout=0.5) for _ in range(2))
    first.sum().backward()
    torch.testing.assert_close(first, x * x.grad)
    assert set(first.unique().tolist()) == {0.0, 2.0}
    for share in (first.count_nonzero() / first.numel(), (first != second).float().mean()):
        assert abs(share.item() - 0.5) < 0.02
    # neighbours along every axis are independent
    kept = first.detach().permute(0, 2, 3, 1).flatten().cpu()
    for distance in (1, 16, 16 * 16):
        assert abs(torch.corrcoef(torch.stack([kept[:-distance], kept[distance:]]))[0, 1]) < 0.02
