"""Half-precision copies of weights that last as long as the weights do.

Autocast casts each weight anew in every forward pass (its own cache ends with its context and leaves out a teacher's
weights). Between two steps of the optimiser nothing changes: accumulated micro-batches can share one copy. Copies
expire with every step of any optimiser (fused ones do not count as writing to their parameters), and one of them when
its weight's version says that somebody wrote to it otherwise.

A captured CUDA graph replays kernels, not this bookkeeping: while one is captured there are no kept copies, and the
casts become part of the graph. Who replays a graph that writes to weights calls `expire` afterwards.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.weak import WeakTensorKeyDictionary


class _Kept(NamedTuple):
    copy: Tensor
    version: int


_copies: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def cast(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """Return ``weight`` in ``dtype``; gradients reach the weight itself, in its own type."""
    if weight.dtype == dtype:
        return weight
    if not weight.is_leaf or (weight.is_cuda and torch.cuda.is_current_stream_capturing()):
        return weight.to(dtype)
    copy = _copy(weight, dtype)
    return _Stand.apply(weight, copy) if weight.requires_grad and torch.is_grad_enabled() else copy


def expire() -> None:
    """Forget all copies: weights may have changed."""
    _copies.clear()


def _copy(weight: Tensor, dtype: torch.dtype) -> Tensor:
    _expire_with_steps()
    kept = _copies.get(weight)
    if kept is None or kept.version != weight._version or (kept.copy.dtype, kept.copy.device) != (dtype, weight.device):
        # A new tensor each time: a backward pass to come may hold the old one. One made while scoring serves training.
        with torch.inference_mode(False), torch.no_grad():
            kept = _copies[weight] = _Kept(weight.to(dtype), weight._version)
    return kept.copy


@cache
def _expire_with_steps() -> None:
    register_optimizer_step_post_hook(lambda *_: expire())


class _Stand(torch.autograd.Function):
    """The copy in the place of the weight."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, copy: Tensor) -> Tensor:
        ctx.dtype = weight.dtype
        return copy.view_as(copy)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad.to(ctx.dtype), None
