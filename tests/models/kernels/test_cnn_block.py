"""Norm, gate, dropout and pooling with channels side by side, against the plain operations."""

from __future__ import annotations

import copy

import pytest
import torch
from passes import assert_passes_agree
from torch import nn

from sedlab.models.kernels import cnn_block
from sedlab.models.kernels.choice import chosen
from sedlab.models.layers import gate_and_pool, norm_gate_and_pool

CHANNELS = 6


def make_norm(training):
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(CHANNELS, eps=1e-3, momentum=0.99).train(training)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2.0)
    return norm


def arguments():
    torch.manual_seed(1)
    x = 3.0 + 2.0 * torch.randn(3, CHANNELS, 9, 6)  # nine frames: the last one is in no block of two
    return x, torch.randn(CHANNELS, CHANNELS), torch.randn(CHANNELS)


def functional(x, norm, weight, bias, *, pool, dropout, training):
    tensors = (norm.running_mean, norm.running_var, norm.weight, norm.bias, weight, bias)
    return cnn_block._functional(x, *tensors, training, norm.momentum, norm.eps, pool, dropout)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("pool", [(2, 2), (1, 2), (1, 1)])
@pytest.mark.parametrize("way", ["channels_last", "channels_last_native", "what compile sees"])
def test_values_gradients_and_statistics_are_the_plain_ones(way, pool, training):
    norm, options = make_norm(training), {"pool": pool, "dropout": 0.0, "training": training}
    exact = copy.deepcopy(norm).double()

    def ours(x, scale, shift, weight, bias):
        norm._parameters |= {"weight": scale, "bias": shift}
        if way == "what compile sees":
            return functional(x, norm, weight, bias, **options)
        with chosen("cpu", cnn_block=way):
            return norm_gate_and_pool(x, norm, weight, bias, **options)

    def plain(x, scale, shift, weight, bias):
        exact._parameters |= {"weight": scale, "bias": shift}
        return gate_and_pool(exact(x), weight, bias, **options)

    x, weight, bias = arguments()
    assert_passes_agree(ours, plain, (x, norm.weight, norm.bias, weight, bias), bound=1e-4)
    torch.testing.assert_close(norm.running_mean.double(), exact.running_mean, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(norm.running_var.double(), exact.running_var, rtol=1e-5, atol=1e-5)


def test_dropout_leaves_the_share_and_the_mean():
    norm, options = nn.BatchNorm2d(CHANNELS).eval(), {"pool": (1, 1), "training": True}
    weight, bias = torch.zeros(CHANNELS, CHANNELS), torch.full((CHANNELS,), 50.0)  # a gate that is open
    with chosen("cpu", cnn_block="channels_last"):
        pooled = norm_gate_and_pool(torch.ones(4, CHANNELS, 50, 20), norm, weight, bias, dropout=0.5, **options)
    assert abs(pooled.mean().item() - 1.0) < 0.05
    assert pooled.unique().numel() == 2


def test_another_norm_than_the_plain_one_is_asked_itself():
    class Doubled(nn.BatchNorm2d):
        def forward(self, x):
            return 2 * super().forward(x)

    x, weight, bias = arguments()
    plain, doubled = (kind(CHANNELS).eval() for kind in (nn.BatchNorm2d, Doubled))
    options = {"pool": (1, 1), "training": False}
    for way in ("plain", "channels_last", "compile", "triton"):
        with chosen("cpu", cnn_block=way):
            found = norm_gate_and_pool(x, doubled, weight, bias, **options)
        torch.testing.assert_close(found, gate_and_pool(2 * plain(x), weight, bias, pool=(1, 1)))
