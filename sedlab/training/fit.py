"""The training loop of every stage: one page, so that the order of things stays visible.

What a step computes is the task's business (`training.detection`, `training.pretraining`). The loop owns batches, the
optimiser, checkpoints, validation, and resuming.

Resuming is exact because no random state has to be saved: the permutation of an epoch and the numbers drawn in a step
are functions of (seed, epoch, batch) alone. A run that was killed, in the middle of an epoch too, and resumed equals
one that was not, bit for bit on CPU.

On several devices the loop runs in a process each, see `training.distributed`. All of them do the same but for their
clips and their dropout; the first one validates and writes files. Augmentations draw the same numbers in all, so that
what a recipe draws once a batch (coins, bands, time spans) is one draw for the whole batch there too.

No step waits for the device: losses stay there until a checkpoint is written, and learning rates, the teacher's
decay and all draws of augmentations are the host's own numbers.
"""

from __future__ import annotations

import itertools
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

from sedlab.config.experiment import Node
from sedlab.data.batch import Batch
from sedlab.errors import SedlabError
from sedlab.files import atomic_path
from sedlab.progress import Progress
from sedlab.training.distributed import average_gradients, make_fabric
from sedlab.training.losses import LossTerms
from sedlab.training.schedules import lr_factor

__all__ = ["FitResult", "Validate", "fit", "make_fabric"]

#: Scores the networks on the validation sets; returns at least "objective" (higher is better).
Validate = Callable[[Mapping[str, nn.Module]], Mapping[str, float]]


class EpochLoader(Protocol):
    """Batches of an epoch, the same ones whenever that epoch is asked for."""

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""

    def epoch(self, epoch: int, start: int = 0) -> Any:
        """Return an iterable over the batches of this epoch from number ``start`` on."""


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
    batch: int = 0
    """Batches of the epoch that are done; the first one of an optimiser step comes next."""
    step: int = 0
    objective: float = float("-inf")
    seconds: float = 0.0
    rows: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class _Row:
    """A row of the history whose losses are still on the device."""

    place: dict[str, float]
    names: list[str]
    losses: Tensor

    @classmethod
    def of(cls, terms: LossTerms, place: dict[str, float], fabric: Fabric) -> _Row:
        """Return the row of a step, its losses averaged over the processes."""
        parts = {"total": terms.total, **terms.parts}
        losses = torch.stack([part.detach().float() for part in parts.values()])
        return cls(place, [f"loss/{name}" for name in parts], fabric.all_reduce(losses, reduce_op="mean"))


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
    objective; without ``validate`` those of the end) and ``history.csv`` (one row an optimiser step). Of several
    processes the first one does, and returns the result that counts.

    Raises
    ------
    SedlabError
        When the data give no full batch, the loss is no longer finite, or ``last.pt`` is damaged. One of another
        configuration is discarded, and training starts afresh.
    """
    config, optim, trainer = node.training, node.training.optim, node.training.trainer
    if len(loader) == 0:
        raise SedlabError(f"{node.name}: a group of clips is smaller than its share of a batch. Lower its batch size.")
    steps_per_epoch = -(-len(loader) // config.accumulation)
    total_steps = steps_per_epoch * config.epochs
    base_rates = [group["lr"] for group in task.optimizer.param_groups]
    # Under 16-mixed, Fabric's wrapper undoes the scaling of the loss before it steps.
    optimizer = fabric.setup_optimizers(task.optimizer)
    state = _resume(folder / "last.pt", task, node, fabric)
    fabric.barrier()  # none may write the next checkpoint before all have read this one
    started_at, resumed_from, saved_at = time.monotonic() - state.seconds, state.step, time.monotonic()
    unread: list[_Row] = []

    def read_losses() -> None:
        state.seconds = time.monotonic() - started_at
        state.rows += _to_floats(unread, state.seconds, node.name)
        unread.clear()

    def save() -> None:
        nonlocal saved_at
        state.seconds, saved_at = time.monotonic() - started_at, time.monotonic()
        _save(folder, task, node, state, fabric)

    for epoch in range(state.epoch, config.epochs):
        for index, batch in enumerate(loader.epoch(epoch, state.batch), start=state.batch):
            position = index % config.accumulation
            generator = _step_generator(node.seed, epoch, index, fabric.global_rank)
            terms = _loss(task, batch.to(fabric.device, non_blocking=True), state.step, generator, node.name)
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
                average_gradients(fabric, task.optimizer)
                if optim.clip_norm is not None:
                    student = task.networks["student"]
                    fabric.clip_gradients(student, optimizer, max_norm=optim.clip_norm, error_if_nonfinite=False)
                optimizer.step()
                place = {"step": state.step, "epoch": epoch, "lr": factor * max(base_rates)}
                unread.append(_Row.of(terms, place, fabric))
                state.step, state.batch = state.step + 1, index + 1
                if progress:
                    progress(state.step, total_steps, node.name)
                is_due = 0 < trainer.checkpoint_seconds <= time.monotonic() - saved_at
                if is_due and index < len(loader) - 1 and fabric.is_global_zero:
                    read_losses()
                    save()
        state.epoch, state.batch = epoch + 1, 0
        read_losses()
        if not fabric.is_global_zero:
            continue
        is_last = state.epoch == config.epochs
        if validate and (state.epoch % config.validate_every == 0 or is_last):
            parts = validate(task.networks)
            state.rows[-1] |= {f"val/{name}": float(value) for name, value in parts.items()}
            if parts["objective"] > state.objective:
                state.objective = float(parts["objective"])
                save_best(folder / "best_so_far.pt")
        if is_last and not validate:
            save_best(folder / "best_so_far.pt")
        if is_last or time.monotonic() - saved_at >= trainer.checkpoint_seconds:
            save()
    if fabric.is_global_zero:
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


def _publish(best_so_far: Path, best: Path) -> None:
    """Give the best checkpoint its final name only now: a `best.pt` always belongs to a finished training."""
    with atomic_path(best) as temporary:
        temporary.unlink()
        try:
            os.link(best_so_far, temporary)
        except OSError:  # a file system without hard links
            shutil.copyfile(best_so_far, temporary)


def _step_generator(seed: int, epoch: int, index: int, rank: int) -> torch.Generator:
    """Seed a generator, and torch's global one (dropout reads it), from the position in the training run."""
    mixed = torch.Generator().manual_seed(seed * 1_000_003 + epoch * 10_007 + index)
    numbers = torch.randint(2**62, (2,), generator=mixed).tolist()
    torch.manual_seed(numbers[0] + rank)
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


def _to_floats(rows: list[_Row], seconds: float, name: str) -> list[dict[str, float]]:
    """Bring many steps' losses to the host in one go: a copy each step would make the device wait."""
    if not rows:
        return []
    numbers = iter(torch.cat([row.losses for row in rows]).tolist())
    floats = [
        row.place | dict(zip(row.names, itertools.islice(numbers, len(row.names)), strict=True)) | {"seconds": seconds}
        for row in rows
    ]
    bad = next((row for row in floats if not abs(row["loss/total"]) < float("inf")), None)
    if bad:
        raise _not_finite(name, int(bad["step"]))
    return floats


def _save(folder: Path, task: Task, node: Node, state: _State, fabric: Fabric) -> None:
    checkpoint = {
        "format": "sedlab-resume-2",
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
        if fabric.is_global_zero:
            path.unlink()
        return _State()
    for name, network in task.networks.items():
        network.load_state_dict(checkpoint["networks"][name])
    task.optimizer.load_state_dict(checkpoint["optimizer"])
    fabric.strategy.precision.load_state_dict(checkpoint["precision"])
    return _State(**checkpoint["state"])
