"""The positional convolution as matrix products and by Fourier transforms, against PyTorch's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from passes import assert_passes_agree

from sedlab.models.kernels.grouped_convolution import by_blocks, by_spectrum


def plain(x, weight, bias, groups):
    taps = weight.shape[-1]
    return F.conv1d(x.mT, weight, bias, padding=taps // 2, groups=groups)[..., : x.shape[1]].mT


def arguments(length, taps, groups, channels):
    torch.manual_seed(0)
    dim = groups * channels
    return torch.randn(2, length, dim), torch.randn(dim, channels, taps), torch.randn(dim)


@settings(max_examples=20, deadline=None)
@given(
    length=st.integers(1, 40),
    taps=st.integers(1, 20),
    groups=st.integers(1, 3),
    channels=st.integers(1, 4),
    block=st.integers(1, 17),
)
def test_blocks_of_any_size_are_the_convolution(length, taps, groups, channels, block):
    def ours(x, weight, bias):
        return by_blocks(x, weight, bias, groups, block=block)

    inputs = arguments(length, taps, groups, channels)
    assert_passes_agree(ours, lambda *tensors: plain(*tensors, groups), inputs, dtype=torch.float64)


@pytest.mark.parametrize("way", [by_blocks, by_spectrum])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_values_and_gradients_in_other_precisions(way, dtype):
    inputs = arguments(37, 16, 4, 8)
    assert_passes_agree(lambda *tensors: way(*tensors, 4), lambda *tensors: plain(*tensors, 4), inputs, dtype=dtype)


@pytest.mark.parametrize("way", [by_blocks, by_spectrum])
def test_autocast_decides_the_type_and_weights_keep_theirs(way):
    x, weight, bias = (tensor.requires_grad_() for tensor in arguments(9, 4, 2, 3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = way(x, weight, bias, 2)
    assert output.dtype == torch.bfloat16
    output.float().sum().backward()
    assert {tensor.grad.dtype for tensor in (x, weight, bias)} == {torch.float32}


def test_frozen_inputs_and_weights_get_no_gradient():
    x, weight, bias = arguments(9, 4, 2, 3)
    by_blocks(x, weight.requires_grad_(), bias, 2).sum().backward()
    assert x.grad is None
    assert weight.grad is not None
