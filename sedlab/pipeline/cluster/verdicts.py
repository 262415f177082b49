"""What has become of a job: from what it said itself, what SLURM says, and how far its training has come.

A training that was ended from outside goes on in another job as long as its checkpoint moves on; one that does not get
further would do so for ever. What a person has cancelled stays cancelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sedlab.pipeline.cluster.tasks import ClusterJob
from sedlab.runs.live.submitted import AGAIN, Ended, Submitted
from sedlab.system.slurm import ENDED_STATES

#: How often a job whose node failed, or that had to give way, is handed over: something else may be wrong with it.
MOST_TIMES = 10
#: Not the job's fault.
_FROM_OUTSIDE = ("NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "REVOKED")


@dataclass(frozen=True)
class Verdict:
    """What is to be done about a job."""

    kind: Literal["waits", "done", "again", "failed"]
    line: str = ""
    """Why it failed, or goes on in another job; empty: it has said so itself."""


def verdict(
    task: ClusterJob, end: Ended | None, state: str, *, is_complete: bool, record: Submitted, steps: int
) -> Verdict:
    """Return what has become of a job.

    Parameters
    ----------
    end : Ended or None
        What it said at its end.
    state : str
        What SLURM says of it; empty: nothing.
    is_complete : bool
        Its outputs are there, its manifest among them.
    steps : int
        Of its training, done by now; ``record`` has those that were done when it was handed over.
    """
    state = state.split()[0] if state else ""  # sacct: "CANCELLED by 1000"
    if end is not None and end.code == 0:
        return Verdict("done")
    if end is None and state and state not in ENDED_STATES:
        return Verdict("waits")
    if end is None and is_complete and state in ("", "COMPLETED"):
        return Verdict("done")
    if state == "CANCELLED":
        return Verdict("failed", f"SLURM job {record.job} was cancelled.")
    job = f"SLURM job {record.job}"
    if end is not None and end.code != AGAIN:
        return Verdict("failed")
    if state in _FROM_OUTSIDE:
        if record.times >= MOST_TIMES:
            return Verdict(
                "failed", f"{job} ended with {state} for the {record.times}th time. Ask who runs the cluster."
            )
        return Verdict("again", f"{job} ended with {state}")
    if state == "OUT_OF_MEMORY":
        given = f"{task.demand.memory / 1e3:g} GB"
        return Verdict("failed", f"{job} ran out of memory, of which it had {given}. Raise memory in the profile.")
    moved = task.is_training and steps != record.steps
    if moved:
        return Verdict("again", f"{job} ended ({_how(state, end)}) after step {steps} of its training")
    if state in ("TIMEOUT", "DEADLINE") or end is not None:
        got = f"got no further than step {steps}" if task.is_training else "was not done"
        limit = f"{job} {got} in its {task.demand.hours}"
        return Verdict("failed", f"{limit}. Raise hours in the profile.")
    return Verdict(
        "failed", f"{job} ended without a word ({_how(state, end)}); what SLURM printed: {task.slurm_log(record.job)}."
    )


def _how(state: str, end: Ended | None) -> str:
    return state or ("time limit" if end is not None else "SLURM has forgotten it")
