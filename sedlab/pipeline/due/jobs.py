"""Which jobs of a run are to be done: contents decide, not times, so that a copied run is as finished as the original.

A job is done when its manifest and all that it wrote are there and each input has the contents that the manifest
recorded. Paths of files outside the run do not count, neither as inputs nor in a configuration.
"""

from __future__ import annotations

from collections.abc import Iterable

from sedlab.errors import SedlabError
from sedlab.pipeline.due.inputs import Inputs, few
from sedlab.pipeline.due.shared import Shared
from sedlab.pipeline.graph import Job
from sedlab.runs.digests import Digests
from sedlab.runs.run import Run


def due_jobs(run: Run, jobs: Iterable[Job], digests: Digests, shared: Shared | None = None) -> dict[str, str]:
    """Return the jobs that have to run, producers before consumers, with the reason of each.

    Those that are ``shared`` are taken as done.
    """
    shared = shared or Shared()
    jobs = [job for job in jobs if job.name not in shared.names]
    made_by = {path: job.name for job in jobs for path in job.outputs}
    inputs = Inputs(run, digests, shared.made)
    due: dict[str, str] = {}
    for job in jobs:
        follows = [path for path in job.inputs if made_by.get(path) in due]
        reason = inputs.own_reason(job) or (f"Input files updated by another job: {few(follows)}" if follows else "")
        if reason:
            due[job.name] = reason
    if "data" not in due and _lacks_cache(run, due):
        # What has been learnt from the clips stands; they are only made readable again.
        due = {"data": f"Missing waveform cache: {run.cache_dir}", **due}
    return due


def _lacks_cache(run: Run, due: dict[str, str]) -> bool:
    from sedlab.data.cache import WaveformCache

    # A finished run that was copied without its clips lacks nothing.
    if not due and not run.data_root.is_dir():
        return False
    try:
        WaveformCache.open(run.cache_dir)
    except SedlabError:
        return True
    return False
