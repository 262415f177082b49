"""What a run that was opened from a pack cannot do: jobs that read clips, or files, that did not travel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sedlab.errors import SedlabError, count_of
from sedlab.pipeline.due.corpus import READERS
from sedlab.pipeline.graph import Job
from sedlab.runs.moved.left_out import PACKED_FILE, is_packed, left_out, option_for
from sedlab.runs.run import Run

#: The jobs that read sounds; the others do with labels, which a run keeps.
LISTENERS = ("data", *READERS)


def require_travelled(run: Run, jobs: Sequence[Job], due: Mapping[str, str]) -> None:
    """Raise SedlabError when a job that is ``due`` needs what a pack left out; nothing has been touched then."""
    if not due or not is_packed(run.path):
        return
    lacking, made, needs = left_out(run.path), set[str](), []
    for job in (job for job in jobs if job.name in due):
        needs += [
            f"{name} (pack the run with {option_for(name)})"
            for name in job.inputs
            if name in lacking and name not in made
        ]
        made |= set(job.outputs)
    if run.is_apart and any(job.kind in LISTENERS for job in jobs if job.name in due):
        needs.append(f"the clips of {run.experiment.data.root}")
    if needs:
        # Clips are prepared for the sake of others.
        cause = next((name for name in due if name != "data"), "data")
        others = f", {count_of(len(needs) - 2, 'more file')}" if len(needs) > 2 else ""
        raise SedlabError(
            f"{run.path}: opened from a pack, and {count_of(len(due), 'job')} would run ({cause}: {due[cause]}), which "
            f"need {needs[0]}{others}{f' and {needs[-1]}' if len(needs) > 1 else ''}. Bring that here, or delete "
            f"{run.path / PACKED_FILE} to do anew what did not travel."
        )
