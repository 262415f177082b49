"""Running an experiment: configuration files, the scheduler in its own process, and what a person sees meanwhile."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sedlab.config.experiment import Experiment
from sedlab.errors import SedlabError
from sedlab.pipeline.cluster.demands import Demand
from sedlab.pipeline.cluster.handover import OnCluster, jobs_there, refuse_outdated
from sedlab.pipeline.due.apart import require_travelled
from sedlab.pipeline.due.shared import Shared, find_shared, take
from sedlab.pipeline.graph import Job, graph_of, jobs_until
from sedlab.pipeline.interpreter import python_command
from sedlab.pipeline.joint.cards import check_cards, told_cards
from sedlab.pipeline.joint.graph import PlacedJob, joint_graph, joint_name, jointly_due
from sedlab.pipeline.outside_files import check_outside_files
from sedlab.pipeline.processes import STOP_SECONDS, events_of, process_group
from sedlab.pipeline.scheduler import JobEvent
from sedlab.runs.digests import Digests
from sedlab.runs.leftovers import make_scheduler_folder, sweep
from sedlab.runs.live.submitted import Queued
from sedlab.runs.locks import run_lock, wait_until_idle
from sedlab.runs.moved.left_out import is_packed
from sedlab.runs.run import Run, create_run
from sedlab.runs.seeds.folders import note_seeds, repeated
from sedlab.system.cards import Card, handed_on, usable_cards


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

    def told(self, text: str) -> None:
        """Something that a person should know."""

    def tick(self) -> None:
        """Called about four times a second."""


@dataclass(frozen=True)
class Plan:
    """What is to be done in a run, or in several at once."""

    jobs: list[PlannedJob]
    """In the graph's order."""
    shared: dict[str, list[str]]
    """Jobs whose results are taken from other runs, by the names of these."""
    on_cards: str = ""
    """How many of the jobs run at a time on which graphics cards; empty: on none."""
    demands: dict[str, Demand] = field(default_factory=dict)
    """What each job asks a cluster for."""
    num_jobs: dict[str, int] = field(default_factory=dict)
    """How many jobs each run has, done or not, by its name."""


def plan(
    experiment: Experiment,
    folder: Path,
    *,
    until: str = "",
    share: bool = True,
    seeds: int | None = None,
    per_card: int = 1,
    on_cluster: OnCluster | None = None,
) -> Plan:
    """Return what `run_experiment` would do, with reasons; nothing is written.

    Raises
    ------
    SedlabError
        As `run_experiment`.
    """
    runs = repeated(Run(folder.resolve(), experiment), seeds or 1)
    how = {"until": until, "share": share, "per_card": per_card, "on_cluster": on_cluster}
    return plan_together([runs], fixed=seeds is not None, **how)


def plan_together(
    groups: Sequence[Sequence[Run]],
    *,
    until: str = "",
    share: bool = True,
    fixed: bool = True,
    per_card: int = 1,
    on_cluster: OnCluster | None = None,
) -> Plan:
    """Return what `run_together` would do, with reasons; nothing is written."""
    runs = [run for group in groups for run in group]
    jobs, cards = _wanted(groups, until, fixed=fixed), () if on_cluster else usable_cards()
    check_cards((job for mine in jobs.values() for job in mine), cards)
    with ExitStack() as stack:
        for run in runs:
            if run.path.is_dir():  # nothing runs where there is no folder
                stack.enter_context(run_lock(run.path))
        digests = {run.name: Digests(run.path) for run in runs}
        found = {run.name: find_shared(run, jobs[run.name], digests[run.name]) if share else Shared() for run in runs}
        due = jointly_due(runs, jobs, digests, found)
        for run in runs:
            require_travelled(run, jobs[run.name], due[run.name])
        on_cards = told_cards(
            (job for run in runs for job in jobs[run.name] if job.name in due[run.name]), cards, per_card
        )
        placed = [one for one in joint_graph(runs) if one.job.name in due[one.run.name]] if on_cluster else []
        demands = on_cluster.demands(placed) if on_cluster else {}
        num_jobs = {name: len(mine) for name, mine in jobs.items()}
        return Plan(_planned(runs, due), _by_donor(runs, found), on_cards, demands, num_jobs)


def run_experiment(
    experiment: Experiment,
    folder: Path,
    *,
    cores: int,
    display: Display,
    until: str = "",
    jobs: Collection[str] | None = None,
    share: bool = True,
    seeds: int | None = None,
    per_card: int = 1,
    on_cluster: OnCluster | None = None,
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
    seeds : int or None
        Repeat the experiment with so many seeds, see `sedlab.runs.seeds.folders`, all in one graph; None: this run
        alone, whatever repetitions it has.
    per_card : int
        How many jobs may work on a graphics card at a time.
    on_cluster : OnCluster or None
        Hand the jobs to a SLURM cluster, and go on with those that an earlier call has handed over; None: they run on
        this machine.

    Raises
    ------
    SedlabError
        When another `sedlab run` holds the folder, the graph cannot be built, weights it starts from are missing, or a
        training asks for more graphics cards than there are.
    """
    runs, fixed = repeated(Run(folder.resolve(), experiment), seeds or 1), seeds is not None
    note = partial(note_seeds, runs) if fixed else None
    how = {"cores": cores, "display": display, "until": until, "jobs": jobs, "share": share, "per_card": per_card}
    how["on_cluster"] = on_cluster
    return run_together([runs], note=note, fixed=fixed, **how)


def run_together(
    groups: Sequence[Sequence[Run]],
    *,
    cores: int,
    display: Display,
    until: str = "",
    jobs: Collection[str] | None = None,
    share: bool = True,
    fixed: bool = True,
    note: Callable[[], None] | None = None,
    per_card: int = 1,
    on_cluster: OnCluster | None = None,
) -> Outcome:
    """Bring several run folders up to date with their experiments, in one graph, in which nothing is done twice.

    Parameters
    ----------
    groups : sequence of sequences of Run
        Each is a run and those that repeat it with other seeds, as `sedlab.runs.seeds.folders.repeated` returns them.
    fixed : bool
        These are all the repetitions that there are to be; otherwise those that are noted stay.
    note : function or None
        Called once the folders are there and nobody else works in them, to write down what belongs together.

    The others, and errors, are as those of `run_experiment`.
    """
    runs = [run for group in groups for run in group]
    wanted, cards = _wanted(groups, until, jobs, fixed=fixed), () if on_cluster else usable_cards()
    check_cards((job for mine in wanted.values() for job in mine), cards)
    with ExitStack() as stack:
        for run in runs:
            stack.enter_context(run_lock(run.path))
        there = {run.name: jobs_there(run, wanted[run.name], on_cluster=on_cluster is not None) for run in runs}
        _require_travelled(runs, wanted)
        for run in runs:
            wait_until_idle(run.path, but=there[run.name])
            sweep(run.path, at_work=bool(there[run.name]))
            create_run(run.experiment, run.path)
        if note is not None:
            note()
        digests = {run.name: Digests(run.path) for run in runs}
        if share:
            idle = {run.name: [job for job in wanted[run.name] if job.name not in there[run.name]] for run in runs}
            found = {run.name: find_shared(run, idle[run.name], digests[run.name]) for run in runs}
            for run in runs:
                take(run, found[run.name])
            if donors := _by_donor(runs, found):
                display.shared(donors)
        due = jointly_due(runs, wanted, digests)
        for one in digests.values():
            one.save()
        planned = _planned(runs, due)
        if any(there.values()):
            refuse_outdated(joint_graph(runs), {job.name for job in planned}, there)
        if not planned:
            return Outcome()
        cluster = _handover_file(runs, planned, on_cluster, there, display) if on_cluster else None
        return _schedule(runs, planned, cores, display, cards, per_card, cluster)


def _wanted(
    groups: Sequence[Sequence[Run]], until: str, among: Collection[str] | None = None, *, fixed: bool
) -> dict[str, list[Job]]:
    """Return the jobs of each run by its name; ``fixed``: the runs are all that there are to be."""
    found = {}
    for first, *rest in groups:
        for run in (first, *rest):
            others = ([other.name for other in rest] if run is first else []) if fixed else None
            graph = graph_of(run, others)
            jobs = jobs_until(graph, until) if until else graph
            found[run.name] = [job for job in jobs if among is None or job.name in among]
            check_outside_files(run, {job.name for job in found[run.name]})
    return found


def _require_travelled(runs: Sequence[Run], jobs: Mapping[str, list[Job]]) -> None:
    """Raise SedlabError, before anything is written, when a run that was opened from a pack cannot do what is due."""
    if any(is_packed(run.path) for run in runs):
        due = jointly_due(runs, jobs, {run.name: Digests(run.path) for run in runs})
        for run in runs:
            require_travelled(run, jobs[run.name], due[run.name])


def _planned(runs: Sequence[Run], due: Mapping[str, Mapping[str, str]]) -> list[PlannedJob]:
    return [PlannedJob(joint_name(runs, run, name), reason) for run in runs for name, reason in due[run.name].items()]


def _by_donor(runs: Sequence[Run], found: Mapping[str, Shared]) -> dict[str, list[str]]:
    """Return the jobs that each other run gives, by its name."""
    given: dict[str, list[str]] = {}
    for run in runs:
        for donor, names in found[run.name].by_donor().items():
            given.setdefault(donor, []).extend(joint_name(runs, run, name) for name in names)
    return given


def _handover_file(
    runs: Sequence[Run],
    planned: Sequence[PlannedJob],
    on_cluster: OnCluster,
    there: Mapping[str, Mapping[str, Queued]],
    display: Display,
) -> Path:
    """Write down how the planned jobs are handed to the cluster, for the scheduler."""
    names = {job.name for job in planned}
    # What takes files of another job only links them, here; unless the cluster is at it already, from an earlier call.
    placed = [one for one in joint_graph(runs) if not one.donor or one.job.name in there[one.run.name]]
    handover = on_cluster.handover([one for one in placed if one.name in names], there, runs[0])
    if advice := on_cluster.advice(task.demand for task in handover.tasks.values()):
        display.told(advice)
    path = make_scheduler_folder(runs[0].path) / "handover.json"
    path.write_text(handover.model_dump_json())
    return path


def _schedule(
    runs: Sequence[Run],
    planned: list[PlannedJob],
    cores: int,
    display: Display,
    cards: Sequence[Card],
    per_card: int,
    cluster: Path | None = None,
) -> Outcome:
    graph, by_name = {job.name: job for job in joint_graph(runs)}, {job.name: job for job in planned}
    first, *rest = runs
    for run in runs:
        (run.path / "logs").mkdir(exist_ok=True)
    log = first.path / "logs" / "scheduler.txt"
    command = [*python_command(), "-m", "sedlab.pipeline.scheduler", str(first.path), f"--cores={cores}"]
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
                    outcome.warnings += [f"{name}: {line}" for line in _told(graph[name], "warning: ")]
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
