"""Dropout whose random mask costs little on a CPU.

PyTorch draws one Bernoulli variable at a time there, which can take longer than the layer it follows. Here one draw
of 64 bits serves four elements.
"""

from __future__ import annotations

import torch
from torch import Tensor

_LEVELS = 2**16


def dropout(x: Tensor, probability: float) -> Tensor:
    """Return ``x`` with elements zeroed with ``probability`` and the others scaled up."""
    keep, scale = keep_mask(x.shape, probability)
    return x * keep.to(x.dtype).mul_(scale)


def keep_mask(shape: torch.Size, probability: float) -> tuple[Tensor, float]:
    """Return a CPU mask of what to keep (bool, ``shape``) and the factor that restores the mean.

    ``probability`` is rounded to a multiple of 2^-16. Draws come from torch's default generator.
    """
    dropped = round(probability * _LEVELS)
    count = shape.numel()
    words = torch.empty((count + 3) // 4, dtype=torch.int64).random_(torch.iinfo(torch.int64).min, None)
    draws = words.view(torch.int16)[:count].view(shape)  # uniform over all values of int16
    return draws >= dropped - _LEVELS // 2, _LEVELS / (_LEVELS - dropped)
