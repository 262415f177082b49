"""The backward pass of the CPU's gated attention against the plain one."""

from __future__ import annotations

import torch

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
