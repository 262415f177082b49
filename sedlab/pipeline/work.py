"""A stage at work: its job in the graph, whether there is anything left to do, its manifest and its progress."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sedlab.pipeline.due.corpus import CorpusParts
from sedlab.pipeline.due.inputs import Inputs
from sedlab.pipeline.due.reading import Reading
from sedlab.pipeline.graph import Job, find_job, graph_of, job_name
from sedlab.runs.digests import Digests
from sedlab.runs.manifest import Manifest, recorded
from sedlab.runs.progress import ProgressFile
from sedlab.runs.run import Run

_COMPUTING = ("pretrain", "stage1", "stage2", "scores")


@dataclass(frozen=True)
class Work:
    """One job of a run, in the hands of the stage function that does it."""

    run: Run
    job: Job

    @classmethod
    def of(cls, run: Run, kind: str, **parameters: Any) -> Work:
        """Find the job of this kind with these parameters."""
        return cls(run, find_job(graph_of(run), job_name(kind, **parameters)))

    @property
    def inputs(self) -> list[Path]:
        """The files that the job reads."""
        return [self.run.path / name for name in self.job.inputs]

    @property
    def is_current(self) -> bool:
        """Whether the job has finished and what it reads has not changed since."""
        digests = Digests(self.run.path)
        current = not Inputs(self.run, digests).own_reason(self.job)
        digests.save()
        return current

    def reading(self) -> Reading:
        """Return what a training reads besides its input files, to be compared when it goes on another day."""
        data, inputs = self.run.experiment.data, Inputs(self.run, Digests(self.run.path))

        def configured(data_root: str) -> dict[Path, bytes]:
            return {self.run.path / name: text.encode() for name, text in inputs.config_files(data_root).items()}

        return Reading(self._corpus(None), str(data.root), configured)

    def _corpus(self, progress: ProgressFile | None) -> dict[str, str]:
        return CorpusParts(self.run, progress).of(self.job)

    @contextmanager
    def recorded(self) -> Iterator[tuple[Manifest, ProgressFile]]:
        """Give the manifest, to be filled with results, and the progress; write the manifest when the block ends."""
        job, digests = self.job, Digests(self.run.path)
        inputs = Inputs(self.run, digests)
        found = inputs.of(job)
        digests.save()
        with recorded(self.run.path, job.manifest, job.name, job.parameters, found) as manifest:
            progress = ProgressFile(self.run.path, job.name)
            manifest.data_root = str(self.run.experiment.data.root)
            # The corpus that a job makes is there at its end; others might be changed while they are at work.
            if job.kind != "data":
                manifest.corpus = self._corpus(progress)
            if job.kind in _COMPUTING:
                _limit_threads(self.run)
            yield manifest, progress
            if job.kind == "data":
                manifest.corpus = self._corpus(progress)
            manifest.files = dict.fromkeys(path for path in job.outputs if path != job.manifest)


def _limit_threads(run: Run) -> None:
    import torch

    # A job gets its share by the environment; a notebook run by hand takes what the experiment says.
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", run.experiment.threads_per_job)))
