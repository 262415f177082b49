"""The GRU of the CPU, and the one of single directions, against PyTorch's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sedlab.models.kernels.choice import chosen
from sedlab.models.kernels.gpu.gru_shares import fits
from sedlab.models.layers import BiGru


@pytest.mark.parametrize("way", ["plain", "directions"])
@pytest.mark.parametrize(("layers", "clips", "frames"), [(1, 3, 7), (2, 2, 5), (1, 1, 1)])
def test_values_and_gradients_are_those_of_pytorch(layers, clips, frames, way):
    torch.manual_seed(0)
    ours, theirs = BiGru(6, 5, num_layers=layers), nn.GRU(6, 5, layers, batch_first=True, bidirectional=True)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(clips, frames, 6, requires_grad=True)
    with chosen("cpu", gru=way):
        output = ours(x)
    expected = theirs(x)[0]
    torch.testing.assert_close(output, expected, atol=1e-6, rtol=1e-5)

    direction = torch.randn_like(expected)
    gradients = torch.autograd.grad(output, [x, *ours.parameters()], direction)
    for gradient, wanted in zip(
        gradients, torch.autograd.grad(expected, [x, *theirs.parameters()], direction), strict=True
    ):
        torch.testing.assert_close(gradient, wanted, atol=1e-5, rtol=1e-4)


def test_a_state_is_kept_over_many_frames():
    torch.manual_seed(0)
    gru = BiGru(4, 3)
    x = torch.randn(1, 50, 4)
    changed = x.clone()
    changed[:, 25] += 5.0
    moved = (gru(x) != gru(changed))[0]
    # the forward direction changes from that frame on, the other one up to it
    assert not moved[:25, :3].any()
    assert moved[25:30, :3].all()
    assert moved[20:26, 3:].all()
    assert not moved[26:, 3:].any()


def test_units_are_shared_out_only_where_all_programs_run_at_once():
    """Those of student and teacher wait for each other's shares on one card."""
    assert fits(35, 256, 132) and fits(128, 256, 132)  # an H100, training and scoring
    assert not fits(140, 256, 132)  # four batches together
    assert not fits(35, 256, 40) and fits(35, 64, 40)  # a T4
