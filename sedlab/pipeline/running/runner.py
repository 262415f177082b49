"""Running an experiment, or several at once: folders brought up to date, what others have taken, the rest scheduled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from sedlab.config.experiment import Experiment
from sedlab.pipeline.cluster.handover import OnCluster, jobs_there, refuse_outdated
from sedlab.pipeline.due.apart import require_travelled
from sedlab.pipeline.due.shared import find_shared, take
from sedlab.pipeline.graph import Job
from sedlab.pipeline.joint.cards import check_cards
from sedlab.pipeline.joint.graph import joint_graph, jointly_due
from sedlab.pipeline.running.display import Display
from sedlab.pipeline.running.leftovers import make_scheduler_folder, sweep
from sedlab.pipeline.running.plan import PlannedJob, by_donor, planned_jobs, wanted_jobs
from sedlab.pipeline.running.scheduling import Outcome, schedule
from sedlab.runs.digests import Digests
from sedlab.runs.live.submitted import Queued
from sedlab.runs.locks import run_lock, wait_until_idle
from sedlab.runs.moved.left_out import is_packed
from sedlab.runs.run import Run, create_run
from sedlab.runs.seeds.folders import note_seeds, repeated
from sedlab.system.cards import usable_cards


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
    wanted, cards = wanted_jobs(groups, until, jobs, fixed=fixed), () if on_cluster else usable_cards()
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
            if donors := by_donor(runs, found):
                display.shared(donors)
        due = jointly_due(runs, wanted, digests)
        for one in digests.values():
            one.save()
        planned = planned_jobs(runs, due)
        if any(there.values()):
            refuse_outdated(joint_graph(runs), {job.name for job in planned}, there)
        if not planned:
            return Outcome()
        cluster = _handover_file(runs, planned, on_cluster, there, display) if on_cluster else None
        return schedule(runs, planned, cores, display, cards, per_card, cluster)


def _require_travelled(runs: Sequence[Run], jobs: Mapping[str, list[Job]]) -> None:
    """Raise SedlabError, before anything is written, when a run that was opened from a pack cannot do what is due."""
    if any(is_packed(run.path) for run in runs):
        due = jointly_due(runs, jobs, {run.name: Digests(run.path) for run in runs})
        for run in runs:
            require_travelled(run, jobs[run.name], due[run.name])


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
