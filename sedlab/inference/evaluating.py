"""How networks are run when they are asked, not trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from sedlab.audio.frontends import AtstMel


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode, without gradients, and give every part its own mode back afterwards."""
    # Part by part: a frozen transformer stays in evaluation mode inside a network that trains.
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def clips_stand_alone(network: nn.Module) -> Iterator[None]:
    """Let no clip's features depend on its neighbours in the batch, as those of ATST's published front-end do."""
    frontends = [module for module in network.modules() if isinstance(module, AtstMel)]
    scopes = [frontend.top_db_scope for frontend in frontends]
    for frontend in frontends:
        frontend.top_db_scope = "clip"
    try:
        yield
    finally:
        for frontend, scope in zip(frontends, scopes, strict=True):
            frontend.top_db_scope = scope
