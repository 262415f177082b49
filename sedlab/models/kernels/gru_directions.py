"""Bidirectional GRU as layers of one direction, the two directions side by side on a CUDA device.

The clips are filled up to a multiple of 16, which is what cuDNN's faster algorithms ask for.

Shape letters: B clips, T frames, I inputs, H units, G = 3 H gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

_MULTIPLE = 16


def bidirectional_gru(x: Tensor, weights: Sequence[Sequence[Tensor]]) -> Tensor:
    """Return (B, T, 2 H), the forward direction first, for ``x`` (B, T, I); ``weights`` as ``nn.GRU.all_weights``."""
    clips = len(x)
    x = F.pad(x, (0, 0, 0, 0, 0, -clips % _MULTIPLE))
    for forward, reverse in zip(weights[::2], weights[1::2], strict=True):
        x = torch.cat(_both(x, forward, reverse), dim=-1)
    return x[:clips]


def _both(x: Tensor, forward: Sequence[Tensor], reverse: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    if not x.is_cuda:
        return _one(x, forward), _one(x.flip(1), reverse).flip(1)
    present, side = torch.cuda.current_stream(x.device), _side_stream(x.device)
    side.wait_stream(present)
    with torch.cuda.stream(side):
        backwards = _one(x.flip(1), reverse).flip(1)
    forwards = _one(x, forward)
    present.wait_stream(side)
    # memory is reused in the order of the stream that it was allocated on
    x.record_stream(side)
    backwards.record_stream(present)
    return forwards, backwards


def _one(x: Tensor, weights: Sequence[Tensor]) -> Tensor:
    state = x.new_zeros(1, len(x), weights[1].shape[-1])
    training = torch.is_grad_enabled()  # cuDNN keeps what a backward pass needs in training mode alone
    return torch._VF.gru(x, state, list(weights), True, 1, 0.0, training, False, True)[0]


@cache
def _side_stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)
