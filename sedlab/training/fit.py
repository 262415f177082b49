"""The training loop of every stage: one page, so that the order of things stays visible.

What a step computes is the task's business (`training.detection`, `training.pretraining`). The loop owns batches, the
optimiser, checkpoints, validation, and resuming.

Resuming is exact because no random state has to be saved: the permutation of an epoch and the numbers drawn in a step
are functions of (seed, epoch, batch) alone. A run that was killed and resumed equals one that was not, bit for bit on
CPU.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from sedlab.config.experiment import Node, TrainerConfig
from sedlab.data.batch import Batch
from sedlab.errors import SedlabError
from sedlab.files import atomic_path
from sedlab.training.losses import LossTerms
from sedlab.training.schedules import lr_factor

Progress = Callable[[int, int, str], None]
#: Scores the networks on the validation sets; returns at least "objective" (higher is better).
Validate = Callable[[Mapping[str, nn.Module]], Mapping[str, float]]


class EpochLoader(Protocol):
    """Batches of an epoch, the same ones whenever that epoch is asked for."""

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""

    def epoch(self, epoch: int) -> Any:
        """Return an iterable over the batches of this epoch."""


class Task(Protocol):
    """What one stage computes in a step."""

    networks: Mapping[str, nn.Module]
    """The networks a checkpoint holds, by name; "student" is the one that learns."""
    optimizer: torch.optim.Optimizer

    def loss(self, batch: Batch, step: int, generator: torch.Generator) -> LossTerms:
        """Return the loss of one batch at optimiser step ``step``; random numbers come from ``generator``."""

    def before_backward(self, step: int) -> None:
        """Act between the forward and the backward pass of the first batch of an optimiser step."""


@dataclass(frozen=True)
class FitResult:
    """Where a finished training left its files, and how it went."""

    best: Path
    last: Path
    history: Path
    objective: float
    steps: int
    seconds: float
    resumed_from: int
    """Optimiser step at which this call started; 0 for a fresh run."""


@dataclass
class _State:
    epoch: int = 0
    step: int = 0
    objective: float = float("-inf")
    seconds: float = 0.0
    rows: list[dict[str, float]] = field(default_factory=list)


def fit(
    task: Task,
    loader: EpochLoader,
    node: Node,
    folder: Path,
    *,
    fabric: Fabric,
    save_best: Callable[[Path], None],
    validate: Validate | None = None,
    progress: Progress | None = None,
) -> FitResult:
    """Train ``task`` for the epochs of ``node``, resuming from ``folder/last.pt`` when it is there.

    Writes ``last.pt`` (everything needed to resume), ``best.pt`` (by ``save_best``, the networks at the best validation
    objective; without ``validate`` those of the end) and ``history.csv`` (one row an optimiser step).

    Raises
    ------
    SedlabError
        When the data give no full batch, the loss is no longer finite, or ``last.pt`` is damaged. One of another
        configuration is discarded, and training starts afresh.
    """
    config, optim = node.training, node.training.optim
    if len(loader) == 0:
        raise SedlabError(f"{node.name}: a group of clips is smaller than its share of a batch. Lower its batch size.")
    steps_per_epoch = -(-len(loader) // config.accumulation)
    total_steps = steps_per_epoch * config.epochs
    base_rates = [group["lr"] for group in task.optimizer.param_groups]
    # Under 16-mixed, Fabric's wrapper undoes the scaling of the loss before it steps.
    optimizer = fabric.setup_optimizers(task.optimizer)
    state = _resume(folder / "last.pt", task, node, fabric)
    started_at, resumed_from, saved_at = time.monotonic() - state.seconds, state.step, time.monotonic()

    for epoch in range(state.epoch, config.epochs):
        rows: list[dict[str, Any]] = []
        for index, batch in enumerate(loader.epoch(epoch)):
            position = index % config.accumulation
            generator = _step_generator(node.seed, epoch, index)
            terms = _loss(task, batch.to(fabric.device), state.step, generator, node.name)
            if position == 0:
                task.before_backward(state.step)
                optimizer.zero_grad()
            fabric.backward(terms.total / config.accumulation)
            if position == config.accumulation - 1 or index == len(loader) - 1:
                factor = lr_factor(
                    state.step,
                    warmup_steps=optim.warmup_steps,
                    total_steps=total_steps,
                    decay=optim.schedule,
                    final_factor=optim.final_factor,
                )
                for group, rate in zip(optimizer.param_groups, base_rates, strict=True):
                    group["lr"] = rate * factor
                if optim.clip_norm is not None:
                    student = task.networks["student"]
                    fabric.clip_gradients(student, optimizer, max_norm=optim.clip_norm, error_if_nonfinite=False)
                optimizer.step()
                rows.append({"step": state.step, "epoch": epoch, "lr": factor * max(base_rates), **_named(terms)})
                state.step += 1
                if progress:
                    progress(state.step, total_steps, node.name)
        state.epoch = epoch + 1
        state.seconds = time.monotonic() - started_at
        state.rows += _to_floats(rows, state.seconds, node.name)
        is_last = state.epoch == config.epochs
        if validate and (state.epoch % config.validate_every == 0 or is_last):
            parts = validate(task.networks)
            state.rows[-1] |= {f"val/{name}": float(value) for name, value in parts.items()}
            if parts["objective"] > state.objective:
                state.objective = float(parts["objective"])
                save_best(folder / "best_so_far.pt")
        if is_last and not validate:
            save_best(folder / "best_so_far.pt")
        if is_last or time.monotonic() - saved_at >= config.trainer.checkpoint_seconds:
            state.seconds, saved_at = time.monotonic() - started_at, time.monotonic()
            _save(folder, task, node, state, fabric)
    _publish(folder / "best_so_far.pt", folder / "best.pt")
    return FitResult(
        best=folder / "best.pt",
        last=folder / "last.pt",
        history=folder / "history.csv",
        objective=state.objective,
        steps=state.step,
        seconds=state.seconds,
        resumed_from=resumed_from,
    )


def make_fabric(trainer: TrainerConfig) -> Fabric:
    """Return the Fabric of one training job: one device, at the configured precision."""
    return Fabric(accelerator=trainer.accelerator, devices=1, precision=trainer.precision)


def _publish(best_so_far: Path, best: Path) -> None:
    """Give the best checkpoint its final name only now: a `best.pt` always belongs to a finished training."""
    with atomic_path(best) as temporary:
        temporary.unlink()
        try:
            os.link(best_so_far, temporary)
        except OSError:  # a file system without hard links
            shutil.copyfile(best_so_far, temporary)


def _step_generator(seed: int, epoch: int, index: int) -> torch.Generator:
    """Seed a generator, and torch's global one (dropout reads it), from the position in the training run."""
    mixed = torch.Generator().manual_seed(seed * 1_000_003 + epoch * 10_007 + index)
    numbers = torch.randint(2**62, (2,), generator=mixed).tolist()
    torch.manual_seed(numbers[0])
    return torch.Generator().manual_seed(numbers[1])


def _loss(task: Task, batch: Batch, step: int, generator: torch.Generator, name: str) -> LossTerms:
    try:
        return task.loss(batch, step, generator)
    except RuntimeError as error:
        # torch's cross-entropy refuses probabilities that are not numbers before the loss itself can show it.
        if "between 0 and 1" in str(error):
            raise _not_finite(name, step) from error
        raise


def _not_finite(name: str, step: int) -> SedlabError:
    return SedlabError(
        f"{name}: the loss is no longer a finite number at step {step}. Lower the learning rates (optim) or use "
        "precision 32-true."
    )


def _named(terms: LossTerms) -> dict[str, Tensor]:
    return {f"loss/{name}": value.detach() for name, value in {"total": terms.total, **terms.parts}.items()}


def _to_floats(rows: list[dict[str, Any]], seconds: float, name: str) -> list[dict[str, float]]:
    """Bring an epoch's losses to the host in one go: a copy each step would make the device wait."""
    floats = [{key: float(value) for key, value in row.items()} | {"seconds": seconds} for row in rows]
    bad = next((row for row in floats if not abs(row["loss/total"]) < float("inf")), None)
    if bad:
        raise _not_finite(name, int(bad["step"]))
    return floats


def _save(folder: Path, task: Task, node: Node, state: _State, fabric: Fabric) -> None:
    checkpoint = {
        "format": "sedlab-resume-1",
        "node": node.model_dump_json(),
        "networks": {name: network.state_dict() for name, network in task.networks.items()},
        "optimizer": task.optimizer.state_dict(),
        "precision": fabric.strategy.precision.state_dict(),
        "state": vars(state),
    }
    with atomic_path(folder / "last.pt") as temporary:
        torch.save(checkpoint, temporary)
    with atomic_path(folder / "history.csv") as temporary:
        pd.DataFrame(state.rows).to_csv(temporary, index=False)


def _resume(path: Path, task: Task, node: Node, fabric: Fabric) -> _State:
    if not path.is_file():
        return _State()
    try:
        checkpoint = torch.load(path, map_location=fabric.device, weights_only=True)
        same = checkpoint["node"] == node.model_dump_json()
    except Exception as error:  # torch raises many kinds for a damaged file
        raise SedlabError(
            f"{path}: damaged checkpoint ({type(error).__name__}). Delete it to train from the start."
        ) from error
    if not same:
        # The configuration changed since: what was learnt under the old one does not belong to this run.
        path.unlink()
        return _State()
    for name, network in task.networks.items():
        network.load_state_dict(checkpoint["networks"][name])
    task.optimizer.load_state_dict(checkpoint["optimizer"])
    fabric.strategy.precision.load_state_dict(checkpoint["precision"])
    return _State(**checkpoint["state"])
