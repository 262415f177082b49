"""Triton where it is installed, so that the kernels can be read and listed where it is not.

Source: Tillet, Kung and Cox, "Triton: an intermediate language and compiler for tiled neural network computations",
2019.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable

from torch import Tensor

try:
    import triton
    import triton.language as tl
except ImportError:
    triton = tl = None


#: Sizes whose value changes no instruction worth having: one kernel serves all, instead of one for multiples of 16.
_SIZES = ("rows", "num_rows", "frames", "bins", "clips", "heads", "programs", "begin", "end")


def jit(kernel: Callable) -> Callable:
    """Return ``kernel`` as a Triton kernel; itself where Triton is not installed."""
    if triton is None:
        return kernel
    sizes = [name for name in inspect.signature(kernel).parameters if name in _SIZES]
    return triton.jit(do_not_specialize=sizes)(kernel)


def serves(x: Tensor) -> bool:
    """Return whether Triton kernels can take ``x``: on a CUDA device, or anywhere by the interpreter."""
    return triton is not None and (x.is_cuda or os.environ.get("TRITON_INTERPRET") == "1")
