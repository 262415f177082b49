"""Running an experiment: configuration files, the scheduler in its own process, and what a person sees meanwhile."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sedlab.config.experiment import Experiment
from sedlab.environment import safe_imports
from sedlab.errors import SedlabError
from sedlab.pipeline.graph import find_job, graph_of
from sedlab.pipeline.interpreter import python_command
from sedlab.pipeline.outside_files import anchored, check_outside_files
from sedlab.pipeline.scheduler import JobEvent
from sedlab.runs.locks import RUN_PROCESS, run_lock, this_process, wait_until_idle
from sedlab.runs.run import Run, config_files, create_run
from sedlab.runs.versions import gpu_names

#: Time a job gets to save its notebook and end its kernel after an interrupt.
STOP_SECONDS = 8.0
_FOLLOWS = "Input files updated by another job"


@dataclass(frozen=True)
class PlannedJob:
    """A job that has to run, and why."""

    name: str
    reason: str


@dataclass
class Outcome:
    """What came of running an experiment."""

    jobs: list[PlannedJob] = field(default_factory=list)
    """Jobs that were started; in a dry run, that would be."""
    failed: list[str] = field(default_factory=list)
    """One line for each failed job."""


class Display:
    """Shows a run while it goes on, called from one thread; this one shows nothing."""

    def planned(self, jobs: int) -> None:
        """So many jobs are to be run."""

    def started(self, name: str) -> None:
        """A job has started."""

    def finished(self, name: str, seconds: float) -> None:
        """A job is complete."""

    def failed(self, name: str, message: str) -> None:
        """A job has failed."""

    def tick(self) -> None:
        """Called about four times a second."""


def plan(experiment: Experiment, folder: Path) -> list[PlannedJob]:
    """Return the jobs `run` would start, in the graph's order, with reasons, and leave the run folder as it is.

    Raises
    ------
    SedlabError
        As `run_experiment`.
    """
    intended = Run(folder.resolve(), experiment)
    check_outside_files(intended)
    if (folder / "config.yaml").is_file():
        with run_lock(folder), _restored(folder, list(config_files(experiment))):
            return _planned(create_run(experiment, folder))
    with tempfile.TemporaryDirectory() as elsewhere:
        return _planned(create_run(anchored(intended), Path(elsewhere) / "runs" / folder.name))


def run_experiment(experiment: Experiment, folder: Path, *, cores: int, display: Display) -> Outcome:
    """Bring the run folder up to date with the experiment, starting what is missing or whose inputs changed.

    Raises
    ------
    SedlabError
        When another `sedlab run` holds the folder, the graph cannot be built, or weights it starts from are missing.
    """
    check_outside_files(Run(folder.resolve(), experiment))
    with run_lock(folder):
        wait_until_idle(folder)
        run = create_run(experiment, folder)
        return _schedule(run, cores, dry_run=False, display=display)


def short_reason(reason: str) -> str:
    """Return the cause in Snakemake's reason for a job, long lists of files shortened to the first.

    That inputs come from another job is only said where nothing else is the cause.
    """
    parts = [part for part in reason.split("; ") if not part.startswith(_FOLLOWS)] or reason.split("; ")
    shortened = []
    for part in parts:
        label, separator, files = part.partition(": ")
        names = sorted(files.split(", "))
        if separator and len(names) > 1:
            files = f"{names[0]} and {len(names) - 1} more"
        shortened.append(f"{label}{separator}{files}")
    return "; ".join(shortened)


def _planned(run: Run) -> list[PlannedJob]:
    # Snakemake tells jobs that may run at the same time in any order.
    order = [job.name for job in graph_of(run)]
    return sorted(_schedule(run, 1, dry_run=True, display=Display()).jobs, key=lambda job: order.index(job.name))


def _schedule(run: Run, cores: int, *, dry_run: bool, display: Display) -> Outcome:
    # Errors in the experiment or the data surface here, in one line, before any process is started.
    graph = graph_of(run)
    (run.path / "logs").mkdir(exist_ok=True)
    log = run.path / "logs" / "scheduler.txt"
    command = [*python_command(), "-m", "sedlab.pipeline.scheduler", str(run.path), f"--cores={cores}"]
    command += [f"--gpus={min(1, len(gpu_names()))}"] + (["--dry-run"] if dry_run else [])
    outcome, problems = Outcome(), []
    started: dict[str, float] = {}
    with log.open("w") as errors, _process_group(command, stdout=subprocess.PIPE, stderr=errors) as process:
        for event in _events(process, display):
            match event:
                case JobEvent(event="planned", jobs=jobs):
                    display.planned(jobs)
                case JobEvent(event="job", name=name, reason=reason):
                    outcome.jobs.append(PlannedJob(name, short_reason(reason)))
                    started[name] = time.monotonic()
                    display.started(name)
                case JobEvent(event="finished", name=name):
                    display.finished(name, time.monotonic() - started[name])
                case JobEvent(event="failed", name=name):
                    message = _last_error(run, find_job(graph, name).text_log)
                    outcome.failed.append(f"{name}: {message}")
                    display.failed(name, message)
                case JobEvent(event="error", message=message):
                    problems.append(message)
                case JobEvent(event="done", ok=True):
                    return outcome
    if not outcome.failed:
        line = problems[-1].strip().splitlines()[-1] if problems else "the scheduler ended unexpectedly"
        raise SedlabError(f"{run.path}: {line}. See {log}.")
    return outcome


def _events(process: subprocess.Popen, display: Display) -> Iterator[JobEvent]:
    """Yield the scheduler's events until it ends, calling ``display.tick`` in between."""
    buffer = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(timeout=0.25):
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    return
                *lines, buffer = (buffer + chunk).split(b"\n")
                yield from map(JobEvent.model_validate_json, lines)
            display.tick()


@contextmanager
def _process_group(command: list[str], **options: Any) -> Iterator[subprocess.Popen]:
    """Start a process with a group of its own and leave nothing of it behind, whatever happens here.

    SIGTERM and SIGHUP are treated like Ctrl-C.
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    environment = {**os.environ, **safe_imports(), RUN_PROCESS: this_process(), "PYTHONUNBUFFERED": "1"}
    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    process = subprocess.Popen(command, env=environment, start_new_session=True, **options)
    try:
        yield process
        process.wait()
    except BaseException:
        _signal_group(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        raise
    finally:
        # Also after a regular end: jobs of a scheduler that was killed would otherwise live on.
        _signal_group(process, signal.SIGKILL)
        process.wait()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _signal_group(process: subprocess.Popen, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _last_error(run: Run, text_log: str) -> str:
    """Return the line in which the job said why it failed."""
    path = run.path / text_log
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return errors[-1] if errors else f"ended without a message; see {path}."


@contextmanager
def _restored(folder: Path, files: list[str]) -> Iterator[None]:
    """Put configuration files back as they were, time stamps included, after the block."""
    names = {*files, "versions.json"}
    names |= {str(path.relative_to(folder)) for path in (folder / "configs").glob("*.yaml")}
    with tempfile.TemporaryDirectory() as backup:
        kept = {name for name in names if (folder / name).is_file()}
        for name in kept:
            (Path(backup) / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(folder / name, Path(backup) / name)
        try:
            yield
        finally:
            for name in names - kept:
                (folder / name).unlink(missing_ok=True)
            for name in kept:
                shutil.copy2(Path(backup) / name, folder / name)
