"""The fast gate of the CPU against the plain one, and dropout's statistics."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.models.kernels.fast_dropout import keep_mask
from sedlab.models.layers import dropout, gate_and_pool

SIZES = st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(2, 9), st.integers(2, 9))


def plain(x, weight, bias, pool):
    gate = torch.einsum("dc,bctf->bdtf", weight, x) + bias[:, None, None]
    return F.avg_pool2d(x * gate.sigmoid(), pool)


@settings(max_examples=25)
@given(size=SIZES, pool=st.tuples(st.integers(1, 2), st.integers(1, 2)), seed=st.integers(0, 99))
def test_values_and_gradients_are_those_of_the_plain_operations(size, pool, seed):
    generator = torch.Generator().manual_seed(seed)
    shapes = (size, (size[1], size[1]), (size[1],))
    inputs = [torch.randn(shape, generator=generator, requires_grad=True) for shape in shapes]
    fast, slow = gate_and_pool(*inputs, pool=pool), plain(*inputs, pool)
    torch.testing.assert_close(fast, slow)
    direction = torch.randn(slow.shape, generator=generator)
    for ours, expected in zip(
        torch.autograd.grad(fast, inputs, direction), torch.autograd.grad(slow, inputs, direction), strict=True
    ):
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-4)


def test_dropped_elements_get_no_gradient():
    x = torch.randn(2, 3, 8, 8, requires_grad=True)
    weight, bias = torch.zeros(3, 3), torch.full((3,), 50.0)  # a gate that is open
    torch.manual_seed(0)
    pooled = gate_and_pool(x, weight, bias, pool=(1, 1), dropout=0.5, training=True)
    pooled.sum().backward()
    torch.testing.assert_close(pooled, x * x.grad, atol=1e-5, rtol=1e-5)
    assert set(x.grad.unique().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("probability", [0.1, 0.3, 0.5, 0.9])
def test_dropout_keeps_the_share_and_the_mean(probability):
    torch.manual_seed(0)
    keep, scale = keep_mask(torch.Size((400_001,)), probability)
    assert abs(keep.float().mean().item() - (1 - probability)) < 0.003
    assert scale == pytest.approx(1 / (1 - probability), rel=1e-3)
    # each of the four elements that share a draw is fair, and neighbours are independent
    groups = keep[:400_000].view(-1, 4).float()
    assert (groups.mean(dim=0) - (1 - probability)).abs().max() < 0.005
    assert torch.corrcoef(groups.T).fill_diagonal_(0).abs().max() < 0.02


def test_dropout_is_reproducible_and_off_in_evaluation():
    x = torch.ones(1000)
    torch.manual_seed(3)
    first = dropout(x, 0.3, True)
    torch.manual_seed(3)
    assert torch.equal(first, dropout(x, 0.3, True))
    assert dropout(x, 0.3, False) is x
    assert dropout(x, 0.0, True) is x
