"""Forward and backward passes of two ways to compute the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

#: What half precision may add to a layer, as relative norm.
BOUNDS = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1.5e-2}


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Return ‖found - expected‖ / ‖expected‖; infinite for what is no number."""
    difference = (found.double() - expected.double()).norm() / expected.double().norm().clamp(min=1e-30)
    return difference.nan_to_num(nan=float("inf")).item()


def assert_passes_agree(
    ours: Callable[..., Tensor],
    plain: Callable[..., Tensor],
    inputs: Sequence[Tensor],
    *,
    dtype: torch.dtype = torch.float32,
    bound: float | None = None,
) -> None:
    """Compare values and gradients of ``ours``, in ``dtype``, with those of ``plain`` in float64."""
    given = [tensor.detach().to(dtype).requires_grad_() for tensor in inputs]
    exact = [tensor.detach().double().requires_grad_() for tensor in given]
    output, expected = ours(*given), plain(*exact)
    assert output.shape == expected.shape
    generator = torch.Generator(expected.device).manual_seed(7)
    direction = torch.randn(expected.shape, generator=generator, dtype=torch.float64, device=expected.device)
    found = torch.autograd.grad(output, given, direction.to(output.dtype))
    wanted = torch.autograd.grad(expected, exact, direction)
    bound = BOUNDS[dtype] if bound is None else bound
    errors = [relative_error(a, b) for a, b in zip((output, *found), (expected, *wanted), strict=True)]
    assert max(errors) < bound, errors
