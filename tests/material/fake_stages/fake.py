"""Stages that write the files of a job and nothing else."""

import json
import os
import time
from contextlib import contextmanager
from pathlib import Path

from sedlab.errors import warn_once
from sedlab.files import write_text
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
    order = _order(orders, name)
    with (
        _noted(orders.parent / "worked", name),
        recorded(run.path, job.manifest, name, parameters, Inputs(run, Digests(run.path)).of(job)) as manifest,
    ):
        ProgressFile(run.path, name)(1, 2, "steps")
        if "CUDA_VISIBLE_DEVICES" in os.environ:
            print(f"sees {os.environ['CUDA_VISIBLE_DEVICES']}", flush=True)
        if order == "warn":
            warn_once(f"{name}: there is little to learn from")
        if order == "die":
            os._exit(1)
        if order == "fail":
            raise ValueError("it went wrong")
        if order == "meet":
            _meet(orders.parent, run.path.name, name)
        while order == "wait":
            time.sleep(0.05)
            order = _order(orders, name)
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


def _order(orders, name):
    return json.loads(orders.read_text()).get(name) if orders.is_file() else None


@contextmanager
def _noted(folder, name):
    """Note where a cluster's job works, from when to when; there is a note for each time that it is started."""
    if "SLURM_JOB_ID" not in os.environ:
        yield
        return
    note = {"name": name, "job": os.environ["SLURM_JOB_ID"], "node": os.environ["SLURMD_NODENAME"]}
    note |= {"card": os.environ.get("CUDA_VISIBLE_DEVICES"), "restarts": os.environ.get("SLURM_RESTART_COUNT", "0")}
    note["began"] = time.time()
    folder.mkdir(exist_ok=True)
    path = folder / f"{note['began']}.json"
    write_text(path, json.dumps(note))
    yield
    write_text(path, json.dumps({**note, "ended": time.time()}))


def _meet(folder, run, name):
    """Wait until the job of the same name in another run is at work too."""
    (folder / f"{run}.{name}.here").touch()
    deadline = time.monotonic() + 300
    while len(list(folder.glob(f"*.{name}.here"))) < 2:
        if time.monotonic() > deadline:
            raise TimeoutError("nobody came")
        time.sleep(0.05)
