"""The file of a run's decisions: read, added to and taken back by several people and processes at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from sedlab.data.review.decisions import (
    Decision,
    empty_table,
    latest,
    read_decisions,
    with_decision,
    without_last,
    write_decisions,
)
from sedlab.errors import SedlabError, os_problem
from sedlab.runs.run import Run
from sedlab.system.locking import release, take


class Review:
    """Decisions in a file, `runs/<run>/review.tsv` for a run; every change is written at once.

    All decisions are kept, in their order; `latest` are those that count.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def table(self) -> pd.DataFrame:
        """Return all decisions; none when there is no file yet."""
        return read_decisions(self.path) if self.path.exists() else empty_table()

    def latest(self, *, reviewer: str = "") -> pd.DataFrame:
        """Return the decisions that count, of one person or of all."""
        return latest(self.table(), reviewer=reviewer)

    def add(self, decision: Decision) -> pd.DataFrame:
        """Add a decision; return all that there are then. Raises SedlabError when it makes no sense."""
        with self._alone():
            table = with_decision(self.table(), decision)
            write_decisions(self.path, table)
        return table

    def undo(self, reviewer: str) -> pd.DataFrame:
        """Take back the last decision of a person; return all that there are then."""
        with self._alone():
            table = without_last(self.table(), reviewer)
            if self.path.exists():
                write_decisions(self.path, table)
        return table

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only one who changes the file: what another adds meanwhile would be lost."""
        path = self.path.with_name(f".{self.path.name}.lock")
        try:
            file = path.open("a+")
        except OSError as error:
            raise SedlabError(os_problem(error, path)) from error
        with file:
            take(file, wait=True)
            try:
                yield
            finally:
                release(file)


def review_of(run: Run) -> Review:
    """Return the decisions of a run."""
    return Review(run.review)
