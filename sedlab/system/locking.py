"""Locks on files, and who holds them.

They are the operating system's (flock): however a process ends, its locks end with it, so no lock is ever stale. Some
network file systems have none. There the note that each holder leaves in the file stands in for the lock.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ValidationError

from sedlab.errors import SedlabError, warn_once
from sedlab.system.slurm import life_has_ended, slurm_life

try:
    import fcntl
except ImportError:  # a system without them at all
    fcntl = None  # type: ignore[assignment]

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)
#: Environment variable: a process has said so; the jobs of a run need not say it again.
_TOLD = "SEDLAB_TOLD_OF_LOCKS"
#: Processes that a killed one has started hold its lock until they notice.
_LINGER_SECONDS = 15.0
_POLL_SECONDS = 0.2


class Holder(BaseModel):
    """Who holds a lock; number 0: somebody who left no note (yet, or no longer)."""

    pid: int
    started: float
    """Unix time; tells the process from a later one with the same number."""
    host: str
    since: str
    """Local date and time."""
    slurm_job: str = ""
    """The number of the SLURM job that it belongs to, with that of its restart; empty: to none."""

    def __str__(self) -> str:
        job = f"SLURM job {self.slurm_job.partition('.')[0]}, " if self.slurm_job else ""
        return f"{job}process {self.pid}, on {self.host} since {self.since}"

    @property
    def has_ended(self) -> bool:
        """Whether that is certain; of a process on another machine only SLURM can tell, of one of its jobs."""
        if self.pid == 0:
            return True
        if self.host == socket.gethostname():
            return not is_alive(self.pid, self.started)
        return bool(self.slurm_job) and life_has_ended(self.slurm_job)

    @classmethod
    def this(cls) -> Holder:
        """Return this process, from now on."""
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        return cls(
            pid=os.getpid(), started=start_time(), host=socket.gethostname(), since=since, slurm_job=slurm_life()
        )


class Held(Exception):
    """Somebody else has the lock."""

    def __init__(self, holder: Holder, path: Path) -> None:
        self.holder = holder
        super().__init__(str(holder))
        #: The end of a message: what to do about a holder that nobody here can ask whether it is still there.
        self.remedy = "" if holder.host == socket.gethostname() else f" If that one has ended, delete {path}."


def take(file: IO, *, wait: bool = False) -> bool:
    """Take the exclusive lock of an open file; return False, with one warning, where its file system has none.

    Raises
    ------
    BlockingIOError
        When another process has it, unless told to ``wait`` for it.
    """
    try:
        if fcntl is None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        folder = Path(file.name).absolute().parent
        if _TOLD not in os.environ:
            warn_once(f"{folder}: no locks on this file system ({error.strerror}). Use it from one machine at a time.")
            os.environ[_TOLD] = "1"
        return False
    return True


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of a file, which says meanwhile who does; raise `Held` when somebody else has it."""
    with _opened(path) as file:
        deadline = time.monotonic() + _LINGER_SECONDS
        while (holder := _other_holder(file)) is not None:
            if time.monotonic() > deadline or not holder.has_ended:
                raise Held(holder, path)
            time.sleep(_POLL_SECONDS)
        file.truncate(0)
        file.write(Holder.this().model_dump_json())
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
            release(file)


def release(file: IO) -> None:
    """Give a lock back, also for processes forked meanwhile, which would keep it."""
    with suppress(OSError, AttributeError):
        fcntl.flock(file, fcntl.LOCK_UN)


def holder_of(path: Path) -> Holder | None:
    """Return who holds the lock of a file, None when nobody does."""
    if not path.is_file():
        return None
    with _opened(path) as file:
        holder = _other_holder(file)
        return None if holder is None or holder.has_ended else holder


def start_time() -> float:
    """Return when this process was started, Unix time."""
    import psutil

    return psutil.Process().create_time()


def is_alive(pid: int, started: float) -> bool:
    """Return whether the process of this number that was started then (Unix time) still works here."""
    import psutil

    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # For reading and writing: locks of NFS ask for both.
        return path.open("a+", encoding="utf-8", errors="replace")
    except OSError as error:
        remedy = "Move it away" if path.exists() and not path.is_file() else "Work in a folder that you may write to"
        raise SedlabError(f"{path}: cannot be opened for writing ({error.strerror}). {remedy}.") from error


def _other_holder(file: IO[str]) -> Holder | None:
    """Take the lock and return None, or return who has it; without locks, who was last to leave a note."""
    has_locks, is_free = True, True
    try:
        has_locks = take(file)
    except BlockingIOError:
        is_free = False
    if has_locks and is_free:
        return None
    file.seek(0)
    note = None
    with suppress(ValidationError):
        note = Holder.model_validate_json(file.read(10_000))
    if is_free and (note is None or note.has_ended):
        return None
    return note or Holder(pid=0, started=0.0, host="an unknown machine", since="an unknown time")
