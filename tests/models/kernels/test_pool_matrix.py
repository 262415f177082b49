"""Resampling of time by a fixed matrix, against PyTorch's operations."""

from __future__ import annotations

import pytest
import torch
from passes import assert_passes_agree

from sedlab.models.kernels.choice import chosen
from sedlab.models.pooling import pool_time


@pytest.mark.parametrize("mode", ["aap", "nearest", "nearest-exact", "linear"])
@pytest.mark.parametrize(("tokens", "frames"), [(250, 156), (496, 156), (7, 20), (5, 1)])
def test_values_and_gradients_are_the_plain_ones(mode, tokens, frames):
    def ours(x):
        with chosen("cpu", pool_time="matrix"):
            return pool_time(x, frames, mode)

    torch.manual_seed(0)
    # PyTorch rounds the places between two tokens differently in float32
    bound = 1e-4 if mode == "linear" else 1e-6
    assert_passes_agree(ours, lambda x: pool_time(x, frames, mode), [torch.randn(2, tokens, 3)], bound=bound)


def test_a_choice_of_tokens_is_exact_in_half_precision_too():
    x = torch.randn(2, 496, 4).bfloat16()
    with chosen("cpu", pool_time="matrix"):
        found = pool_time(x, 156, "nearest-exact")
    assert torch.equal(found, pool_time(x, 156, "nearest-exact"))
