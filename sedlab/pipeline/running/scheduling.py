"""The scheduler started on jobs that are due, and what it tells handed on."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sedlab.errors import SedlabError
from sedlab.pipeline.interpreter import python_command
from sedlab.pipeline.joint.graph import PlacedJob, joint_graph
from sedlab.pipeline.running.display import Display
from sedlab.pipeline.running.plan import PlannedJob
from sedlab.pipeline.running.processes import STOP_SECONDS, events_of, process_group
from sedlab.pipeline.running.scheduler import JobEvent
from sedlab.runs.run import Run
from sedlab.system.cards import Card, handed_on


@dataclass
class Outcome:
    """What came of running an experiment."""

    jobs: list[PlannedJob] = field(default_factory=list)
    """Jobs that were started."""
    failed: list[str] = field(default_factory=list)
    """One line for each failed job."""
    warnings: list[str] = field(default_factory=list)
    """One line for each job that is complete although something failed that nobody waits for."""


def schedule(
    runs: Sequence[Run],
    planned: list[PlannedJob],
    cores: int,
    display: Display,
    cards: Sequence[Card],
    per_card: int,
    cluster: Path | None = None,
) -> Outcome:
    """Have the scheduler run the planned jobs, telling ``display`` how it goes; return what came of it.

    Parameters
    ----------
    per_card : int
        How many jobs may work on one of ``cards`` at a time.
    cluster : Path or None
        File that says how jobs are handed to a cluster; None: this machine runs them.

    Raises
    ------
    SedlabError
        When the scheduler ends although no job has failed.
    """
    graph, by_name = {job.name: job for job in joint_graph(runs)}, {job.name: job for job in planned}
    first, *rest = runs
    for run in runs:
        (run.path / "logs").mkdir(exist_ok=True)
    log = first.path / "logs" / "scheduler.txt"
    command = [*python_command(), "-m", "sedlab.pipeline.running.scheduler", str(first.path), f"--cores={cores}"]
    command += [f"--cards={len(cards)}", f"--per-card={per_card}"]
    command += [f"--slurm={cluster}"] if cluster else []
    # Jobs of a cluster stay; there is nothing that would have to end well.
    stop_seconds = 0.0 if cluster else STOP_SECONDS
    command += ["--beside", *(str(run.path) for run in rest), "--jobs", *by_name]
    outcome, problems = Outcome(), []
    started: dict[str, float] = {}
    with (
        log.open("w") as errors,
        process_group(
            command, handed_on(cards), stop_seconds=stop_seconds, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        for event in events_of(process, display.tick):
            match event:
                case JobEvent(event="planned", jobs=jobs):
                    display.planned(jobs)
                case JobEvent(event="job", name=name):
                    outcome.jobs.append(by_name[name])
                    started[name] = time.monotonic()
                    display.started(name)
                case JobEvent(event="finished", name=name):
                    display.finished(name, time.monotonic() - started[name])
                    told = _told(graph[name], "warning: ")
                    outcome.warnings += [f"{name}: {line.removeprefix(f'{graph[name].job.name}: ')}" for line in told]
                case JobEvent(event="failed", name=name):
                    message = _last_error(graph[name])
                    outcome.failed.append(f"{name}: {message}")
                    display.failed(name, message)
                case JobEvent(event="told", message=message):
                    display.told(message)
                case JobEvent(event="error", message=message):
                    problems.append(message)
                case JobEvent(event="done", ok=True):
                    return outcome
    if not outcome.failed:
        line = problems[-1].strip().splitlines()[-1] if problems else "the scheduler ended unexpectedly"
        raise SedlabError(f"{first.path}: {line}. See {log}.")
    return outcome


def _last_error(placed: PlacedJob) -> str:
    """Return the line in which the job said why it failed."""
    errors = _told(placed, "error: ")
    return errors[-1] if errors else f"ended without a message; see {placed.run.path / placed.job.text_log}."


def _told(placed: PlacedJob, kind: str) -> list[str]:
    """Return the lines of this kind that a job printed."""
    path = placed.run.path / placed.job.text_log
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return [line.removeprefix(kind) for line in lines if line.startswith(kind)]
