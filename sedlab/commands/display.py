"""What a person sees while an experiment runs: bars in a terminal, one line a job elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from sedlab.commands.output import format_seconds, say
from sedlab.errors import count_of
from sedlab.pipeline.running.display import Display
from sedlab.runs.progress import read_progress


class LineDisplay(Display):
    """One line for each job that ends; for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = 0
        self._done = 0

    def shared(self, jobs: Mapping[str, Sequence[str]]) -> None:
        """Say what need not be done."""
        for donor, names in jobs.items():
            say(self._console, f"{len(names)} taken from runs/{donor}: {', '.join(names)}")

    def planned(self, jobs: int) -> None:
        """Say how many jobs there are."""
        self._total = jobs
        say(self._console, f"{count_of(jobs, 'job')} to run")

    def finished(self, name: str, seconds: float) -> None:
        """Print the job and how long it took."""
        self._done += 1
        say(self._console, f"[{self._done}/{self._total}] {name}  {format_seconds(seconds)}")

    def failed(self, name: str, message: str) -> None:
        """Print the job and what went wrong."""
        say(self._console, f"[failed] {name}: {message}")

    def told(self, text: str) -> None:
        """Print it."""
        say(self._console, text)


class LiveDisplay(LineDisplay):
    """A bar for the whole run and one for each job at work; a context manager."""

    def __init__(self, console: Console, *run_folders: Path) -> None:
        super().__init__(console)
        # Of several runs, jobs are named with the folder of theirs before.
        several = len(run_folders) > 1
        self._folders = {f"{folder.name}/" if several else "": folder for folder in run_folders}
        self._begin = time.time()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[state]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._all: TaskID | None = None
        self._jobs: dict[str, TaskID] = {}

    def __enter__(self) -> LiveDisplay:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def planned(self, jobs: int) -> None:
        """Draw the bar of the whole run."""
        self._total = jobs
        self._all = self._progress.add_task("all jobs", total=jobs, state=f"0 of {jobs}")

    def started(self, name: str) -> None:
        """Draw a bar for the job."""
        self._jobs[name] = self._progress.add_task(name, total=None, state="starting")

    def finished(self, name: str, seconds: float) -> None:
        """Replace the job's bar by its line."""
        super().finished(name, seconds)
        self._close(name)
        if self._all is not None:
            self._progress.update(self._all, completed=self._done, state=f"{self._done} of {self._total}")

    def failed(self, name: str, message: str) -> None:
        """Replace the job's bar by what went wrong."""
        super().failed(name, message)
        self._close(name)

    def tick(self) -> None:
        """Bring the bars up to date with what the jobs report."""
        for prefix, folder in self._folders.items():
            for name, state in read_progress(folder).items():
                task = self._jobs.get(prefix + name)
                if task is not None and state.time >= self._begin:
                    self._progress.update(task, completed=state.done, total=state.total or None, state=str(state))

    def _close(self, name: str) -> None:
        task = self._jobs.pop(name, None)
        if task is not None:
            self._progress.remove_task(task)
