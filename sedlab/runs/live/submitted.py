"""Which jobs of a run were handed to a SLURM cluster: notes in the run folder, kept for whoever looks next.

SLURM knows which jobs it has by a name that follows from the run's folder; the notes say the rest. So the next `sedlab
run`, from another login node too, finds jobs of one that was killed in the middle of handing one over.
"""

from __future__ import annotations

import hashlib
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from sedlab.errors import SedlabError
from sedlab.files import write_json
from sedlab.system.slurm import has_slurm, states_of

_FOLDER = ".slurm"
#: So long an answer of SLURM is good for who watches, whatever is handed over or ends meanwhile.
_NEWS_SECONDS = 2.0
_Model = TypeVar("_Model", bound=BaseModel)


class Submitted(BaseModel):
    """A job that was handed over."""

    job: str
    """SLURM's number."""
    steps: int = 0
    """How many steps of its training were done then."""
    times: int = 1
    """How often the node was handed over since somebody asked for it."""
    settings: str = ""
    """Digest of the configuration it was handed over with."""


class Ended(BaseModel):
    """What a job says of its own end."""

    job: str
    code: int
    """0: complete; `AGAIN`: it wants to go on, and could not put itself into the queue."""


#: As EX_TEMPFAIL of sysexits.h.
AGAIN = 75


class Queued(BaseModel):
    """A job that waits or runs on the cluster."""

    job: str
    state: str
    """As squeue says it: PENDING, RUNNING, ..."""
    reason: str
    """Why it waits."""

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason not in ("", "None") else ""
        return f"SLURM job {self.job}, {self.state.lower()}{why}"


def slurm_name(folder: Path) -> str:
    """Return the name that all jobs of this run folder have in SLURM's queue."""
    folder = folder.resolve()
    plain = re.sub(r"[^A-Za-z0-9]+", "-", folder.name)[:30].strip("-")
    return f"sedlab-{plain or 'run'}-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def queued_jobs(folder: Path) -> dict[str, Queued]:
    """Return the nodes of a run whose jobs wait or run on the cluster; none where no job was ever handed over.

    Raises
    ------
    SedlabError
        When SLURM gives no answer and a job may be at work. Where its commands are not, as on a laptop, none can be.
    """
    if not (folder / _FOLDER).is_dir() or not has_slurm():
        return {}
    try:
        found = states_of([slurm_name(folder)])
    except SedlabError:
        # Its commands may be here without the cluster, in a copy of the run.
        if _all_have_ended(folder):
            return {}
        raise
    return {node: Queued(job=job, state=state, reason=reason) for job, (state, reason, node) in found.items()}


def _all_have_ended(folder: Path) -> bool:
    for path in (folder / _FOLDER).glob("*.json"):
        record, ended = _read(path, Submitted), ended_job(folder, path.stem)
        if record is None or ended is None or ended.job != record.job:
            return False
    return True


class Queue:
    """A run's jobs on the cluster for who watches: SLURM is asked now and then, and not at all where there is none.

    It is asked at once when a job was handed over or has ended, of which notes in the run folder tell.
    """

    def __init__(self, folder: Path, *, every_seconds: float = 30.0) -> None:
        self._folder, self._every = folder, every_seconds
        self._asked_at = float("-inf")
        self._notes: dict[str, int] = {}
        self._jobs: dict[str, Queued] = {}

    @property
    def jobs(self) -> dict[str, Queued]:
        """As `queued_jobs`, not older than the time between two questions; the old answer while there is no new one."""
        age, notes = time.monotonic() - self._asked_at, _notes(self._folder)
        if age >= self._every or (notes != self._notes and age >= _NEWS_SECONDS):
            self._asked_at, self._notes = time.monotonic(), notes
            with suppress(SedlabError):
                self._jobs = queued_jobs(self._folder)
        return self._jobs


def _notes(folder: Path) -> dict[str, int]:
    """Return when each note of a run's jobs was written."""
    with suppress(OSError):
        return {path.name: path.stat().st_mtime_ns for path in (folder / _FOLDER).iterdir()}
    return {}


def record_of(folder: Path, node: str) -> Submitted | None:
    """Return the note about a node's job; None: there is none that can be read."""
    return _read(folder / _FOLDER / f"{node}.json", Submitted)


def write_record(folder: Path, node: str, record: Submitted) -> None:
    """Note that a node's job was handed over."""
    write_json(folder / _FOLDER / f"{node}.json", record)


def ended_job(folder: Path, node: str) -> Ended | None:
    """Return what a node's job said at its end; None: it has not."""
    with suppress(OSError):
        # A folder that is opened is asked for anew on network file systems; a name in it would be remembered.
        if f"{node}.ended" in {path.name for path in (folder / _FOLDER).iterdir()}:
            return _read(folder / _FOLDER / f"{node}.ended", Ended)
    return None


def write_end(folder: Path, node: str, end: Ended) -> None:
    """Say that a node's job ends."""
    write_json(folder / _FOLDER / f"{node}.ended", end)


def prepare_records(folder: Path, node: str = "") -> None:
    """Make the folder of the notes, and forget how an earlier job of a node ended."""
    (folder / _FOLDER).mkdir(parents=True, exist_ok=True)
    if node:
        (folder / _FOLDER / f"{node}.ended").unlink(missing_ok=True)


def _read(path: Path, model: type[_Model]) -> _Model | None:
    try:
        return model.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError, SedlabError):
        return None


def steps_saved(folder: Path) -> int:
    """Return how many steps of a training are in the checkpoint that it goes on from: the rows of its history."""
    try:
        with (folder / "history.csv").open("rb") as file:
            return max(0, sum(1 for _ in file) - 1)
    except OSError:
        return 0
