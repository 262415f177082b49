"""What a training writes down of each optimiser step: where it stood, learning rate, losses, results of validations."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path

import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from sedlab.errors import SedlabError
from sedlab.files import atomic_path
from sedlab.training.losses import LossTerms
from sedlab.training.resume import State

States = dict[str, dict[str, Tensor]]


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
            # nan: a part that this step does not have.
            losses = {name: loss for name, loss in losses.items() if not math.isnan(loss)}
            self._state.rows.append(place | losses | {"seconds": self._state.seconds})
        self._on_device.clear()


class Validations:
    """Enters the results of validations into the history of ``state`` and writes the best networks to ``path``.

    Results may come later than they were asked for, from a process beside the training. Until then the weights that
    they belong to are kept in the host's memory. `settle` before anything depends on them, such as a checkpoint to
    resume from: then a training is the same whenever they come.

    Parameters
    ----------
    save : function
        Writes the networks to a path: as they are, or with other ``states``, {network: state dict}.
    """

    def __init__(self, state: State, save: Callable[..., None], path: Path) -> None:
        self._state, self._save, self._path = state, save, path
        self._coming: tuple[Future[Mapping[str, float]], dict[str, float], States] | None = None

    def add(
        self, results: Mapping[str, float] | Future[Mapping[str, float]], networks: Mapping[str, nn.Module]
    ) -> dict[str, float]:
        """Enter the results of ``networks`` at the step of the last row and return them; nothing while they come."""
        row = self._state.rows[-1]
        if isinstance(results, Future):
            self._coming = results, row, _copies(networks)
            return {}
        return self._enter(results, row, None)

    def settle(self, *, wait: bool = True) -> dict[str, float]:
        """Enter results that have come, or wait for them, and return them with their step; nothing without any.

        Raises
        ------
        SedlabError
            Whatever the validation raised.
        """
        if self._coming is None or not (wait or self._coming[0].done()):
            return {}
        results, row, states = self._coming
        self._coming = None
        return {"step": row["step"], **self._enter(results.result(), row, states)}

    def _enter(self, results: Mapping[str, float], row: dict[str, float], states: States | None) -> dict[str, float]:
        entries = {f"val/{name}": float(value) for name, value in results.items()}
        row |= entries
        if entries["val/objective"] > self._state.objective:
            self._state.objective = entries["val/objective"]
            self._save(self._path) if states is None else self._save(self._path, states=states)
        return entries


def _copies(networks: Mapping[str, nn.Module]) -> States:
    """Return the weights of networks in the host's memory."""
    states = {
        name: {key: tensor.detach().to("cpu", non_blocking=True, copy=True) for key, tensor in states.items()}
        for name, states in ((name, network.state_dict()) for name, network in networks.items())
    }
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return states


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


def refused_by_device(name: str, step: int) -> SedlabError:
    """Return the error of a value that a kernel of the GPU refused, in this step or a little before it."""
    return SedlabError(
        f"{name}: the GPU refused a value at step {step} or shortly before, most often as the loss is no longer a "
        "finite number. Lower the learning rates (optim) or use precision 32-true; CUDA_LAUNCH_BLOCKING=1 shows where."
    )
