"""Who may work in a run folder, and how a process learns that the one that started it has died.

Locks are the operating system's (flock): however a process ends, its locks end with it. So no lock is ever stale, and a
run that was killed can be continued at once.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sedlab.errors import SedlabError

#: Environment variable that names the `sedlab run` process a job belongs to, as "pid:start time".
RUN_PROCESS = "SEDLAB_RUN_PROCESS"


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Be the only `sedlab run` in this run folder.

    Raises
    ------
    SedlabError
        When another one is working there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".run.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise SedlabError(
                f"{folder}: another `sedlab run` (process {holder}) is working here. Wait for it, or choose another "
                "--name."
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextmanager
def working(folder: Path) -> Iterator[None]:
    """Mark that a stage is at work in this folder; any number may be."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".work.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def wait_until_idle(folder: Path, seconds: float = 30.0) -> None:
    """Wait until no stage is at work in this folder: those of a killed run need a moment to notice.

    Raises
    ------
    SedlabError
        When one still is after ``seconds``, for instance a stage notebook open in JupyterLab.
    """
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    with (folder / ".work.lock").open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise SedlabError(
                        f"{folder}: a stage of this run is still at work, perhaps in an open notebook. "
                        "Wait for it or shut its kernel down."
                    ) from error
                time.sleep(0.2)


def this_process() -> str:
    """Return what to put into `RUN_PROCESS` for children of this process."""
    import psutil

    return f"{os.getpid()}:{psutil.Process().create_time()}"


def when_run_ends(action: Callable[[], None], *, every_seconds: float = 1.0) -> None:
    """Call ``action`` from a thread once the `sedlab run` named in the environment is gone, if one is."""
    name = os.environ.get(RUN_PROCESS)
    if name is None:
        return
    pid, _, started = name.partition(":")

    def watch() -> None:
        while _alive(int(pid), float(started)):
            time.sleep(every_seconds)
        action()

    threading.Thread(target=watch, name="watch sedlab run", daemon=True).start()


def _alive(pid: int, started: float) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        # The start time tells the process from a later one with the same number.
        return abs(process.create_time() - started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
