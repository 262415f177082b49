"""The linear layer of the CPU against PyTorch's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sedlab.models.layers import Linear, linear


@pytest.mark.parametrize("shape", [(7,), (2, 7), (3, 5, 7)])
@pytest.mark.parametrize("with_bias", [False, True])
def test_values_and_gradients_are_those_of_pytorch(shape, with_bias):
    torch.manual_seed(0)
    inputs = [torch.randn(shape, requires_grad=True), torch.randn(4, 7, requires_grad=True)]
    inputs += [torch.randn(4, requires_grad=True)] if with_bias else []
    ours, theirs = linear(*inputs), F.linear(*inputs)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    direction = torch.randn_like(theirs)
    for gradient, wanted in zip(
        torch.autograd.grad(ours, inputs, direction), torch.autograd.grad(theirs, inputs, direction), strict=True
    ):
        torch.testing.assert_close(gradient, wanted, atol=1e-5, rtol=1e-5)


def test_inputs_may_be_strided():
    x, weight = torch.randn(2, 7, 5).transpose(1, 2), torch.randn(7, 4).t()
    torch.testing.assert_close(linear(x, weight), F.linear(x, weight))
    gradient = torch.randn(4, 10).t().reshape(2, 5, 4)
    leaf = weight.clone().requires_grad_()
    linear(x, leaf).backward(gradient)
    torch.testing.assert_close(leaf.grad, gradient.flatten(0, 1).t() @ x.flatten(0, 1))


def test_it_takes_the_weights_of_the_plain_layer_and_follows_autocast():
    ours, theirs = Linear(6, 3), nn.Linear(6, 3)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 6)
    torch.testing.assert_close(ours(x), theirs(x))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert ours(x).dtype == torch.bfloat16
    assert ours.double()(x.double()).dtype == torch.float64
