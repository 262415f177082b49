"""Gated attention in every way that a CPU can compute, against the plain one."""

from __future__ import annotations

import pytest
import torch
from passes import assert_passes_agree, relative_error

from sedlab.models.kernels import flex_attention
from sedlab.models.kernels.choice import chosen
from sedlab.models.kernels.gate_times_bias import gate_times_bias
from sedlab.models.layers import gated_bias_attention

CLIPS, HEADS, LENGTH, WIDTH = 2, 3, 11, 4


def arguments():
    torch.manual_seed(0)
    query, key, value = (torch.randn(CLIPS, LENGTH, HEADS, WIDTH).transpose(1, 2) for _ in range(3))
    gate, bias = 2 * torch.rand(CLIPS, HEADS, LENGTH, 1), torch.randn(HEADS, LENGTH, LENGTH)
    return [tensor.requires_grad_() for tensor in (query, key, value, gate, bias)]


def plain(query, key, value, gate, bias):
    logits = query @ key.transpose(-1, -2) / WIDTH**0.5 + gate * bias
    return logits.softmax(dim=-1) @ value


def test_values_and_gradients_are_those_of_the_formula():
    inputs = arguments()
    ours, expected = gated_bias_attention(*inputs), plain(*inputs)
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-5)
    direction = torch.randn_like(expected)
    for gradient, wanted in zip(
        torch.autograd.grad(ours, inputs, direction), torch.autograd.grad(expected, inputs, direction), strict=True
    ):
        torch.testing.assert_close(gradient, wanted, atol=1e-5, rtol=1e-4)


def test_dropout_zeroes_attention_weights_and_keeps_their_mean():
    query, key, value, gate, bias = (tensor.detach() for tensor in arguments())
    value = torch.ones_like(value)  # each output is then the sum of the weights
    draws = torch.stack([gated_bias_attention(query, key, value, gate, bias, dropout=0.5) for _ in range(300)])
    assert draws.std() > 0.1
    torch.testing.assert_close(draws.mean(dim=0), torch.ones_like(query), atol=0.25, rtol=0)


def test_other_precisions_take_the_plain_way():
    inputs = [tensor.detach().double() for tensor in arguments()]
    torch.testing.assert_close(gated_bias_attention(*inputs), plain(*inputs))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_product_in_the_compute_type_has_the_gradients_of_the_formula(dtype):
    with chosen("cpu", gated_attention="half"):
        assert_passes_agree(gated_bias_attention, plain, arguments(), dtype=dtype)
        assert_passes_agree(
            lambda gate, bias: gate_times_bias(gate, bias, dtype), torch.mul, arguments()[3:], dtype=dtype
        )


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_flex_attention_has_the_values_of_the_formula():
    # PyTorch has no backward pass for it on a CPU; `sedlab.models.trials` compares gradients on a card
    inputs = [tensor.detach() for tensor in arguments()]
    assert relative_error(flex_attention.gated_bias_attention(*inputs), plain(*inputs)) < 1e-6


def test_dropout_takes_the_plain_way_whatever_was_chosen():
    inputs = [tensor.detach() for tensor in arguments()]
    with chosen("cpu", gated_attention="flex"):
        assert gated_bias_attention(*inputs, dropout=0.5).count_nonzero()
