"""The checkpoint a training goes on from, and the one it leaves.

Resuming is exact because no random state has to be saved: the permutation of an epoch and the numbers drawn in a step
are functions of (seed, epoch, batch) alone. A run that was killed, in the middle of an epoch too, and resumed equals
one that was not, bit for bit on CPU.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from lightning_fabric import Fabric
from torch import nn

from sedlab.config.experiment import Node
from sedlab.errors import SedlabError
from sedlab.files import atomic_path


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
        "networks": {name: network.state_dict() for name, network in learner.networks.items()},
        "optimizer": learner.optimizer.state_dict(),
        "precision": fabric.strategy.precision.state_dict(),
        "state": vars(state),
    }
    with atomic_path(path) as temporary:
        torch.save(checkpoint, temporary)


def resume(path: Path, learner: Learner, node: Node, fabric: Fabric) -> State:
    """Bring ``learner`` to where ``path`` left it and return how far that is; without the file, the beginning.

    A checkpoint of another configuration is deleted: what was learnt under it does not belong to this training.

    Raises
    ------
    SedlabError
        When the file is damaged.
    """
    if not path.is_file():
        return State()
    try:
        checkpoint = torch.load(path, map_location=fabric.device, weights_only=True)
        same = checkpoint["node"] == node.model_dump_json()
    except Exception as error:  # torch raises many kinds for a damaged file
        raise SedlabError(
            f"{path}: damaged checkpoint ({type(error).__name__}). Delete it to train from the start."
        ) from error
    if not same:
        if fabric.is_global_zero:
            path.unlink()
        return State()
    for name, network in learner.networks.items():
        network.load_state_dict(checkpoint["networks"][name])
    learner.optimizer.load_state_dict(checkpoint["optimizer"])
    fabric.strategy.precision.load_state_dict(checkpoint["precision"])
    return State(**checkpoint["state"])


def publish(best_so_far: Path, best: Path) -> None:
    """Give the best checkpoint its final name only now: a `best.pt` always belongs to a finished training."""
    with atomic_path(best) as temporary:
        temporary.unlink()
        try:
            os.link(best_so_far, temporary)
        except OSError:  # a file system without hard links
            shutil.copyfile(best_so_far, temporary)
