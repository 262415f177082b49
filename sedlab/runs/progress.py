"""How far the nodes at work are: small files in the run folder, written by the stage, read by who shows them."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sedlab.errors import SedlabError
from sedlab.files import read_json, write_json, write_text
from sedlab.progress import Progress, format_seconds

FOLDER = "progress"
#: A file is rewritten at most this often; the last call of a stage is always written.
EVERY_SECONDS = 0.5


class NodeProgress(BaseModel):
    """State of one node at one time."""

    what: str
    done: int
    total: int
    time: float
    """Unix time of the call."""
    doing: str = ""
    """Of a training: "training", "validating", "finished" or "stopped"."""
    epoch: int | None = None
    """From 1."""
    epochs: int | None = None
    seconds_left: float | None = None
    steps_per_second: float | None = None
    clips_per_second: float | None = None

    @property
    def speed(self) -> str:
        """How long it will take and how fast it is, as far as that is known, such as "57 s left, 3.1 steps/s"."""
        parts = []
        if self.seconds_left is not None and self.doing in ("training", "validating") and self.done < self.total:
            parts.append(f"{format_seconds(self.seconds_left)} left")
        for rate, unit in ((self.steps_per_second, "steps/s"), (self.clips_per_second, "clips/s")):
            if rate:
                parts.append(f"{rate:.3g} {unit}" if rate < 1000 else f"{rate:.0f} {unit}")
        return ", ".join(parts)

    def __str__(self) -> str:
        validating = "validating" if self.doing == "validating" else ""
        place = f"{self.what} {self.done} of {self.total}" if self.total else self.what
        return ", ".join(filter(None, (place, validating, self.speed)))


class CellLine:
    """One line below the cell of a notebook, written anew each time; outside a notebook nothing is shown."""

    def __init__(self) -> None:
        self._line: Any = None

    def show(self, text: str) -> None:
        """Put ``text`` in the place of what was there."""
        if _notebook_shell() is None:
            return
        from IPython.display import display

        bundle = {"text/plain": text}
        if self._line is None:
            self._line = display(bundle, raw=True, display_id=True)
        else:
            self._line.update(bundle, raw=True)


def cell_progress() -> Progress:
    """Return a callback that shows in one line below a notebook's cell how far its work is."""
    line, last = CellLine(), [0.0]

    def show(done: float, total: float, what: str) -> None:
        now = time.time()
        if now - last[0] >= EVERY_SECONDS or done >= total:
            last[0] = now
            line.show(f"{what}: {done:g} of {total:g}")

    return show


class ProgressFile:
    """A progress callback ``(done, total, what)`` that keeps `progress/<node>.json` up to date.

    In a notebook it also shows one line below the cell.
    """

    def __init__(self, run_folder: Path, node: str) -> None:
        self._path = run_folder / FOLDER / f"{node}.json"
        self._written = 0.0
        self._line = CellLine()

    def __call__(self, done: int, total: int, what: str) -> None:
        """Record that ``done`` of ``total`` units of ``what`` are finished."""
        now = time.time()
        if now - self._written < EVERY_SECONDS and done < total:
            return
        self._written = now
        write_json(self._path, NodeProgress(what=what, done=int(done), total=int(total), time=now))
        self._line.show(f"{what}: {done} of {total}")

    def named(self, what: str) -> Progress:
        """Return a callback for who does not say, or not well, what is counted."""
        return lambda done, total, _: self(done, total, what)


def read_progress(run_folder: Path) -> dict[str, NodeProgress]:
    """Return the last state of every node that has reported one."""
    found = {}
    for path in (run_folder / FOLDER).glob("*.json"):
        # Only a picture of the state: a file that vanishes or comes from elsewhere is not shown.
        with suppress(SedlabError):
            found[path.stem] = read_json(path, NodeProgress, "")
    return found


def forget_progress(run_folder: Path, node: str) -> None:
    """Remove what a node reported in an earlier run."""
    for path in (run_folder / FOLDER / f"{node}.json", rows_file(run_folder, node), stop_file(run_folder, node)):
        path.unlink(missing_ok=True)


def write_progress(run_folder: Path, node: str, state: NodeProgress) -> None:
    """Tell how far a node is."""
    write_json(run_folder / FOLDER / f"{node}.json", state)


def rows_file(run_folder: Path, node: str) -> Path:
    """Return the file that the rows of a training's history are added to, see `sedlab.runs.live.rows`."""
    return run_folder / FOLDER / f"{node}.rows.jsonl"


def stop_file(run_folder: Path, node: str) -> Path:
    """Return the file that asks a training to stop after a step; it can go on from there later."""
    return run_folder / FOLDER / f"{node}.stop"


def request_stop(run_folder: Path, node: str) -> None:
    """Ask a training to stop after the step it is at."""
    write_text(stop_file(run_folder, node), "")


def _notebook_shell() -> Any:
    if "ipykernel" not in sys.modules:
        return None
    from IPython import get_ipython

    return get_ipython()
