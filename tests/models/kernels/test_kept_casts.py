"""Copies of weights in half precision live as long as the weights do not change."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import nn

from sedlab.models.kernels import kept_casts
from sedlab.models.kernels.choice import chosen
from sedlab.models.layers import Linear


@pytest.fixture(autouse=True)
def _forget():
    yield
    kept_casts.expire()


def cast(weight):
    return kept_casts.cast(weight, torch.bfloat16)


def test_a_copy_is_shared_until_the_weight_changes():
    weight = nn.Parameter(torch.randn(4, 4))
    first = cast(weight)
    assert cast(weight).data_ptr() == first.data_ptr()
    with torch.no_grad():
        weight.mul_(2.0)
    assert torch.equal(cast(weight), weight.bfloat16())


@pytest.mark.parametrize("options", [{"fused": True}, {"foreach": True}, {}])
@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
def test_every_optimiser_ends_a_copy(kind, options):
    weight = nn.Parameter(torch.randn(4, 4))
    optimizer = kind([weight], lr=0.5, **options)
    cast(weight).float().square().sum().backward()
    optimizer.step()
    assert torch.equal(cast(weight), weight.bfloat16())


def test_the_running_mean_of_a_teacher_ends_a_copy():
    weight = torch.randn(4, 4)
    cast(weight)
    torch._foreach_lerp_([weight], [torch.zeros(4, 4)], 0.5)
    assert torch.equal(cast(weight), weight.bfloat16())


def test_a_copy_made_while_scoring_serves_training():
    layer, x = Linear(6, 3), torch.randn(2, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16), chosen("cpu", weights="kept_casts"):
        with torch.inference_mode():
            expected = layer(x).float().clone()
        layer(x.requires_grad_()).float().sum().backward()
    assert expected.isfinite().all()
    assert x.grad.count_nonzero()


def test_a_layer_gives_what_autocast_gives_and_its_weights_stay_plain():
    torch.manual_seed(0)
    ours, theirs = Linear(6, 3), nn.Linear(6, 3)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16), chosen("cpu", weights="kept_casts"):
        output = ours(x)
        expected = theirs(x)
    assert torch.equal(output, expected)
    for layer, result in ((ours, output), (theirs, expected)):
        result.float().square().sum().backward()
        assert layer.weight.grad.dtype == torch.float32
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad, rtol=1e-2, atol=1e-3)
    assert copy.deepcopy(ours).weight.__dict__ == {}
    buffer = io.BytesIO()
    torch.save(ours.state_dict(), buffer)
    buffer.seek(0)
    assert torch.load(buffer, weights_only=True).keys() == theirs.state_dict().keys()
