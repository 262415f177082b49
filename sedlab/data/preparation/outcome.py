"""What preparing found and made, and the table of what is wrong with sources."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sedlab.data.formats.names import readable_name
from sedlab.data.tsv import read_tsv, write_tsv
from sedlab.errors import SedlabError

#: Where under a root is kept what preparing wants to remember.
FOLDER = "prepared"
DAMAGED, ODD = "damaged", "odd"
_COLUMNS = ("set", "file", "kind", "what")


@dataclass(frozen=True)
class Problem:
    """What is wrong with a source."""

    subset: str
    file: str
    kind: str
    """`DAMAGED`: it cannot be read, and is left out; `ODD`: it was read, and somebody should look at it."""
    what: str


@dataclass
class SetOutcome:
    """What became of one set of clips."""

    name: str
    clips: int = 0
    """There now."""
    made: int = 0
    """Of these, made by this call."""
    expected: int | None = None
    """In the published set; None where that is not known."""
    hours: float = 0.0
    """Of sound; 10 s are counted for each clip that was not made here."""
    seconds: float = 0.0
    """That it took."""
    problems: list[Problem] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    """Prepared files whose source is gone."""
    remarks: list[str] = field(default_factory=list)
    """Sentences for the person who waits."""

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the time of a block as that of this set."""
        begin = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - begin

    @property
    def num_damaged(self) -> int:
        """Sources that cannot be read."""
        return sum(problem.kind == DAMAGED for problem in self.problems)


def problems_path(root: Path, corpus: str) -> Path:
    """Return where the problems of a corpus are listed."""
    return root / FOLDER / f"{corpus}_problems.tsv"


def write_problems(root: Path, corpus: str, problems: Sequence[Problem]) -> Path | None:
    """Write the table of problems (set, file, kind, what) and return its path; no table and None without problems.

    What is odd about a file is only seen when it is read: such lines of an earlier table stay as long as their file.
    """
    path = problems_path(root, corpus)
    rows = {(problem.subset, problem.file): problem for problem in _earlier(path) if (root / problem.file).exists()}
    rows |= {(problem.subset, problem.file): problem for problem in problems}
    if not rows:
        path.unlink(missing_ok=True)
        return None
    table = [
        [readable_name(" ".join(text.split())) for text in (problem.subset, problem.file, problem.kind, problem.what)]
        for _, problem in sorted(rows.items())
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tsv(path, pd.DataFrame(table, columns=list(_COLUMNS)))
    return path


def _earlier(path: Path) -> list[Problem]:
    try:
        table = read_tsv(path, _COLUMNS)
    except SedlabError:
        return []
    return [Problem(*row) for row in table.itertuples(index=False) if row[2] == ODD]
