"""One job of the graph as a process of its own: `python -m sedlab.pipeline.job RUN NODE`.

Executes the node's notebook, or calls its stage function; exits with status 1 and one line when it fails. The node's
manifest decides, whatever the notebook looks like: a kernel that dies leaves cells that seem to have run.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from pathlib import Path

from sedlab.errors import SedlabError, unforeseen_problem
from sedlab.pipeline.cluster.on_node import Life
from sedlab.pipeline.due.shared import find_shared, take
from sedlab.pipeline.graph import Job, find_job, graph_of
from sedlab.pipeline.joint.cards import given_cards, own_cards
from sedlab.pipeline.notebooks import CellError, execute_notebook, kernel_died, notebook_path
from sedlab.runs.digests import Digests
from sedlab.runs.locks import require_idle, when_run_ends
from sedlab.runs.progress import forget_progress
from sedlab.runs.run import Run, open_run
from sedlab.system.cards import usable_cards
from sedlab.system.streams import prepare_streams

_INTERRUPTED = "interrupted."
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def run_job(run: Run, job: Job) -> None:
    """Do the work of a job; what fails after its manifest was written, a picture say, is only told.

    Raises
    ------
    SedlabError
        When it fails, or ends without its manifest.
    """
    require_idle(run.path, job.name)
    forget_progress(run.path, job.name)
    manifest = run.path / job.manifest
    manifest.unlink(missing_ok=True)
    os.chdir(run.project)
    try:
        _work(run, job)
    except Exception as error:
        if not manifest.is_file():
            raise
        place = f" in {error.cell}" if isinstance(error, CellError) and error.cell not in str(error) else ""
        told = str(error) if isinstance(error, SedlabError) else f"{type(error).__name__}: {error}"
        told = " ".join(f"complete, but for what is shown{place}: {told}".split())
        print(f"warning: {told}", file=sys.stderr, flush=True)
    if not manifest.is_file():
        raise SedlabError(kernel_died(run.notebook(job.name)))


def take_result(run: Run, job: Job, donor: Path) -> bool:
    """Put what another run has made of the same into this one; return whether it had."""
    require_idle(run.path, job.name)
    forget_progress(run.path, job.name)
    (run.path / job.manifest).unlink(missing_ok=True)
    digests = Digests(run.path)
    found = find_shared(run, [job], digests, [donor])
    take(run, found)
    digests.save()
    return bool(found.jobs)


def _work(run: Run, job: Job) -> None:
    if job.notebook is None:
        from sedlab.pipeline import stages

        stages.run_stage(run, job.kind, job.parameters)
    else:
        parameters = {"run": os.path.relpath(run.path, run.project), **job.parameters}
        execute_notebook(notebook_path(job.notebook), run.notebook(job.name), parameters, folder=run.project)


def main() -> int:
    """Run the job named on the command line and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sedlab.pipeline.job")
    parser.add_argument("run", help="run folder")
    parser.add_argument("node", help="name of the job")
    parser.add_argument("--take-from", type=Path, help="run folder that may have made the same")
    parser.add_argument("--per-card", type=int, default=1, help="jobs that may share a graphics card")
    parser.add_argument("--threads", type=int, help="CPU threads (default: what the experiment asks for)")
    parser.add_argument("--only-take", action="store_true", help="fail if it has not: this is not the place to work")
    parser.add_argument("--slurm", type=int, metavar="SECONDS", help="SLURM runs it, and says so long before its end")
    arguments = parser.parse_args()
    prepare_streams()
    # jsonschema would build a grammar of web addresses when it is imported: 1.5 s a job that no notebook needs.
    sys.modules["rfc3987_syntax"] = None
    signal.signal(signal.SIGTERM, _interrupt)
    if arguments.slurm is None:
        when_run_ends(_end_with_children)
        return _tell(_problem_of(arguments, None))
    folder, life = Path(arguments.run).resolve(), Life(arguments.slurm)
    problem = _problem_of(arguments, life)
    try:
        if problem is not None:
            problem = life.goes_on(folder, arguments.node, problem)
    except KeyboardInterrupt:
        print("stopped by SLURM", flush=True)
        return 1
    return life.end(folder, arguments.node, _tell(problem))


def _problem_of(arguments: argparse.Namespace, life: Life | None) -> str | None:
    """Do the work of a job and return what went wrong, None: nothing. ``life`` is its life on a cluster."""
    try:
        run = open_run(arguments.run)
        job = find_job(graph_of(run), arguments.node)
        for variable in _THREAD_VARIABLES:
            os.environ[variable] = str(arguments.threads or job.threads)
        if life is not None and not life.begin(run, job):
            return None
        if arguments.take_from and take_result(run, job, arguments.take_from):
            return None
        if arguments.only_take:
            return f"{job.name}: {arguments.take_from} has not made the same. Run the same command again."
        cards = usable_cards()
        with own_cards(run, job, cards, arguments.per_card) if life is None else given_cards(job, cards):
            run_job(run, job)
    except SedlabError as error:
        return str(error)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:
        # A fault of ours: the whole story for the log, and the line for who watches the run.
        traceback.print_exc()
        return unforeseen_problem(error) or f"{type(error).__name__}: {error}"
    return None


def _tell(problem: str | None) -> int:
    """Print what went wrong, if anything did, and return the exit status."""
    if problem is None:
        return 0
    print(f"error: {problem}", file=sys.stderr, flush=True)
    return 1


def _interrupt(*_: object) -> None:
    # Papermill then saves what the notebook has shown so far and ends its kernel.
    raise KeyboardInterrupt


def _end_with_children() -> None:
    import psutil

    for child in psutil.Process().children(recursive=True):
        child.kill()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
