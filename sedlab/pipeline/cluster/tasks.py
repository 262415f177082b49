"""Jobs as they are handed over: what runs on the node, and the file in which the scheduler is told of all of them."""

from __future__ import annotations

import shlex
from pathlib import Path

from pydantic import BaseModel

from sedlab.pipeline.cluster.demands import Demand
from sedlab.pipeline.interpreter import python_command
from sedlab.system.environment import safe_imports


class ClusterJob(BaseModel):
    """A job of the graph on its way to the cluster."""

    name: str
    """Unlike any other in the graph: with several runs "mini-seed2/data"."""
    folder: Path
    """The run folder, absolute."""
    node: str
    """Its name there."""
    is_training: bool
    """It goes on where it was stopped."""
    state_folder: Path
    """Where a training keeps its checkpoints, absolute."""
    words: list[str]
    """Of its command, behind the interpreter."""
    text_log: Path
    """Absolute, as the other logs and outputs."""
    outputs: list[Path]
    demand: Demand
    settings: str
    """Digest of its configuration."""
    attached: str = ""
    """The number of the SLURM job that an earlier call has handed over, and that has not ended."""

    def slurm_log(self, job: str = "%j") -> Path:
        """Return where SLURM writes what the batch script prints; %j is its number in sbatch."""
        return self.folder / "logs" / "slurm" / f"{self.node}.{job}.txt"


class Handover(BaseModel):
    """All that the scheduler's process needs to know."""

    tasks: dict[str, ClusterJob]
    profile: str
    """Name of its file, for errors."""
    keeps_accounts: bool
    max_jobs: int
    poll_seconds: float
    status_seconds: float


def script_of(task: ClusterJob) -> str:
    """Return the batch script of a job. Its first process becomes ours, so that signals reach it."""
    log = shlex.quote(str(task.text_log))
    environment = safe_imports() | {"PYTHONUNBUFFERED": "1"}
    lines = ["#!/bin/bash", f"cd {shlex.quote(str(task.folder))} || exit 1"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    if not task.demand.gpus:
        # A node may have cards that SLURM does not keep from jobs that did not ask for them.
        lines.append("export CUDA_VISIBLE_DEVICES=")
    lines.append(f"exec {shlex.join([*python_command(), *task.words])} >> {log} 2>&1")
    return "\n".join(lines) + "\n"
