"""What changes with the optimiser step: learning rates and the weight of self-supervision."""

from __future__ import annotations

import math

from torch import Tensor
from torch.optim import Optimizer

from sedlab.config.training import OptimConfig


class LearningRates:
    """The learning rates of an optimiser's groups: each the one it has now, times one factor that all share."""

    def __init__(self, optimizer: Optimizer, config: OptimConfig, total_steps: int):
        self._optimizer, self._config, self._total_steps = optimizer, config, total_steps
        self._base = [group["lr"] for group in optimizer.param_groups]

    def set(self, step: int) -> float:
        """Set the rates of ``step`` (0 is the first) and return the highest."""
        factor = lr_factor(step, self._config, self._total_steps)
        for group, rate in zip(self._optimizer.param_groups, self._base, strict=True):
            group["lr"] = rate * factor
        return factor * max(self._base)


def lr_factor(step: int, config: OptimConfig, total_steps: int) -> float:
    """Return what every base learning rate is multiplied by at ``step`` (0 is the first).

    It rises linearly from 0 over ``warmup_steps``, then falls to ``final_factor`` at ``total_steps`` and stays there.
    """
    warmup_steps, final_factor = config.warmup_steps, config.final_factor
    if step < warmup_steps:
        return step / warmup_steps
    if config.schedule == "constant":
        return 1.0
    progress = min((step - warmup_steps) / max(total_steps - warmup_steps, 1), 1.0)
    remaining = 0.5 * (1 + math.cos(math.pi * progress)) if config.schedule == "cosine" else 1 - progress
    return final_factor + (1 - final_factor) * remaining


def ramp(step: int | Tensor, *, num_steps: int, maximum: float) -> float | Tensor:
    """Return ``step / num_steps``, at most ``maximum``: the share of the self-supervised weight in force.

    Of a step that is on a device, so that work recorded there follows it, the share is there too.
    """
    if isinstance(step, Tensor):
        return (step / num_steps).clamp(max=maximum)
    return min(step / num_steps, maximum)
