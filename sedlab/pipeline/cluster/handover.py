"""Jobs of runs made ready for the cluster, and those that are there already from an earlier call."""

from __future__ import annotations

import hashlib
import shlex
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sedlab.errors import SedlabError, count_of
from sedlab.pipeline.cluster.demands import Demand, demand_of, is_training
from sedlab.pipeline.cluster.facts import Cluster, look_at_cluster, require_slurm
from sedlab.pipeline.cluster.profile import KINDS, ClusterProfile, load_profile
from sedlab.pipeline.cluster.tasks import ClusterJob, Handover
from sedlab.pipeline.graph import Job
from sedlab.pipeline.joint.graph import PlacedJob
from sedlab.pipeline.subset_states import subset_states, training_clips
from sedlab.pipeline.training_cost import TrainingCost, training_cost
from sedlab.runs.layout import config_files
from sedlab.runs.live.submitted import Queued, queued_jobs, record_of
from sedlab.runs.run import Run
from sedlab.system.cards import torch_build

#: A job that was cancelled, or put back into the queue, takes a while (KillWait of slurm.conf).
_SETTLE_SECONDS = 120.0
_SETTLE_POLL_SECONDS = 2.0


@dataclass(frozen=True)
class OnCluster:
    """A cluster, and what is wished of it."""

    profile: ClusterProfile
    where: str
    """The profile's file, for messages."""
    cluster: Cluster

    is_default: bool = False
    """There is no such file."""

    @property
    def told(self) -> str:
        """What is wished of which cluster, for a person."""
        partitions = ", ".join(one.name + (" (with GPUs)" if one.has_cards else "") for one in self.cluster.partitions)
        accounts = "sacct" if self.cluster.keeps_accounts else "squeue (the cluster keeps no accounts)"
        where = f"none (looked for {self.where})" if self.is_default else self.where
        return f"{where}; partitions: {partitions}; ended jobs are asked of {accounts}"

    @classmethod
    def here(cls, profile: Path | None = None) -> OnCluster:
        """Return the cluster whose login node this is.

        Raises
        ------
        SedlabError
            When there is none, it gives no answer, or the profile says what none can say.
        """
        require_slurm()
        wishes, where, is_default = load_profile(profile)
        found = cls(wishes, where, look_at_cluster(), is_default)
        for partition in dict.fromkeys(wishes.wish(kind, "partition") for kind in KINDS):
            found.cluster.partition(partition, where)
        return found

    def demands(self, placed: Iterable[PlacedJob]) -> dict[str, Demand]:
        """Return what jobs ask for, by their names in the graph."""
        costs: dict[str, dict[str, TrainingCost]] = {}
        found = {}
        for one in placed:
            name = one.run.name
            if name not in costs:
                costs[name] = _costs(one.run)
            workers = {node.name: node.training.trainer.num_workers for node in one.run.experiment.nodes()}
            # Clips are made and read side by side.
            workers["data"] = one.run.experiment.threads_per_job - 1
            found[one.name] = demand_of(
                one.job, self.profile, self.where, self.cluster, costs[name], workers=workers.get(one.job.name, 0)
            )
        return found

    def advice(self, demands: Iterable[Demand]) -> str:
        """Return what a person should know who asks for that; empty: nothing."""
        if torch_build() is None and any(demand.gpus for demand in demands):
            return (
                "torch is built for CPUs here: jobs leave alone the GPUs that they ask for. Set gpus: 0 in "
                f"{self.where}, or install a torch for GPUs."
            )
        return ""

    def handover(
        self, placed: Collection[PlacedJob], attached: Mapping[str, Mapping[str, Queued]], first: Run
    ) -> Handover:
        """Return all that is to be handed over.

        ``attached`` are the jobs that are there, by run and node; paths in ``placed`` begin at the ``first`` run.
        """
        demands = self.demands(placed)
        return Handover(
            tasks={one.name: _task(one, demands[one.name], attached.get(one.run.name, {}), first) for one in placed},
            profile=self.where,
            keeps_accounts=self.cluster.keeps_accounts,
            max_jobs=self.profile.max_jobs,
            poll_seconds=self.profile.poll_seconds,
            status_seconds=self.profile.status_seconds,
        )


def jobs_there(run: Run, jobs: Iterable[Job], *, on_cluster: bool) -> dict[str, Queued]:
    """Return the nodes of a run whose jobs wait or run on the cluster, from an earlier call.

    Raises
    ------
    SedlabError
        When there are some and they cannot be gone on with: this call is for this machine, or one of them works with
        other settings than are asked for now.
    """
    there = _settled(run.path)
    if there and not on_cluster:
        numbers = ", ".join(f"{node} as {one.job}" for node, one in there.items())
        raise SedlabError(
            f"{run.path}: {count_of(len(there), 'job is', 'jobs are')} in SLURM's queue ({numbers}). Add --slurm to go "
            f"on with them, or {_cancel(run.path)}"
        )
    known = {job.name: job for job in jobs}
    for node, queued in there.items():
        record = record_of(run.path, node)
        # Of a job that was handed over by a call that was killed before it could note that, nothing is known.
        is_known = node in known and record is not None and record.job == queued.job
        if queued.state != "PENDING" and is_known and record.settings != settings_digest(run, known[node]):
            raise SedlabError(
                f"{run.path}: {node} works with other settings, as SLURM job {queued.job}. Wait for it, or "
                f"{_cancel(run.path)}"
            )
    return there


def refuse_outdated(placed: Sequence[PlacedJob], due: Collection[str], there: Mapping[str, Collection[str]]) -> None:
    """Raise SedlabError when a job that the cluster has reads what is to be made anew: it would read the old.

    ``due`` are the names of the jobs to run, ``there`` the nodes of each run that the cluster has.
    """
    made = {path: one.name for one in placed if one.name in due for path in one.outputs}
    for one in placed:
        if one.job.name in there[one.run.name]:
            for path in one.inputs:
                if made.get(path, one.name) != one.name:
                    raise SedlabError(
                        f"{one.run.path}: SLURM has {one.name}, which reads what {made[path]} is to make anew. Wait "
                        f"for it, or {_cancel(one.run.path)}"
                    )


def _settled(folder: Path) -> dict[str, Queued]:
    """Return a run's jobs on the cluster once none of them is between two states: it may come back, or be gone."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        there = queued_jobs(folder)
        if time.monotonic() > deadline or all(one.state != "COMPLETING" for one in there.values()):
            return there
        time.sleep(_SETTLE_POLL_SECONDS)


def _cancel(folder: Path) -> str:
    return f"cancel what SLURM has of it: sedlab cancel {shlex.quote(str(folder))}"


def settings_digest(run: Run, job: Job) -> str:
    """Return a digest of the configuration that a job reads."""
    files = config_files(run.experiment)
    texts = [files[name] for name in job.inputs if name in files]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def _task(placed: PlacedJob, demand: Demand, attached: Mapping[str, Queued], first: Run) -> ClusterJob:
    run, job = placed.run, placed.job
    words = [
        "-m",
        "sedlab.pipeline.job",
        str(run.path),
        job.name,
        f"--slurm={demand.signal_seconds}",
        f"--threads={min(job.threads, demand.cpus)}",
    ]
    if placed.donor:
        words.append(f"--take-from={(first.path / placed.donor).resolve()}")
    return ClusterJob(
        name=placed.name,
        folder=run.path,
        node=job.name,
        is_training=is_training(job),
        state_folder=(run.path / job.manifest).parent,
        words=words,
        text_log=run.path / job.text_log,
        outputs=[run.path / path for path in job.outputs],
        demand=demand,
        settings=settings_digest(run, job),
        attached=attached[job.name].job if job.name in attached else "",
    )


def _costs(run: Run) -> dict[str, TrainingCost]:
    states = subset_states(run)
    if not states:
        return {}
    clips, _ = training_clips({state.subset.name: state for state in states})
    return {node.name: training_cost(node, clips) for node in run.experiment.nodes()}
