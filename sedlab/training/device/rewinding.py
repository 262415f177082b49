"""A step tried without consequences: what it changes is put back, its numbers are compared with those of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

#: Scale of float16 gradients while a recording is checked: at the usual first one they may overflow.
_MODEST_SCALE = 1024.0
#: A parameter whose gradient is a smaller share of all of them is compared with this share: it is mostly rounding.
_SMALL_SHARE = 1e-2
#: What weights are multiplied by for a second check: a recording must not keep anything that was made of them.
_NUDGE = 1.05


def relative_distance(expected: Sequence[Tensor], found: Sequence[Tensor]) -> float:
    """Return the largest relative distance, by norm, of a loss (first) and gradients (the rest); nan: not finite."""
    differences = torch.stack(torch._foreach_norm(torch._foreach_sub(list(found), list(expected)))).double()
    sizes = torch.stack(torch._foreach_norm(list(expected))).double()
    least = _SMALL_SHARE * sizes[1:].square().sum().sqrt()
    sizes = torch.cat([sizes[:1], sizes[1:].clamp(min=least)]).clamp(min=torch.finfo(torch.float32).tiny)
    return (differences / sizes).max().item()


class Before:
    """What a step changes besides its results, as it was before recordings were tried."""

    def __init__(self, parameters: Sequence[Tensor], buffers: Sequence[Tensor]):
        self._parameters, self._buffers = parameters, buffers
        self._values = [buffer.clone() for buffer in buffers]
        self._gradients = [None if p.grad is None else p.grad.clone() for p in parameters]
        self._device = parameters[0].device
        self._host_numbers, self._numbers = torch.get_rng_state(), None
        if self._device.type == "cuda":
            self._numbers = torch.cuda.get_rng_state(self._device)

    def rewind(self) -> None:
        """Put everything back, with gradients of zero where there are any."""
        for buffer, value in zip(self._buffers, self._values, strict=True):
            buffer.copy_(value)
        for parameter in self._parameters:
            if parameter.grad is not None:
                parameter.grad.zero_()
        torch.set_rng_state(self._host_numbers)
        if self._numbers is not None:
            torch.cuda.set_rng_state(self._numbers, self._device)

    def restore(self, *, keep_gradients: bool) -> None:
        """Put everything back; gradients that were not there are zero in their place, or removed."""
        self.rewind()
        for parameter, gradient in zip(self._parameters, self._gradients, strict=True):
            if gradient is not None:
                parameter.grad.copy_(gradient)
            elif not keep_gradients:
                parameter.grad = None


def changing_weights(networks: Mapping[str, nn.Module]) -> list[Tensor]:
    """Return what training changes: what the student learns, and the same in the networks that follow it."""
    learns = {name for name, weight in networks["student"].named_parameters() if weight.requires_grad}
    named = (pair for network in networks.values() for pair in network.named_parameters())
    return [weight.detach() for name, weight in named if name in learns]


@contextmanager
def nudged(weights: Sequence[Tensor]) -> Iterator[None]:
    """Multiply the weights by a little more than 1 within this block."""
    before = [weight.clone() for weight in weights]
    torch._foreach_mul_(list(weights), _NUDGE)
    try:
        yield
    finally:
        torch._foreach_copy_(list(weights), before)


@contextmanager
def modest_scale(scaler: torch.amp.GradScaler | None) -> Iterator[None]:
    """Scale float16 gradients by little within this block."""
    state = None if scaler is None else scaler.state_dict()
    if not state:
        yield
        return
    scaler.load_state_dict(state | {"scale": min(state["scale"], _MODEST_SCALE)})
    try:
        yield
    finally:
        scaler.load_state_dict(state)
