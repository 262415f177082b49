"""What changes with the optimiser step: learning rates and the weight of self-supervision."""

from __future__ import annotations

import math
from typing import Literal

from torch.optim import Optimizer

from sedlab.config.training import OptimConfig


class LearningRates:
    """The learning rates of an optimiser's groups: each the one it has now, times one factor that all share."""

    def __init__(self, optimizer: Optimizer, config: OptimConfig, total_steps: int):
        self._optimizer, self._config, self._total_steps = optimizer, config, total_steps
        self._base = [group["lr"] for group in optimizer.param_groups]

    def set(self, step: int) -> float:
        """Set the rates of ``step`` (0 is the first) and return the highest."""
        config = self._config
        factor = lr_factor(
            step,
            warmup_steps=config.warmup_steps,
            total_steps=self._total_steps,
            decay=config.schedule,
            final_factor=config.final_factor,
        )
        for group, rate in zip(self._optimizer.param_groups, self._base, strict=True):
            group["lr"] = rate * factor
        return factor * max(self._base)


def lr_factor(
    step: int,
    *,
    warmup_steps: int,
    total_steps: int,
    decay: Literal["cosine", "linear", "constant"] = "cosine",
    final_factor: float = 0.0,
) -> float:
    """Return what every base learning rate is multiplied by at ``step`` (0 is the first).

    It rises linearly from 0 over ``warmup_steps``, then falls to ``final_factor`` at ``total_steps`` and stays there.
    """
    if step < warmup_steps:
        return step / warmup_steps
    if decay == "constant":
        return 1.0
    progress = min((step - warmup_steps) / max(total_steps - warmup_steps, 1), 1.0)
    remaining = 0.5 * (1 + math.cos(math.pi * progress)) if decay == "cosine" else 1 - progress
    return final_factor + (1 - final_factor) * remaining


def ramp(step: int, *, num_steps: int, maximum: float) -> float:
    """Return ``step / num_steps``, at most ``maximum``: the share of the self-supervised weight in force."""
    return min(step / num_steps, maximum)
