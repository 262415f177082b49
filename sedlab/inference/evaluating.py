"""How networks are run when they are asked, not trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from sedlab.audio.frontends import AtstMel

#: What scoring a clip may take of a GPU's memory, in float32.
_CLIP_BYTES = 128 * 2**20


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode, without gradients, each clip on its own; afterwards it is as it was before.

    On its own: the published front-end of ATST cuts 80 dB below the loudest clip of the batch, so in training a clip's
    features depend on its neighbours. A score must not: here the cut is 80 dB below the loudest of the clip itself.
    """
    # Part by part: a frozen transformer stays in evaluation mode inside a network that trains.
    modes = [(module, module.training) for module in network.modules()]
    scopes = [(module, module.top_db_scope) for module in network.modules() if isinstance(module, AtstMel)]
    network.eval()
    for frontend, _ in scopes:
        frontend.top_db_scope = "clip"
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
        for frontend, scope in scopes:
            frontend.top_db_scope = scope


def on_device(network: nn.Module, device: str | torch.device) -> nn.Module:
    """Return ``network``, moved to ``device`` unless it is there.

    Recurrent layers take new memory for their weights whenever they are moved, also to where they are; a recorded
    training step would go on reading the old one.
    """
    device, weight = torch.device(device), next(network.parameters(), None)
    if weight is not None and weight.device.type == device.type and device.index in (None, weight.device.index):
        return network
    return network.to(device)


def batch_that_fits(device: str | torch.device, *, least: int, most: int) -> int:
    """Return how many clips of 10 s to score at once: ``least`` on a CPU, on a GPU up to ``most`` as memory allows."""
    device = torch.device(device)
    if device.type != "cuda":
        return least
    free, _ = torch.cuda.mem_get_info(device)
    return max(least, min(most, free // _CLIP_BYTES))
