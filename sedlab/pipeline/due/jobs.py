"""Which jobs of a run are to be done: contents decide, not times, so that a copied run is as finished as the original.

A job is done when its manifest and all that it wrote are there, each input has the contents that the manifest recorded,
and so has each part of the corpus that it reads (`sedlab.pipeline.due.corpus`). Paths of files outside the run do not
count, neither as inputs nor in a configuration.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sedlab.errors import SedlabError
from sedlab.pipeline.due.corpus import READERS
from sedlab.pipeline.due.inputs import CHANGED_CORPUS, DATA_MANIFEST, Inputs, few
from sedlab.pipeline.due.shared import Shared
from sedlab.pipeline.graph import Job
from sedlab.runs.digests import Digests
from sedlab.runs.run import Run


def due_jobs(
    run: Run, jobs: Iterable[Job], digests: Digests, shared: Shared | None = None, pending: Collection[str] = ()
) -> dict[str, str]:
    """Return the jobs that have to run, producers before consumers, with the reason of each.

    Those that are ``shared`` are taken as done; files that are ``pending`` are about to be made anew by other runs.
    """
    shared = shared or Shared()
    jobs = [job for job in jobs if job.name not in shared.names]
    made_by = {path: job.name for job in jobs for path in job.outputs}
    inputs = Inputs(run, digests, shared.made)
    due: dict[str, str] = {}
    for job in jobs:
        # Who reads clips says which: clips that are new to others are none to it.
        exact = job.kind in READERS and due.get("data", "").startswith(CHANGED_CORPUS)
        follows = [
            path
            for path in job.inputs
            if (made_by.get(path) in due or path in pending) and not (exact and path == DATA_MANIFEST)
        ]
        reason = inputs.own_reason(job) or (f"Input files updated by another job: {few(follows)}" if follows else "")
        if reason:
            due[job.name] = reason
    readers = {job.name for job in jobs if job.kind in READERS}
    changed = [reason for name, reason in due.items() if name in readers and reason.startswith(CHANGED_CORPUS)]
    if "data" not in due and changed and not any(inputs.knows_parts(job) for job in jobs if job.kind == "data"):
        # A job of an earlier version did not note which clips it made readable.
        due = {"data": changed[0], **due}
    if "data" not in due and _lacks_cache(run, [job for job in jobs if job.name in due]):
        # What has been learnt from the clips stands; they are only made readable again.
        due = {"data": f"Missing waveform cache: {run.cache_dir}", **due}
    return due


def _lacks_cache(run: Run, due: list[Job]) -> bool:
    from sedlab.data.cache import WaveformCache

    # A finished run that was copied without its clips lacks nothing, nor does a job that reads labels alone.
    if run.is_apart and not any(job.kind in READERS for job in due):
        return False
    if not due and not run.data_root.is_dir():
        return False
    try:
        WaveformCache.open(run.cache_dir)
    except SedlabError:
        return True
    return False
