"""Triton's kernels run on a CUDA device, or anywhere by Triton's interpreter.

TRITON_INTERPRET=1 pytest tests/models/kernels/gpu      # with the package triton installed, without a card
"""

import importlib.util
import os

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _triton():
    if not importlib.util.find_spec("triton"):
        pytest.skip("Triton is not installed (it comes with PyTorch for CUDA)")
    # Triton reads it when it is imported, which may have happened before any test here.
    if not torch.cuda.is_available() and os.environ.get("TRITON_INTERPRET") != "1":
        pytest.skip("neither a CUDA device nor TRITON_INTERPRET=1 in the environment")


def _device():
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture
def device():
    """Return the device that kernels run on here."""
    return _device()


@pytest.fixture(params=[torch.float32, torch.float16, torch.bfloat16], ids=["float32", "float16", "bfloat16"])
def dtype(request):
    """Return one precision after another."""
    # The interpreter multiplies the bits of bfloat16 as if they were integers.
    if request.param == torch.bfloat16 and not torch.cuda.is_available():
        pytest.skip("Triton's interpreter has no bfloat16")
    return request.param
