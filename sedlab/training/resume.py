"""The checkpoint a training goes on from, and the one it leaves.

Resuming is exact because no random state has to be saved: the permutation of an epoch and the numbers drawn in a step
are functions of (seed, epoch, batch) alone. A run that was killed, in the middle of an epoch too, and resumed equals
one that was not, bit for bit on CPU.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from lightning_fabric import Fabric
from torch import nn

from sedlab.checkpoints.file import read_checkpoint_file
from sedlab.checkpoints.loading import read_checkpoint
from sedlab.checkpoints.seal import save_sealed
from sedlab.config.experiment import Node
from sedlab.errors import SedlabError, warn_once
from sedlab.files import atomic_path
from sedlab.labels import difference


@dataclass
class State:
    """How far a training is."""

    epoch: int = 0
    batch: int = 0
    """Batches of the epoch that are done; the first one of an optimiser step comes next."""
    step: int = 0
    objective: float = float("-inf")
    """The best so far."""
    seconds: float = 0.0
    rows: list[dict[str, float]] = field(default_factory=list)
    """The history, a row an optimiser step."""


class Learner(Protocol):
    """What learns: networks and their optimiser."""

    networks: Mapping[str, nn.Module]
    """The networks a checkpoint holds, by name; "student" is the one that learns."""
    optimizer: torch.optim.Optimizer


def save_state(path: Path, state: State, learner: Learner, node: Node, fabric: Fabric) -> None:
    """Write everything needed to resume."""
    checkpoint = {
        "format": "sedlab-resume-2",
        "node": node.model_dump_json(),
        "classes": _classes(learner),
        "networks": {name: network.state_dict() for name, network in learner.networks.items()},
        "optimizer": learner.optimizer.state_dict(),
        "precision": fabric.strategy.precision.state_dict(),
        "state": vars(state),
    }
    save_sealed(checkpoint, path)


def resume(path: Path, learner: Learner, node: Node, fabric: Fabric, *, best_so_far: Path) -> State:
    """Bring ``learner`` to where ``path`` left it and return how far that is; without the file, the beginning.

    A checkpoint of another configuration is deleted: what was learnt under it does not belong to this training. So is
    one whose best networks, ``best_so_far``, are lost: only from the start can they be had again.

    Raises
    ------
    SedlabError
        When the file is damaged, or its networks tell other classes apart.
    """
    if not path.exists():
        return State()
    try:
        checkpoint = read_checkpoint_file(path, device=fabric.device, mapped=False)
        state, same = State(**checkpoint["state"]), checkpoint["node"] == node.model_dump_json()
        # Earlier versions, of which all networks had the task's classes, did not write them down.
        found, present = checkpoint.get("classes", _classes(learner)), _classes(learner)
        has_best = state.objective > float("-inf") or state.epoch == node.training.epochs
        if same and found == present and not (has_best and _is_lost(best_so_far)):
            for name, network in learner.networks.items():
                network.load_state_dict(checkpoint["networks"][name])
            learner.optimizer.load_state_dict(checkpoint["optimizer"])
            fabric.strategy.precision.load_state_dict(checkpoint["precision"])
            return state
    except Exception as error:  # what is not what we wrote leads to many kinds
        known = str(error).removeprefix(f"{path}: ").partition(". ")[0]
        reason = known if isinstance(error, SedlabError) else type(error).__name__
        raise SedlabError(
            f"{path}: damaged or of another version, the training cannot go on from it ({reason}). Delete it to train "
            "from the start."
        ) from error
    if same and found != present:
        raise SedlabError(
            f"{path}: {difference(found, present)}. Bring its corpus back (own/classes.txt), or delete the file to "
            "train from the start."
        )
    if fabric.is_global_zero:
        path.unlink()
    return State()


def _classes(learner: Learner) -> list[str]:
    return list(learner.networks["student"].classes)


def publish(best_so_far: Path, best: Path) -> None:
    """Give the best checkpoint its final name only now: a `best.pt` always belongs to a finished training.

    It is a copy, so that one that is damaged can be deleted and made again.
    """
    with atomic_path(best) as temporary:
        shutil.copyfile(best_so_far, temporary)


def _is_lost(best_so_far: Path) -> bool:
    try:
        read_checkpoint(best_so_far)
    except SedlabError as error:
        warn_once(f"{error} The training begins anew.")
        return True
    return False
