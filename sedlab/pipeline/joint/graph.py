"""One graph of several runs, the same experiment with other seeds or settings, whose common jobs are done once.

A job is common to runs when all that it reads is the same in them: its configuration, and whatever the jobs before it
wrote. The first run that has it does it, the others take its files.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sedlab.pipeline.due.jobs import due_jobs
from sedlab.pipeline.due.shared import Shared
from sedlab.pipeline.graph import Job, graph_of
from sedlab.runs.digests import Digests
from sedlab.runs.layout import config_files
from sedlab.runs.run import Run

#: Begins the reason of a job that takes what another one makes in the same graph.
SAME_AS = "The same as "


@dataclass(frozen=True)
class PlacedJob:
    """A job among those of several runs; paths are relative to the first run's folder."""

    run: Run
    job: Job
    name: str
    """Unlike any other: with several runs "mini-seed2/data"."""
    folder: str
    """The run's."""
    donor: str
    """The folder of the run whose files it takes, for a job that an earlier run has too; empty: none."""

    @property
    def inputs(self) -> list[str]:
        """What it reads, what it takes included."""
        taken = [os.path.normpath(Path(self.donor, self.job.manifest))] if self.donor else []
        return self._placed(self.job.inputs) + taken

    @property
    def outputs(self) -> list[str]:
        """What it writes."""
        return self._placed(self.job.outputs)

    @property
    def logs(self) -> list[str]:
        """What stays when it fails."""
        return self._placed(self.job.logs)

    def _placed(self, names: Sequence[str]) -> list[str]:
        return [os.path.normpath(Path(self.folder, name)) for name in names]


def joint_graph(runs: Sequence[Run]) -> list[PlacedJob]:
    """Return the jobs of all runs; one that others repeat with other seeds comes before these."""
    graphs = {run.name: graph_of(run) for run in runs}
    donors = common_jobs(runs, graphs)
    return [
        PlacedJob(
            run,
            job,
            joint_name(runs, run, job.name),
            _folder(runs, run),
            _folder(runs, donor) if (donor := donors[run.name].get(job.name)) else "",
        )
        for run in runs
        for job in graphs[run.name]
    ]


def joint_name(runs: Sequence[Run], run: Run, job: str) -> str:
    """Return the name of a job among those of several runs: with the folder of its run, if there is more than one."""
    return job if len(runs) == 1 else f"{run.name}/{job}"


def jointly_due(
    runs: Sequence[Run],
    jobs: Mapping[str, list[Job]],
    digests: Mapping[str, Digests],
    shared: Mapping[str, Shared] | None = None,
) -> dict[str, dict[str, str]]:
    """Return what has to run in each run, {run name: {job: reason}}, see `due_jobs`; mappings are by the runs' names.

    What a run reads of those that repeat it, their metrics, is read anew when it is made anew.
    """
    due: dict[str, dict[str, str]] = {}
    pending: set[str] = set()
    for run in reversed(runs):
        mine = jobs[run.name]
        due[run.name] = due_jobs(run, mine, digests[run.name], shared[run.name] if shared else None, pending)
        pending |= {f"../{run.name}/{path}" for job in mine if job.name in due[run.name] for path in job.outputs}
    for name, donors in common_jobs(runs, jobs).items():
        taken = {job: f"{SAME_AS}{one.name}/{job}" for job, one in donors.items() if job in due[one.name]}
        due[name] |= {job: reason for job, reason in taken.items() if job in due[name]}
    return {run.name: due[run.name] for run in runs}


def common_jobs(runs: Sequence[Run], graphs: Mapping[str, Iterable[Job]]) -> dict[str, dict[str, Run]]:
    """Return {run name: {job: the first run that has the same}}, for the jobs that an earlier run has."""
    first: dict[str, Run] = {}
    common: dict[str, dict[str, Run]] = {}
    for run in runs:
        marks = _marks(run, graphs[run.name])
        common[run.name] = {job: first[mark] for job, mark in marks.items() if mark in first}
        first = dict.fromkeys(marks.values(), run) | first
    return common


def _marks(run: Run, jobs: Iterable[Job]) -> dict[str, str]:
    """Return of each job a mark that two jobs have when they are called the same and read and write the same.

    A job that reads files of another run has none.
    """
    read = {name: _digest(text) for name, text in config_files(run.experiment).items()}
    marks: dict[str, str] = {}
    for job in jobs:
        # What is outside the runs, weights and corrections, is the same file for all of them.
        inputs = [name if Path(name).is_absolute() else read.get(name) for name in job.inputs]
        if None not in inputs:
            marks[job.name] = _digest(json.dumps([job.name, job.inputs, job.outputs, inputs]))
            read |= {path: f"{marks[job.name]} {path}" for path in job.outputs}
    return marks


def _folder(runs: Sequence[Run], run: Run) -> str:
    """Return the folder of a run, seen from that of the first."""
    return "." if run.path == runs[0].path else f"../{run.name}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
