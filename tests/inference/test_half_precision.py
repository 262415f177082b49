"""Half precision is used once it has agreed with float32, and given up where it does not; here bfloat16 on a CPU."""

from __future__ import annotations

import pytest
import torch

from sedlab.inference.half_precision import Autocast, half_precision


def test_only_a_gpu_scores_in_half_precision():
    assert half_precision("16-mixed", "cpu") is None
    assert half_precision("16-mixed", "cuda:1") is half_precision("auto", "cuda") is torch.float16
    assert half_precision("bf16-mixed", torch.device("cuda")) is torch.bfloat16
    assert half_precision("32-true", "cuda") is None


def test_the_first_result_is_that_of_float32_and_later_ones_are_close():
    torch.manual_seed(0)
    layer, values = torch.nn.Linear(64, 8), torch.randn(16, 64)
    expected = layer(values)
    cast = Autocast(torch.bfloat16, "cpu")
    (first,), (second,) = (cast(lambda: (layer(values),)) for _ in range(2))
    assert torch.equal(first, expected)
    assert second.dtype == torch.float32 and not torch.equal(second, expected)
    torch.testing.assert_close(second, expected, atol=0.02, rtol=0.02)


def broken(values):
    if torch.is_autocast_enabled("cpu"):
        return (values * torch.nan,)
    return (values,)


def absent(values):
    if torch.is_autocast_enabled("cpu"):
        raise RuntimeError("no kernel\nfor it")
    return (values,)


@pytest.mark.parametrize(("compute", "told"), [(broken, "differs by nan"), (absent, "fails (no kernel for it)")])
def test_numbers_that_disagree_are_told_once_and_not_used(compute, told, capsys):
    values = torch.ones(3, 4)
    cast = Autocast(torch.bfloat16, "cpu")
    for _ in range(2):
        assert torch.equal(cast(lambda: compute(values))[0], values)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: scoring in float32: half precision (torch.bfloat16)") and told in line
