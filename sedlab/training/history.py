"""What a training writes down of each optimiser step: where it stood, learning rate, losses."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor

from sedlab.errors import SedlabError
from sedlab.files import atomic_path
from sedlab.training.losses import LossTerms
from sedlab.training.resume import State


class History:
    """The rows of ``history.csv``, added to those of ``state``.

    The losses of a step stay on the device until `fetch`: a copy each step would make the host wait for it.
    """

    def __init__(self, state: State, name: str):
        self._state, self._name = state, name
        self._started_at = time.monotonic() - state.seconds
        self._on_device: list[tuple[dict[str, float], list[str], Tensor]] = []  # place, names of losses, losses

    def add(self, terms: LossTerms, place: dict[str, float], fabric: Fabric) -> None:
        """Note a step: ``place`` as it is, the losses as their means over the processes."""
        parts = {"total": terms.total, **terms.parts}
        losses = torch.stack([part.detach().float() for part in parts.values()])
        losses = fabric.all_reduce(losses, reduce_op="mean")
        self._on_device.append((place, [f"loss/{name}" for name in parts], losses))

    def fetch(self) -> None:
        """Bring all losses to the host, in one go, and the clock of the state up to date.

        Raises
        ------
        SedlabError
            When one is not finite.
        """
        self._state.seconds = time.monotonic() - self._started_at
        if not self._on_device:
            return
        numbers = iter(torch.cat([losses for _, _, losses in self._on_device]).tolist())
        for place, names, _ in self._on_device:
            losses = {name: next(numbers) for name in names}
            if not math.isfinite(losses["loss/total"]):
                raise not_finite(self._name, int(place["step"]))
            self._state.rows.append(place | losses | {"seconds": self._state.seconds})
        self._on_device.clear()


def write_history(path: Path, state: State) -> None:
    """Write the rows fetched so far, one an optimiser step."""
    with atomic_path(path) as temporary:
        pd.DataFrame(state.rows).to_csv(temporary, index=False)


def not_finite(name: str, step: int) -> SedlabError:
    """Return the error of a loss that is no longer a finite number."""
    return SedlabError(
        f"{name}: the loss is no longer a finite number at step {step}. Lower the learning rates (optim) or use "
        "precision 32-true."
    )
