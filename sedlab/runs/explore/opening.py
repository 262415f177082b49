"""The line of Python that opens a run, for the calls that can be copied."""

from __future__ import annotations

from sedlab.runs.layout import RUNS_FOLDER
from sedlab.runs.run import Run


def path_as_said(run: Run) -> str:
    """Return the path of a run as it is found from anywhere in its project."""
    return f"{RUNS_FOLDER}/{run.name}" if run.path.parent.name == RUNS_FOLDER else str(run.path)


def opening(run: Run) -> str:
    """Return the line that opens a run: `sedlab.open_run('runs/mini')`."""
    return f"sedlab.open_run({path_as_said(run)!r})"
