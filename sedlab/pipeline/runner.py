"""Running an experiment: configuration files, the scheduler in its own process, and what a person sees meanwhile."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sedlab.config.experiment import Experiment
from sedlab.errors import SedlabError
from sedlab.pipeline.due.jobs import due_jobs
from sedlab.pipeline.due.shared import Shared, find_shared, take
from sedlab.pipeline.graph import Job, find_job, graph_of, jobs_until
from sedlab.pipeline.interpreter import python_command
from sedlab.pipeline.outside_files import check_outside_files
from sedlab.pipeline.scheduler import JobEvent
from sedlab.runs.digests import Digests
from sedlab.runs.leftovers import sweep
from sedlab.runs.locks import RUN_PROCESS, run_lock, this_process, wait_until_idle
from sedlab.runs.run import Run, create_run
from sedlab.runs.versions import gpu_names
from sedlab.system.environment import safe_imports

#: Time a job gets to save its notebook and end its kernel after an interrupt.
STOP_SECONDS = 8.0


@dataclass(frozen=True)
class PlannedJob:
    """A job that has to run, and why."""

    name: str
    reason: str


@dataclass
class Outcome:
    """What came of running an experiment."""

    jobs: list[PlannedJob] = field(default_factory=list)
    """Jobs that were started."""
    failed: list[str] = field(default_factory=list)
    """One line for each failed job."""
    warnings: list[str] = field(default_factory=list)
    """One line for each job that is complete although something failed that nobody waits for."""


class Display:
    """Shows a run while it goes on, called from one thread; this one shows nothing."""

    def shared(self, jobs: Mapping[str, Sequence[str]]) -> None:
        """The results of these jobs were taken from other runs, by the names of these."""

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


@dataclass(frozen=True)
class Plan:
    """What is to be done in a run."""

    jobs: list[PlannedJob]
    """In the graph's order."""
    shared: dict[str, list[str]]
    """Jobs whose results are taken from other runs, by the names of these."""


def plan(experiment: Experiment, folder: Path, *, until: str = "", share: bool = True) -> Plan:
    """Return what `run_experiment` would do, with reasons; nothing is written.

    Raises
    ------
    SedlabError
        As `run_experiment`.
    """
    run = Run(folder.resolve(), experiment)
    jobs = wanted_jobs(run, until)
    check_outside_files(run, {job.name for job in jobs})
    # Nothing runs where there is no folder.
    with run_lock(folder) if folder.is_dir() else nullcontext():
        digests = Digests(run.path)
        shared = find_shared(run, jobs, digests) if share else Shared()
        return Plan(_planned(run, jobs, digests, shared), shared.by_donor())


def run_experiment(
    experiment: Experiment,
    folder: Path,
    *,
    cores: int,
    display: Display,
    until: str = "",
    jobs: Collection[str] | None = None,
    share: bool = True,
) -> Outcome:
    """Bring the run folder up to date with the experiment, starting what is missing or whose inputs changed.

    Parameters
    ----------
    until : str
        Name of a job, or the beginning of several, as `jobs_until` takes it: these and what they need. Empty: all.
    jobs : collection of str or None
        Names of the only jobs that may be started.
    share : bool
        Take what other runs in the same folder have done already, where they read the same.

    Raises
    ------
    SedlabError
        When another `sedlab run` holds the folder, the graph cannot be built, or weights it starts from are missing.
    """
    wanted = wanted_jobs(Run(folder.resolve(), experiment), until)
    wanted = [job for job in wanted if jobs is None or job.name in jobs]
    check_outside_files(Run(folder.resolve(), experiment), {job.name for job in wanted})
    with run_lock(folder):
        wait_until_idle(folder)
        sweep(folder)
        run, digests = create_run(experiment, folder), Digests(folder)
        shared = find_shared(run, wanted, digests) if share else Shared()
        if shared.jobs:
            take(run, shared)
            display.shared(shared.by_donor())
        planned = _planned(run, wanted, digests)
        digests.save()
        return _schedule(run, planned, cores, display) if planned else Outcome()


def wanted_jobs(run: Run, until: str = "") -> list[Job]:
    """Return the jobs of a run, those ``until`` alone if it is given."""
    return jobs_until(graph_of(run), until) if until else graph_of(run)


def _planned(run: Run, jobs: list[Job], digests: Digests, shared: Shared | None = None) -> list[PlannedJob]:
    return [PlannedJob(name, reason) for name, reason in due_jobs(run, jobs, digests, shared).items()]


def _schedule(run: Run, planned: list[PlannedJob], cores: int, display: Display) -> Outcome:
    graph, by_name = graph_of(run), {job.name: job for job in planned}
    (run.path / "logs").mkdir(exist_ok=True)
    log = run.path / "logs" / "scheduler.txt"
    command = [*python_command(), "-m", "sedlab.pipeline.scheduler", str(run.path), f"--cores={cores}"]
    command += [f"--gpus={min(1, len(gpu_names()))}", "--jobs", *by_name]
    outcome, problems = Outcome(), []
    started: dict[str, float] = {}
    with log.open("w") as errors, _process_group(command, stdout=subprocess.PIPE, stderr=errors) as process:
        for event in _events(process, display):
            match event:
                case JobEvent(event="planned", jobs=jobs):
                    display.planned(jobs)
                case JobEvent(event="job", name=name):
                    outcome.jobs.append(by_name[name])
                    started[name] = time.monotonic()
                    display.started(name)
                case JobEvent(event="finished", name=name):
                    display.finished(name, time.monotonic() - started[name])
                    told = _told(run, find_job(graph, name).text_log, "warning: ")
                    outcome.warnings += [f"{name}: {line}" for line in told]
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
    errors = _told(run, text_log, "error: ")
    return errors[-1] if errors else f"ended without a message; see {run.path / text_log}."


def _told(run: Run, text_log: str, kind: str) -> list[str]:
    """Return the lines of this kind that a job printed."""
    path = run.path / text_log
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return [line.removeprefix(kind) for line in lines if line.startswith(kind)]
