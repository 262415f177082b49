"""Stages that write the files of a job and nothing else."""

import json
import os
import time
from pathlib import Path

from sedlab.pipeline.due.inputs import Inputs
from sedlab.pipeline.graph import find_job, graph_of, job_name
from sedlab.runs.digests import Digests
from sedlab.runs.manifest import recorded
from sedlab.runs.progress import ProgressFile

COLUMNS = ("iteration", "model", "stage", "teacher", "postprocess", "subset", "metric", "label", "value")


def run_stage(run, kind, parameters):
    """Write every output of the job; behave badly where the file FAKE_ORDERS says so: {job name: order}."""
    name = job_name(kind, **parameters)
    job = find_job(graph_of(run), name)
    orders = Path(os.environ["FAKE_ORDERS"])
    order = json.loads(orders.read_text()).get(name) if orders.is_file() else None
    with recorded(run.path, job.manifest, name, parameters, Inputs(run, Digests(run.path)).of(job)) as manifest:
        ProgressFile(run.path, name)(1, 2, "steps")
        if order == "die":
            os._exit(1)
        if order == "fail":
            raise ValueError("it went wrong")
        if order == "hang":
            Path(os.environ["FAKE_ORDERS"]).with_name("kernel.pid").write_text(str(os.getpid()))
            time.sleep(600)
        for path in job.outputs:
            if path != job.manifest:
                (run.path / path).parent.mkdir(parents=True, exist_ok=True)
                (run.path / path).write_text(",".join(COLUMNS) + "\n" if path.endswith(".csv") else name)
                manifest.files[path] = 0
        if kind == "data":
            # Here, as it brings pytest, pandas and Jupyter, for which each job would wait a second.
            from finished_run import write_empty_cache

            write_empty_cache(run)
