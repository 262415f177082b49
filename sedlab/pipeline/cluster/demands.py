"""What each job asks the cluster for: what its profile says, else what follows from the experiment.

Wall times of trainings of the published size follow from their steps and the speed that was measured once on an H100,
with a factor for slower cards and for validations. Those of smaller networks, and of all other jobs, are generous
guesses. A training that reaches its limit goes on from its checkpoint, so a guess that is short costs a while in the
queue and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import BaseModel

from sedlab.pipeline.cluster.facts import Cluster, Partition
from sedlab.pipeline.cluster.profile import ClusterProfile
from sedlab.pipeline.graph import Job
from sedlab.pipeline.training_cost import TrainingCost

#: Clips a second of (stage, transformer), iteration 2, on an H100 80GB: docs/gpu-and-clusters.md, 2026-11-26.
MEASURED_CLIPS = {
    ("stage1", "passt"): 513,
    ("stage1", "atst"): 714,
    ("stage1", "beats"): 207,
    ("stage2", "passt"): 295,
    ("stage2", "atst"): 344,
    ("stage2", "beats"): 102,
    # Not measured: as stage 2, which trains the same transformer, and has a teacher besides.
    ("pretrain", "passt"): 295,
    ("pretrain", "atst"): 344,
    ("pretrain", "beats"): 102,
}
#: Assumed: the time that an older card and the validations take, over that of the H100's steps alone.
SLOWER = 4.0
#: Assumed; most clusters let a job run so long.
MOST_HOURS = 48
#: Guesses for what is not computed: (hours, GB) of a kind of job for small networks, and for the published ones.
_SMALL = {"data": (2, 4), "pretrain": (4, 6), "stage1": (4, 6), "stage2": (4, 6), "scores": (1, 4)}
_LARGE = {"data": (12, 16), "pretrain": (48, 32), "stage1": (48, 32), "stage2": (48, 32), "scores": (4, 24)}
_OTHER = {False: (1, 4), True: (4, 16)}
_TRAININGS = ("pretrain", "stage1", "stage2")


class Demand(BaseModel):
    """What one job asks for."""

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    gpus: int = 0
    gpu: str | None = None
    memory: int
    """MB."""
    minutes: int
    cpus: int
    extra: tuple[str, ...] = ()
    signal_seconds: int
    """So long before the limit it is told."""
    basis: str = ""
    """Where its hours are from."""

    @property
    def gres(self) -> str:
        """The cards as sbatch takes them, such as "gpu:a100:1"; empty: none."""
        return ":".join(["gpu", *filter(None, (self.gpu,)), str(self.gpus)]) if self.gpus else ""

    def __str__(self) -> str:
        cards = f"{self.gpus} x {self.gpu or 'GPU'}" if self.gpus else ""
        cores, memory = f"{self.cpus} {'core' if self.cpus == 1 else 'cores'}", f"{self.memory / 1e3:g} GB"
        where = f"partition {self.partition}" if self.partition else ""
        others = [f"{name} {value}" for name in ("account", "qos", "constraint") if (value := getattr(self, name))]
        return ", ".join(filter(None, (cards, cores, memory, self.hours, where, *others, *self.extra)))

    @property
    def hours(self) -> str:
        """The wall time in words."""
        return f"{self.minutes / 60:g} h" if self.minutes % 60 == 0 else f"{self.minutes} min"


def is_training(job: Job) -> bool:
    """Return whether a job goes on where it was stopped."""
    return job.kind in _TRAININGS


def demand_of(
    job: Job,
    profile: ClusterProfile,
    where: str,
    cluster: Cluster,
    costs: Mapping[str, TrainingCost],
    *,
    workers: int = 0,
) -> Demand:
    """Return what a job asks for.

    Parameters
    ----------
    where : str
        The profile's file, for errors.
    costs : mapping
        Of the trainings whose clips are counted, by their names.
    workers : int
        Threads that load data beside it.

    Raises
    ------
    SedlabError
        When the profile names a partition that the cluster does not have.
    """

    def wish(name: str) -> object:
        return profile.wish(job.kind, name)

    partition = cluster.partition(wish("partition"), where)
    gpus = _gpus(job, wish("gpus"), wish("gpu"), partition, cluster)
    large = any(cost.gpu_bytes for cost in costs.values())
    minutes, basis = _minutes(job, wish("hours"), where, costs, partition, large=large)
    memory = wish("memory") or 1000 * _guess(job, large)[1] * (max(1, gpus) if is_training(job) else 1)
    return Demand(
        partition=wish("partition"),
        account=wish("account"),
        qos=wish("qos"),
        constraint=wish("constraint"),
        gpus=gpus,
        gpu=wish("gpu"),
        memory=memory,
        minutes=minutes,
        cpus=wish("cpus") or job.threads + workers * max(1, gpus),
        extra=wish("extra"),
        signal_seconds=min(profile.signal_seconds, 30 * minutes),
        basis=basis,
    )


def _gpus(job: Job, wished: int | None, kind: str | None, partition: Partition | None, cluster: Cluster) -> int:
    if not job.gpus:
        return 0
    if wished is not None:
        return wished
    there = partition.has_cards if partition else any(one.has_cards for one in cluster.partitions)
    # A kind of card that is asked for and not there is for SLURM to refuse.
    return (1 if job.gpus == "auto" else job.gpus) if there or kind else 0


def _minutes(
    job: Job,
    wished: float | None,
    where: str,
    costs: Mapping[str, TrainingCost],
    partition: Partition | None,
    *,
    large: bool,
) -> tuple[int, str]:
    if wished is not None:
        return max(1, round(60 * wished)), where
    cost = costs.get(job.name)
    if cost is not None and cost.gpu_bytes:
        clips = cost.steps * cost.accumulation * cost.batch_clips
        speed = MEASURED_CLIPS[job.kind, str(job.parameters["arch"])]
        hours = math.ceil(SLOWER * clips / speed / 3600)
        basis = f"{clips:,} clips, {speed} a second on an H100, times {SLOWER:g}"
    else:
        hours, basis = _guess(job, large)[0], "a guess"
    minutes = 60 * min(hours, MOST_HOURS)
    if partition and partition.minutes and partition.minutes < minutes:
        return partition.minutes, f"{basis}; at most {partition.minutes / 60:g} h in {partition.name}"
    return minutes, basis if hours <= MOST_HOURS else f"{basis}; at most {MOST_HOURS} h"


def _guess(job: Job, large: bool) -> tuple[int, int]:
    return (_LARGE if large else _SMALL).get(job.kind, _OTHER[large])
