"""How many jobs several runs have, and what becomes of them: run, shared, done already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass

from sedlab.pipeline.joint.graph import SAME_AS


@dataclass(frozen=True)
class JobCounts:
    """Of the jobs of a run."""

    jobs: int
    """All that were asked for."""
    done: int
    """Done already."""
    taken: int
    """Taken from runs that have done the same before."""
    shared: int
    """Taken from a run of the same graph that does the same."""
    to_run: int
    """Done by this run."""


def count_jobs(jobs: Mapping[str, int], taken: Iterable[str], planned: Mapping[str, str]) -> dict[str, JobCounts]:
    """Return the counts of each run of a graph of several, by its name.

    Parameters
    ----------
    jobs : mapping
        Run name -> how many jobs it has.
    taken : iterable of str
        Jobs whose results other runs have, as "run/job".
    planned : mapping
        Jobs that have to run, as "run/job" -> the reason.
    """
    taken = list(taken)
    found = {}
    for run, number in jobs.items():
        of_run = {name: reason for name, reason in planned.items() if name.rpartition("/")[0] == run}
        given = sum(name.rpartition("/")[0] == run for name in taken)
        shared = sum(reason.startswith(SAME_AS) for reason in of_run.values())
        found[run] = JobCounts(number, number - given - len(of_run), given, shared, len(of_run) - shared)
    return found


def counts_table(rows: Mapping[str, Iterable[JobCounts]]) -> Iterator[str]:
    """Yield the lines of a table with a row for each name, the sum of its counts, and one of all together."""
    sums = {name: _sum(counts) for name, counts in rows.items()}
    sums = {"all": _sum(sums.values())} | sums
    heads = ("jobs", "done already", "of earlier runs", "shared here", "to run")
    yield "  ".join(f"{head:>{len(head)}}" for head in heads)
    for name, counts in sums.items():
        cells = (f"{number:>{len(head)}}" for head, number in zip(heads, astuple(counts), strict=True))
        yield f"{'  '.join(cells)}  {name}"


def _sum(counts: Iterable[JobCounts]) -> JobCounts:
    columns = zip(*(astuple(one) for one in counts), strict=True)
    return JobCounts(*(sum(column) for column in columns))
