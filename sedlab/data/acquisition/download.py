"""Get what was published of a corpus and put it where readers expect it: some files at once, each whole or not."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sedlab.data.acquisition.planning import DownloadPlan, FileTask
from sedlab.data.acquisition.store import came, fetch, record_path, recorded
from sedlab.data.acquisition.unpacking import RESERVE_BYTES, Unpacked, unpack
from sedlab.data.corpora.layout import EXCLUDE_FOLDER
from sedlab.download import Patience
from sedlab.errors import SedlabError
from sedlab.files import file_md5, write_json
from sedlab.progress import Progress, no_progress
from sedlab.system.locking import Held, held

#: Files that come at the same time: more would be rude to the servers, and slower on one disk.
AT_ONCE = 3


@dataclass(frozen=True)
class FileOutcome:
    """What became of a job."""

    job: FileTask
    unpacked: Unpacked | None = None
    error: str = ""
    warnings: tuple[str, ...] = ()


def carry_out(
    plan: DownloadPlan,
    *,
    at_once: int = AT_ONCE,
    patience: Patience | None = None,
    reserve_bytes: int = RESERVE_BYTES,
    progress: Progress = no_progress,
) -> Iterator[FileOutcome]:
    """Download and unpack what is planned, some files at once; yield each as it is done. A failure stops no other.

    Raises
    ------
    SedlabError
        When another process downloads the same corpus.
    """
    options = {"patience": patience, "reserve_bytes": reserve_bytes}
    stop = threading.Event()

    def told(done: float, total: float, what: str) -> None:
        if stop.is_set():
            raise _Stopped
        progress(done, total, what)

    def work(job: FileTask) -> FileOutcome:
        try:
            return _one(plan, job, told, **options)
        except SedlabError as error:
            return FileOutcome(job, error=str(error))

    with _alone(plan.folder):
        try:
            yield from _in_threads(plan.jobs, work, at_once, stop)
        finally:
            stop.set()


def _one(
    plan: DownloadPlan, job: FileTask, progress: Progress, *, patience: Patience | None, reserve_bytes: int
) -> FileOutcome:
    source = job.source
    if source is None:
        fetch(job.wanted, plan.folder, patience=patience, progress=progress)
        source = plan.folder / job.file.file
    note = unpack(source, plan.root, plan.folder, job.file, reserve_bytes=reserve_bytes, progress=progress)
    warnings = [
        f"{plan.root / name}: stays as it is, though the published table is another one. To have that, move it away "
        f"and run this again."
        for name in note.kept
    ]
    if job.file.to == EXCLUDE_FOLDER and not note.kept:
        target = plan.root / job.file.target
        # The list says where it is from: a substitute made here says so too.
        record = came(source) if job.wanted else recorded(source, source.absolute().as_uri())
        write_json(record_path(target), record)
    warnings += _other_tables(plan.root, job, note)
    return FileOutcome(job, note, warnings=tuple(warnings))


def _other_tables(root: Path, job: FileTask, note: Unpacked) -> list[str]:
    """Say which tables are not those that published results were computed with."""
    others = []
    for name in note.tables:
        expected, path = job.record.md5.get(name), root / name
        if expected is None or name in note.kept:
            continue
        found = file_md5(path)
        if found != expected:
            others.append(
                f"{path}: its MD5 is {found}, that of the table behind published results {expected}. Scores may not be "
                "comparable with those."
            )
    return others


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    try:
        with held(folder / ".lock"):
            yield
    except Held as error:
        raise SedlabError(
            f"{folder}: {error.holder} is downloading the same corpus. Wait for it.{error.remedy}"
        ) from error


class _Stopped(Exception):
    """Nobody waits for this work any more."""


def _in_threads(
    jobs: Sequence[FileTask], work: Callable[[FileTask], FileOutcome], number: int, stop: threading.Event
) -> Iterator[FileOutcome]:
    """Yield the results of ``work`` on each job as they come, until ``stop``.

    Ctrl-C need not wait for a server that has stopped answering: the threads end with the process, and nothing that
    they write is in its place before it is whole.
    """
    todo: queue.SimpleQueue[FileTask] = queue.SimpleQueue()
    done: queue.SimpleQueue[FileOutcome | BaseException] = queue.SimpleQueue()
    for job in jobs:
        todo.put(job)

    def run() -> None:
        with suppress(queue.Empty):
            while not stop.is_set():
                job = todo.get_nowait()
                try:
                    done.put(work(job))
                except BaseException as error:
                    done.put(error)

    for _ in range(min(number, len(jobs))):
        threading.Thread(target=run, daemon=True).start()
    for _ in jobs:
        result = done.get()
        if isinstance(result, BaseException):
            raise result
        yield result
