"""SLURM's own commands: whether they are here, what they answer, and which job this process is.

Asked rarely: every question goes to one daemon that serves the whole cluster. Facts of SLURM: its manual pages of
squeue, scontrol, sinfo and sbatch.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence

from sedlab.errors import SedlabError

#: States after which a job does not run again (squeue, "JOB STATE CODES"); in all others it waits, runs, or will.
ENDED_STATES = frozenset(
    {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY"}
    | {"PREEMPTED", "REVOKED", "TIMEOUT"}
)
_SECONDS = 60.0
#: So long an answer about a job is taken for the present one by those who wait for its lock.
_FRESH_SECONDS = 5.0
_answers: dict[str, tuple[float, bool]] = {}


def slurm_job() -> str:
    """Return the number of the SLURM job that this process belongs to; empty: to none."""
    return os.environ.get("SLURM_JOB_ID", "")


def outlive_warning() -> None:
    """Let this process, if it belongs to a SLURM job, take no notice of SIGTERM.

    SLURM sends it to all processes of a job some seconds before their end; who started this one ends it in time.
    """
    if slurm_job():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def granted_cores(environment: Mapping[str, str] = os.environ) -> int | None:
    """Return how many cores SLURM gave this process's job on this machine; None: it is in none, or that is not said."""
    given = environment.get("SLURM_CPUS_ON_NODE", "") if environment.get("SLURM_JOB_ID") else ""
    return int(given) if given.isdigit() and int(given) else None


def has_slurm() -> bool:
    """Return whether SLURM's commands are on the path."""
    return all(shutil.which(command) for command in ("sbatch", "squeue", "scontrol"))


def ask(command: str, *arguments: str) -> str:
    """Return what one of SLURM's commands answers.

    Raises
    ------
    SedlabError
        When it is not on the path, refuses, or gives no answer.
    """
    if shutil.which(command) is None:
        raise SedlabError(
            f"{command}: not on the path. Run this on a login node of the cluster (or load its module), or leave out "
            "--slurm to run on this machine."
        )
    try:
        done = subprocess.run([command, *arguments], capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise SedlabError(f"{command}: no answer from SLURM in {_SECONDS:.0f} s. Try again later.") from None
    if done.returncode:
        raise SedlabError(f"{command}: {refusal(done.stderr)}. Try again later, or ask who runs the cluster.")
    return done.stdout


def refusal(stderr: str) -> str:
    """Return in one line what SLURM's commands said on stderr, without their own names before."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("Try ")]
    told = [line.partition(": error: ")[2] or line.partition(": fatal: ")[2] for line in lines]
    text = (next((line for line in reversed(told) if line), "") or (lines[-1] if lines else "no answer")).rstrip(".")
    return text.removeprefix("Batch job submission failed: ").removeprefix("sbatch: ")


def states_of(names: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """Return this user's jobs that have one of these names and have not ended: number -> (state, reason, comment).

    Raises
    ------
    SedlabError
        As `ask`.
    """
    names = ",".join(names)
    if not names:
        return {}
    text = ask("squeue", "--noheader", f"--user={os.getuid()}", f"--name={names}", "--format=%i|%T|%r|%k")
    rows = [line.split("|", 3) for line in text.splitlines() if line.count("|") >= 3]
    return {job: (state, reason, comment) for job, state, reason, comment in rows if state not in ENDED_STATES}


def slurm_life() -> str:
    """Return the number of this process's SLURM job and of its restart, "17.2"; empty: it belongs to none."""
    return f"{slurm_job()}.{os.environ.get('SLURM_RESTART_COUNT') or 0}" if slurm_job() else ""


def life_has_ended(life: str) -> bool:
    """Return whether it is certain that a life of a SLURM job, see `slurm_life`, is over."""
    if life == slurm_life():
        return False
    job = life.partition(".")[0]
    if job == slurm_job():
        return True  # SLURM lets a job begin again once nothing is left of its life before
    asked_at, _ = _answers.get(job, (float("-inf"), False))
    if time.monotonic() - asked_at >= _FRESH_SECONDS:
        # One question for all that are asked about again and again, as by who watches a run.
        others = [other for other, (_, ended) in list(_answers.items()) if not ended and other != job]
        answers = _which_have_ended([job, *others])
        _answers.update({one: (time.monotonic(), ended) for one, ended in answers.items()})
    return _answers[job][1]


def _which_have_ended(jobs: Sequence[str]) -> dict[str, bool]:
    """Return of each job whether it is certain that it has ended."""
    try:
        text = ask("squeue", "--noheader", f"--jobs={','.join(jobs)}", "--states=all", "--format=%i|%T")
    except SedlabError as error:
        if "Invalid job id" not in str(error):
            return dict.fromkeys(jobs, False)
        # That is what it says of one that ended a while ago, see MinJobAge of slurm.conf; among others it is left out.
        first, *others = jobs
        return {first: True} if not others else dict.fromkeys(others, False) | _which_have_ended([first])
    states = dict(line.strip().split("|", 1) for line in text.splitlines() if "|" in line)
    # One that waits again was ended before.
    return {job: states.get(job, "") in (*ENDED_STATES, "PENDING", "REQUEUED", "") for job in jobs}
