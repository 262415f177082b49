"""The training loop of every stage: one page, so that the order of things stays visible.

What a step computes is the task's business (`training.detection`, `training.pretraining`); what is written down of it,
and how a training goes on after an interruption, is in `training.history` and `training.resume`.

On several devices the loop runs in a process each, see `training.distributed`. All of them do the same but for their
clips and their dropout; the first one validates and writes files. Augmentations draw the same numbers in all, so that
what a recipe draws once a batch (coins, bands, time spans) is one draw for the whole batch there too.

No step waits for the device: losses stay there until somebody is told, about once a second (`training.watch`), or a
checkpoint is written, and learning rates, the teacher's decay and all draws of augmentations are the host's own
numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import nn

from sedlab.config.experiment import Node
from sedlab.errors import SedlabError
from sedlab.models.kernels.choice import ways
from sedlab.progress import Progress
from sedlab.training.device.hardware import choose
from sedlab.training.device.micro_batches import MicroBatches, Task, recorder_for
from sedlab.training.distributed import average_gradients
from sedlab.training.history import History, Validations, not_finite, refused_by_device, write_history
from sedlab.training.optimizer import clip_gradients
from sedlab.training.resume import State, publish, resume, save_state
from sedlab.training.schedules import LearningRates
from sedlab.training.watch import Lookout, TrainingStopped, Watch

#: Scores the networks on the validation sets; returns at least "objective" (higher is better), at once or to come.
Validate = Callable[[Mapping[str, nn.Module]], Mapping[str, float] | Future[Mapping[str, float]]]


class EpochLoader(Protocol):
    """Batches of an epoch, the same ones whenever that epoch is asked for."""

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""

    def epoch(self, epoch: int, start: int = 0) -> Any:
        """Return an iterable over the batches of this epoch from number ``start`` on."""


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
    hardware: dict[str, Any] = field(default_factory=dict)
    """What it ran on and how, see `sedlab.training.device.hardware`; empty: not known."""


def fit(
    task: Task,
    loader: EpochLoader,
    node: Node,
    folder: Path,
    *,
    fabric: Fabric,
    save_best: Callable[..., None],
    validate: Validate | None = None,
    progress: Progress | None = None,
    watch: Watch | None = None,
    stop_file: Path | None = None,
) -> FitResult:
    """Train ``task`` for the epochs of ``node``, resuming from ``folder/last.pt`` when it is there.

    Writes ``last.pt`` (everything needed to resume), ``best.pt`` (by ``save_best``, the networks at the best validation
    objective; without ``validate`` those of the end) and ``history.csv`` (one row an optimiser step). Of several
    processes only the first one writes, and its result is the one that counts. ``watch`` is told how it goes.

    Raises
    ------
    TrainingStopped
        When ``stop_file`` appears or the process is interrupted: after the step, with ``last.pt`` to go on from.
    SedlabError
        When the data give no full batch, the loss is no longer finite, or ``last.pt`` is damaged. One of another
        configuration is discarded, and training starts afresh.
    """
    config, clip_norm, hardware = node.training, node.training.optim.clip_norm, choose(node.training.trainer)
    if len(loader) == 0:
        raise SedlabError(f"{node.name}: a group of clips is smaller than its share of a batch. Lower its batch size.")
    total_steps = -(-len(loader) // config.accumulation) * config.epochs
    rates = LearningRates(task.optimizer, config.optim, total_steps)
    # Under 16-mixed, Fabric's wrapper undoes the scaling of the loss before it steps.
    optimizer = fabric.setup_optimizers(task.optimizer)
    state = resume(folder / "last.pt", task, node, fabric, best_so_far=folder / "best_so_far.pt")
    fabric.barrier()  # none may write the next checkpoint before all have read this one
    history, resumed_from, saved_at = History(state, node.name), state.step, time.monotonic()
    validations = [n for n in range(1, config.epochs + 1) if n == config.epochs or n % config.validate_every == 0]
    about = {"state": state, "history": history, "fabric": fabric, "total_steps": total_steps}
    about |= {"epochs": config.epochs, "validations": validations if validate else []}
    lookout = Lookout(watch, stop_file, **about)
    validated = Validations(state, save_best, folder / "best_so_far.pt")

    def save_if(due: bool) -> None:
        nonlocal saved_at
        if due and fabric.is_global_zero:
            history.fetch()
            tell(validated.settle())
            saved_at = time.monotonic()
            save_state(folder / "last.pt", state, task, node, fabric)
            write_history(folder / "history.csv", state)

    def tell(results: dict[str, float]) -> None:
        if results:
            lookout.tell("training", results)

    micro_batches = MicroBatches(
        task,
        fabric,
        accumulation=config.accumulation,
        together=config.trainer.micro_batches_together,
        recorder=recorder_for(fabric) if hardware.graphs else None,
    )

    def train() -> None:
        for epoch in range(state.epoch, config.epochs):
            for index, batch in enumerate(loader.epoch(epoch, state.batch), start=state.batch):
                position, is_last_batch = index % config.accumulation, index == len(loader) - 1
                is_last = is_last_batch or position == config.accumulation - 1
                if position == 0:
                    optimizer.zero_grad(set_to_none=not micro_batches.keeps_gradients)
                generator = _step_generator(node.seed, epoch, index, fabric.global_rank)
                batch = batch.to(fabric.device, non_blocking=True)
                terms = micro_batches.learn(batch, state.step, generator, is_last=is_last)
                lookout.count(len(batch))
                if not is_last:
                    continue
                rate = rates.set(state.step)
                average_gradients(fabric, task.optimizer)
                if clip_norm is not None:
                    clip_gradients(fabric, task.optimizer, clip_norm)
                optimizer.step()
                history.add(terms, {"step": state.step, "epoch": epoch, "lr": rate}, fabric)
                state.step, state.batch = state.step + 1, index + 1
                if progress:
                    progress(state.step, total_steps, node.name)
                lookout.stepped()
                save_if(not is_last_batch and 0 < config.trainer.checkpoint_seconds <= time.monotonic() - saved_at)

            history.fetch()
            is_last_epoch, results = epoch + 1 == config.epochs, {}
            is_checked = is_last_epoch or (validate and (epoch + 1) % config.validate_every == 0)
            if fabric.is_global_zero:
                tell(validated.settle(wait=is_checked))
            if fabric.is_global_zero and is_checked:
                if validate is None:
                    save_best(folder / "best_so_far.pt")
                else:
                    with lookout.validating():
                        results = validated.add(validate(task.networks), task.networks)
            state.epoch, state.batch = epoch + 1, 0
            save_if(is_last_epoch or time.monotonic() - saved_at >= config.trainer.checkpoint_seconds)
            if is_checked:
                lookout.look(results)

    if fabric.is_global_zero:
        print(f"{node.name}: {hardware}", flush=True)
    lookout.tell("training")
    try:
        with lookout.interrupts(), _finite(node.name, state):
            train()
    except TrainingStopped:
        save_if(True)
        lookout.tell("stopped")
        raise
    if fabric.is_global_zero:
        publish(folder / "best_so_far.pt", folder / "best.pt")
    lookout.tell("finished")
    return FitResult(
        best=folder / "best.pt",
        last=folder / "last.pt",
        history=folder / "history.csv",
        objective=state.objective,
        steps=state.step,
        seconds=state.seconds,
        resumed_from=resumed_from,
        hardware=hardware.told(micro_batches.problem, ways(fabric.device.type)),
    )


def _step_generator(seed: int, epoch: int, index: int, rank: int) -> torch.Generator:
    """Seed a generator, and torch's global one (dropout reads it), from the position in the training run."""
    mixed = torch.Generator().manual_seed(seed * 1_000_003 + epoch * 10_007 + index)
    numbers = torch.randint(2**62, (2,), generator=mixed).tolist()
    torch.manual_seed(numbers[0] + rank)
    return torch.Generator().manual_seed(numbers[1])


@contextmanager
def _finite(name: str, state: State) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        # torch's cross-entropy refuses probabilities that are not numbers before the loss itself can show it: a CPU by
        # this error, a GPU by one that comes to light some steps later, whatever is asked of it.
        if "between 0 and 1" in str(error):
            raise not_finite(name, state.step) from error
        if "device-side assert" in str(error):
            raise refused_by_device(name, state.step) from error
        raise
