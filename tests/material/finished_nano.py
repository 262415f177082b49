"""A project in which `sedlab run` has run from nothing, then a notebook by itself; made once for all test processes.

The jobs go through a real SLURM cluster where that is installed.

The experiment is `nano` with two of its transformers, one that is pre-trained and one that is not, so that the graph
has every kind of job. The third, PaSST, goes from nothing to its stage 2 in tests/notebooks/test_alone.py.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from shell import papermill, sedlab
from slurm_cluster import missing_programs, slurm_cluster

from sedlab.config.loading import load_experiment, to_yaml

ARCHS = ("beats", "atst")
#: The experiment, in the project.
PRESET = "nano.yaml"
#: What the command printed, kept beside the run.
PRINTED = "printed.txt"
#: What SLURM's controller knew of the jobs in the end, if it was there.
CLUSTER_JOBS = "cluster_jobs.json"


@pytest.fixture(scope="session")
def finished_nano(tmp_path_factory) -> Path:
    """Return the folder; it is shared, so take a copy of it (`copy_of`)."""
    base = tmp_path_factory.getbasetemp()
    # Processes that test side by side have a folder each, in one that they share.
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "finished-nano"
    with (shared / "finished-nano.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / PRINTED).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            write_preset(folder)
            done = _run_all(folder)
            assert done.returncode == 0, done.stdout + done.stderr
            # The last notebook by itself needs nearly everything; what it does as a job was done by a job.
            (folder / "runs/nano/errors/manifest.json").unlink()
            alone = papermill(folder, "08_errors", f"preset={PRESET}")
            assert alone.returncode == 0, alone.stderr[-3000:]
            (folder / PRINTED).write_text(done.stdout)
    return folder


def _run_all(folder: Path) -> subprocess.CompletedProcess:
    environment = {"JUPYTER_DATA_DIR": str(signatures_of(folder))}
    if missing_programs():
        return sedlab("run", PRESET, cwd=folder, env=environment)
    (folder / "slurm.yaml").write_text("{memory: 2, cpus: 1, poll_seconds: 0.5, status_seconds: 2}")
    with slurm_cluster(cpus=1) as cluster:
        done = sedlab("run", PRESET, "--slurm", cwd=folder, env=environment | cluster.environment)
        (folder / CLUSTER_JOBS).write_text(json.dumps(cluster.squeue("-t", "all")))
    return done


def signatures_of(project: Path) -> Path:
    """Return where Jupyter keeps the signatures of the run's notebooks: each test process has a place of its own."""
    return project.with_name(f"{project.name}-jupyter")


def write_preset(folder: Path) -> None:
    """Write the experiment: `nano`, but for the transformers."""
    (folder / PRESET).write_text(to_yaml(load_experiment("nano", [f"archs=[{', '.join(ARCHS)}]"])))


def copy_of(project: Path, folder: Path) -> Path:
    """Copy a project into a new ``folder``, with time stamps, so that what is finished stays so; return the folder."""
    shutil.copytree(project, folder)
    return folder
