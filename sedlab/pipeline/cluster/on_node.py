"""A job on a node of the cluster: it goes on in a next life when its time ends, and says at its end how it went.

SLURM sends SIGUSR1 a while before the time limit (``sbatch --signal``). A training then writes its checkpoint, and the
job puts itself back into the queue, so that nobody has to be there for it to go on. Other jobs take no notice: they
cannot stop half-way. SIGTERM is sent to all processes of a job that has to give way to another one or was cancelled,
some seconds before they are killed (KillWait, GraceTime); a training uses them for its checkpoint.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from sedlab.errors import SedlabError
from sedlab.pipeline.graph import Job
from sedlab.runs.live.submitted import AGAIN, Ended, ended_job, prepare_records, steps_saved, write_end
from sedlab.runs.locks import require_idle
from sedlab.runs.progress import request_stop, stop_file
from sedlab.runs.run import Run
from sedlab.system.slurm import refusal, slurm_job

_TRAININGS = ("pretrain", "stage1", "stage2")
#: Locks on a network file system may outlive a process on another node for a while.
_LINGER_SECONDS = 120.0
#: Share of the time that is left, after which a training is interrupted that has not stopped by itself.
_PATIENCE = 0.6


class Life:
    """One life of a job: from its start on a node to its end, or to the next.

    Parameters
    ----------
    signal_seconds : int
        So long before its time limit it is told.
    """

    def __init__(self, signal_seconds: int) -> None:
        self._is_ending, self._over = threading.Event(), threading.Event()
        self._signal_seconds, self._stopped_by_slurm = signal_seconds, False
        self._state: Path | None = None
        self._begun_at = 0
        signal.signal(signal.SIGUSR1, self._note_limit)
        signal.signal(signal.SIGTERM, self._note_end)

    def begin(self, run: Run, job: Job) -> bool:
        """Wait until what an earlier life has left is gone, and be ready for the end of the time.

        Returns
        -------
        bool
            Whether there is anything to do: a life that SLURM gave up, on a node it lost sight of, may have done it.
        """
        deadline = time.monotonic() + _LINGER_SECONDS
        while True:
            try:
                require_idle(run.path, job.name)
                break
            except SedlabError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1.0)
        before = ended_job(run.path, job.name)
        if before == Ended(job=slurm_job(), code=0) and (run.path / job.manifest).is_file():
            print("complete: an earlier life of this job has done it", flush=True)
            return False
        if job.kind in _TRAININGS:
            self._state = (run.path / job.manifest).parent
            self._begun_at = steps_saved(self._state)
            threading.Thread(target=self._stop_in_time, args=(run.path, job.name), daemon=True).start()
        return True

    def end(self, folder: Path, node: str, code: int) -> int:
        """Say how the job went, or put it back into the queue, which ends this process; return the exit status."""
        self._over.set()
        stop_file(folder, node).unlink(missing_ok=True)
        prepare_records(folder, node)
        write_end(folder, node, Ended(job=slurm_job(), code=code))
        return code

    def goes_on(self, folder: Path, node: str, problem: str) -> str:
        """Put a training that was stopped by its time limit back into the queue, which ends this process.

        Returns
        -------
        str
            Why that was not done, a line; ``problem`` itself when the time limit is not what stopped it.

        Raises
        ------
        KeyboardInterrupt
            When SLURM ends the job: it knows whether the job comes back, and says so.
        """
        if self._stopped_by_slurm:
            raise KeyboardInterrupt
        if not self._is_ending.is_set() or self._state is None:
            return problem
        self._over.set()
        steps = steps_saved(self._state)
        if steps == self._begun_at:
            return (
                f"{node}: the time limit came before a step beyond step {steps} was saved; its next life would get no "
                "further. Raise hours in the profile."
            )
        print(f"time limit: saved after step {steps}, back into the queue", flush=True)
        # What puts it back ends this process by the same signals that end a job for good.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        stop_file(folder, node).unlink(missing_ok=True)
        refused = _put_back()
        while not refused:
            time.sleep(60.0)  # SLURM ends this process, at the latest when KillWait of its configuration says so
        print(f"not put back by SLURM ({refused}): the next `sedlab run` goes on", flush=True)
        self.end(folder, node, AGAIN)
        sys.stdout.flush()
        os._exit(AGAIN)

    def _note_limit(self, *_: object) -> None:
        self._is_ending.set()

    def _note_end(self, *_: object) -> None:
        if self._stopped_by_slurm or self._state is None:
            self._stopped_by_slurm = True
            raise KeyboardInterrupt
        self._stopped_by_slurm = True
        self._is_ending.set()

    def _stop_in_time(self, folder: Path, node: str) -> None:
        self._is_ending.wait()
        why = "SLURM ends the job" if self._stopped_by_slurm else "time limit"
        print(f"{why}: the training is asked to save its checkpoint and to stop", flush=True)
        asked_at, interrupted = time.monotonic(), False
        # Again and again: a training that is only beginning forgets what was asked before.
        while not self._over.wait(1.0):
            request_stop(folder, node)
            # A validation looks for no wish; an interrupt ends it at once.
            if not interrupted and time.monotonic() - asked_at > _PATIENCE * self._signal_seconds:
                interrupted = True
                _interrupt_children()


def _put_back() -> str:
    """Put this process's job back into the queue; return why that is refused, empty: it is not."""
    try:
        done = subprocess.run(["scontrol", "requeue", slurm_job()], capture_output=True, text=True)
    except OSError as error:  # not on the path of this node
        return f"scontrol: {error.strerror}"
    return refusal(done.stderr) if done.returncode else ""


def _interrupt_children() -> None:
    import psutil

    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            child.send_signal(signal.SIGINT)
