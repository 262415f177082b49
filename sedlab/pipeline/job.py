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

from sedlab.errors import SedlabError, unforeseen_problem
from sedlab.pipeline.graph import Job, find_job, graph_of
from sedlab.pipeline.notebooks import CellError, execute_notebook, kernel_died, notebook_path
from sedlab.runs.locks import require_idle, when_run_ends
from sedlab.runs.progress import forget_progress
from sedlab.runs.run import Run, open_run
from sedlab.system.streams import prepare_streams

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
    parser.add_argument("--threads", type=int, help="CPU threads (default: what the experiment asks for)")
    arguments = parser.parse_args()
    prepare_streams()
    # jsonschema would build a grammar of web addresses when it is imported: 1.5 s a job that no notebook needs.
    sys.modules["rfc3987_syntax"] = None
    signal.signal(signal.SIGTERM, _interrupt)
    when_run_ends(_end_with_children)
    try:
        run = open_run(arguments.run)
        job = find_job(graph_of(run), arguments.node)
        for variable in _THREAD_VARIABLES:
            os.environ[variable] = str(arguments.threads or job.threads)
        run_job(run, job)
    except SedlabError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted.", file=sys.stderr, flush=True)
        return 1
    except Exception as error:
        # A fault of ours: the whole story for the log, and the line for who watches the run.
        traceback.print_exc()
        line = unforeseen_problem(error) or f"{type(error).__name__}: {error}"
        print(f"error: {line}", file=sys.stderr, flush=True)
        return 1
    return 0


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
