"""What other runs in the same folder have done already: a job that read the same and has finished is not done twice.

The same means the same contents of all inputs, configuration of the node included, so a variant of a run shares with it
everything that its settings do not touch. Files are linked where the file system can, and copied where it cannot; no
writer of sedlab changes a file in place, so that neither run sees what becomes of the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sedlab.errors import SedlabError
from sedlab.files import link_or_copy, write_json
from sedlab.pipeline.due.inputs import Inputs
from sedlab.pipeline.graph import Job
from sedlab.runs.digests import Digests
from sedlab.runs.layout import CONFIG_FILE
from sedlab.runs.locks import node_lock
from sedlab.runs.manifest import Manifest, read_manifest, results_digest
from sedlab.runs.moved.about import kept_labels
from sedlab.runs.run import Run


@dataclass(frozen=True)
class SharedJob:
    """A job, and the run that has its results."""

    job: Job
    donor: Path
    manifest: Manifest


@dataclass
class Shared:
    """What a run need not do itself."""

    jobs: list[SharedJob] = field(default_factory=list)
    """Producers before consumers."""
    made: dict[str, str] = field(default_factory=dict)
    """What they would put into the run: path -> digest."""

    @property
    def names(self) -> set[str]:
        """The names of the jobs."""
        return {shared.job.name for shared in self.jobs}

    def by_donor(self) -> dict[str, list[str]]:
        """Return the jobs of each run that gives some, by its name."""
        found: dict[str, list[str]] = {}
        for shared in self.jobs:
            found.setdefault(shared.donor.name, []).append(shared.job.name)
        return found


def find_shared(run: Run, jobs: Iterable[Job], digests: Digests, donors: Sequence[Path] | None = None) -> Shared:
    """Return which of the jobs that the run has to do have been done in another run; nothing is written.

    ``donors`` are the folders of the runs that may have; None: all beside it.
    """
    shared, siblings, unknown = Shared(), _Siblings(run, donors), set()
    inputs = Inputs(run, digests, shared.made)
    for job in jobs:
        if unknown.isdisjoint(job.inputs):
            if not inputs.own_reason(job):
                continue
            if found := siblings.find(job, inputs):
                shared.jobs.append(found)
                shared.made |= found.manifest.digests | {job.manifest: results_digest(found.manifest)}
                continue
        unknown |= set(job.outputs)
    return shared


def take(run: Run, shared: Shared) -> None:
    """Put the results of shared jobs into the run, each with its history, log and executed notebook."""
    for found in shared.jobs:
        job, folder = found.job, Path(found.job.manifest).parent
        with node_lock(run.path, job.name):
            target = run.path / job.manifest
            target.unlink(missing_ok=True)
            for name in found.manifest.files:
                link_or_copy(found.donor / name, run.path / name)
            labels = kept_labels(found.donor) if job.kind == "data" else ()
            for name in (f"{folder}/history.csv", *job.logs, *labels):
                if (found.donor / name).is_file():
                    link_or_copy(found.donor / name, run.path / name)
            origin = found.manifest.shared_from or found.donor.name
            write_json(target, found.manifest.model_copy(update={"shared_from": origin}))


class _Siblings:
    """The other runs in the folder, asked one after the other: the parent first, then who has changed last."""

    def __init__(self, run: Run, only: Sequence[Path] | None = None) -> None:
        self._run, self._only = run, only
        self._digests: dict[Path, Digests] = {}

    def find(self, job: Job, inputs: Inputs) -> SharedJob | None:
        """Return the job in a run where it read the same ``inputs`` and its files are as it wrote them."""
        if "" in inputs.of(job).values():
            return None
        return next((found for folder in self._folders for found in self._of(folder, job, inputs)), None)

    @cached_property
    def _folders(self) -> list[Path]:
        if self._only is not None:
            return [folder.resolve() for folder in self._only]
        others = [path.parent for path in self._run.path.parent.glob(f"*/{CONFIG_FILE}")]
        others = [folder.resolve() for folder in others if folder.resolve() != self._run.path]
        parent = self._run.parent
        first = parent.path if parent else None
        return sorted(others, key=lambda folder: (folder != first, -folder.stat().st_mtime))

    def _of(self, folder: Path, job: Job, inputs: Inputs) -> Iterator[SharedJob]:
        with suppress(SedlabError, OSError):
            manifest = read_manifest(folder / job.manifest)
            if manifest.node == job.name and inputs.same(job, manifest) and self._is_whole(folder, job, manifest):
                yield SharedJob(job, folder, manifest)

    def _is_whole(self, folder: Path, job: Job, manifest: Manifest) -> bool:
        if job.kind == "data" and manifest.results.get("corpus") != self._run.corpus_digest():
            return False  # of clips that are no longer there
        digests = self._digests.setdefault(folder, Digests(folder))
        wanted = {name for name in job.outputs if name != job.manifest}
        return wanted == set(manifest.digests) and all(
            digests.of(name) == digest for name, digest in manifest.digests.items()
        )
