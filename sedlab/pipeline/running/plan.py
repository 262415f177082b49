"""What is to be done in a run, or in several at once, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sedlab.config.experiment import Experiment
from sedlab.pipeline.cluster.demands import Demand
from sedlab.pipeline.cluster.handover import OnCluster
from sedlab.pipeline.due.apart import require_travelled
from sedlab.pipeline.due.shared import Shared, find_shared
from sedlab.pipeline.graph import Job, graph_of, jobs_until
from sedlab.pipeline.joint.cards import check_cards, told_cards
from sedlab.pipeline.joint.graph import joint_graph, joint_name, jointly_due
from sedlab.pipeline.outside_files import check_outside_files
from sedlab.runs.digests import Digests
from sedlab.runs.locks import run_lock
from sedlab.runs.run import Run
from sedlab.runs.seeds.folders import repeated
from sedlab.system.cards import usable_cards


@dataclass(frozen=True)
class PlannedJob:
    """A job that has to run, and why."""

    name: str
    reason: str


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
    jobs, cards = wanted_jobs(groups, until, fixed=fixed), () if on_cluster else usable_cards()
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
        return Plan(planned_jobs(runs, due), by_donor(runs, found), on_cards, demands, num_jobs)


def wanted_jobs(
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


def planned_jobs(runs: Sequence[Run], due: Mapping[str, Mapping[str, str]]) -> list[PlannedJob]:
    """Return what is due in each run, by its name, under the names that jobs have where there are several runs."""
    return [PlannedJob(joint_name(runs, run, name), reason) for run in runs for name, reason in due[run.name].items()]


def by_donor(runs: Sequence[Run], found: Mapping[str, Shared]) -> dict[str, list[str]]:
    """Return the jobs that each other run gives, by its name."""
    given: dict[str, list[str]] = {}
    for run in runs:
        for donor, names in found[run.name].by_donor().items():
            given.setdefault(donor, []).extend(joint_name(runs, run, name) for name in names)
    return given
