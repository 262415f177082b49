"""What a person reads below a cell while the jobs that its stage needs are run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from sedlab.pipeline.running.display import Display
from sedlab.pipeline.steps.estimate import told_seconds
from sedlab.runs.progress import CellLine, read_progress
from sedlab.system.frontend import person_present

#: Nobody looks on more often.
_EVERY_SECONDS = 1.0


class CellDisplay(Display):
    """A line for each job that ends; for a person also one, replaced again and again, of what is at work."""

    def __init__(self, run_folder: Path) -> None:
        self._folder, self._total, self._done = run_folder, 0, 0
        self._working: list[str] = []
        self._begin = time.time()
        self._shown_at = 0.0
        self._line = CellLine()

    def shared(self, jobs: Mapping[str, Sequence[str]]) -> None:
        for donor, names in jobs.items():
            _say(f"taken from runs/{donor}: {', '.join(names)}")

    def planned(self, jobs: int) -> None:
        self._total = jobs

    def started(self, name: str) -> None:
        self._working.append(name)

    def finished(self, name: str, seconds: float) -> None:
        self._end(name, f"{name}  {seconds:.0f} s")

    def failed(self, name: str, message: str) -> None:
        self._end(name, f"{name} failed: {message}")

    def tick(self) -> None:
        now = time.time()
        if now - self._shown_at < _EVERY_SECONDS or not person_present():
            return
        self._shown_at = now
        states = read_progress(self._folder)
        told = []
        for name in self._working:
            state = states.get(name)
            told.append(f"{name}: {state if state is not None and state.time >= self._begin else 'starting'}")
        self._line.show("at work: " + "; ".join(told) if told else "")

    def close(self) -> None:
        """Replace the line of what is at work by how long it all took."""
        if self._shown_at:
            self._line.show(f"done in {told_seconds(time.time() - self._begin)}")

    def _end(self, name: str, line: str) -> None:
        self._done += 1
        self._working.remove(name)
        _say(f"[{self._done}/{self._total}] {line}")


def _say(line: str) -> None:
    print(line, flush=True)
