"""Who may work in a run folder and on a node, and how a process learns that the one that started it has died."""

from __future__ import annotations

import os
import shlex
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sedlab.errors import SedlabError
from sedlab.system.locking import Held, Holder, held, holder_of, is_alive, start_time

#: Environment variable that names the `sedlab run` process a job belongs to, as "pid:start time".
RUN_PROCESS = "SEDLAB_RUN_PROCESS"
_RUN = ".run.lock"
_NODES = ".locks"


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Be the only `sedlab run` in this run folder.

    Raises
    ------
    SedlabError
        When another one is working there.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(held(folder / _RUN))
        except Held as error:
            raise _refusal(folder, "another `sedlab run` works here", "choose another --name", error) from None
        yield


@contextmanager
def node_lock(folder: Path, node: str) -> Iterator[None]:
    """Be the only process that works on this node of the run, be it a job, JupyterLab or Papermill.

    Raises
    ------
    SedlabError
        When another one does: two would write the same checkpoints.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(held(_node_file(folder, node)))
        except Held as error:
            raise _busy(folder, node, error) from None
        yield


def require_idle(folder: Path, node: str) -> None:
    """Raise the error of `node_lock` if another process works on this node."""
    path = _node_file(folder, node)
    holder = holder_of(path)
    if holder is not None:
        raise _busy(folder, node, Held(holder, path))


def nodes_at_work(folder: Path) -> dict[str, Holder]:
    """Return which nodes of a run are at work, and who works on each."""
    found = {path.stem: holder_of(path) for path in sorted((folder / _NODES).glob("*.lock"))}
    return {node: holder for node, holder in found.items() if holder is not None}


def is_running(folder: Path) -> bool:
    """Return whether a `sedlab run` or a single stage works in this run folder."""
    return holder_of(folder / _RUN) is not None or bool(nodes_at_work(folder))


def wait_until_idle(folder: Path, seconds: float = 30.0, *, but: Collection[str] = ()) -> None:
    """Wait until no stage is at work in this folder: those of a killed run need a moment to notice.

    Nodes that are in the hands of others, ``but`` for which that holds, are not waited for.

    Raises
    ------
    SedlabError
        When one still is after ``seconds``, for instance a stage notebook open in JupyterLab.
    """
    deadline = time.monotonic() + seconds
    while busy := nodes_at_work(folder).keys() - set(but):
        if time.monotonic() > deadline:
            require_idle(folder, next(iter(busy)))
        time.sleep(0.2)


def this_process() -> str:
    """Return what to put into `RUN_PROCESS` for children of this process."""
    return f"{os.getpid()}:{start_time()}"


def when_run_ends(action: Callable[[], None], *, every_seconds: float = 1.0) -> None:
    """Call ``action`` from a thread once the `sedlab run` named in the environment is gone, if one is."""
    name = os.environ.get(RUN_PROCESS)
    if name is None:
        return
    pid, _, started = name.partition(":")

    def watch() -> None:
        while is_alive(int(pid), float(started)):
            time.sleep(every_seconds)
        action()

    threading.Thread(target=watch, name="watch sedlab run", daemon=True).start()


def _node_file(folder: Path, node: str) -> Path:
    return folder / _NODES / f"{node}.lock"


def _busy(folder: Path, node: str, held: Held) -> SedlabError:
    return _refusal(folder, f"{node} is at work already", "shut its kernel down if it is an open notebook", held)


def _refusal(folder: Path, problem: str, remedy: str, held: Held) -> SedlabError:
    watching = f"Wait for it, watch it with: sedlab watch {shlex.quote(str(folder))}, or {remedy}."
    return SedlabError(f"{folder}: {problem} ({held.holder}). {watching}{held.remedy}")
