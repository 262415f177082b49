"""Where layers are computed by a kernel; what the kernels compute is compared in `kernels`."""

from __future__ import annotations

import torch

from sedlab.models.layers import has_kernel


def test_kernels_serve_float32_on_a_cpu_alone():
    x = torch.zeros(1)
    assert has_kernel(x)
    assert not has_kernel(x.double())
    assert not has_kernel(x.to("meta"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not has_kernel(x)
    assert torch.compile(lambda x: x + 1 if has_kernel(x) else x + 2, backend="eager")(x) == 2
