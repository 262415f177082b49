"""A training that reaches the time limit of its job goes on in the job's next life, to the same weights."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
import torch
from finished_nano import PRESET, copy_of, finished_nano
from shell import sedlab

from sedlab.runs.manifest import read_manifest
from sedlab.runs.run import open_run

__all__ = ["finished_nano"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
#: As in tests/material/slow_training.
STEPS = 3
NODE = "iteration1_stage2_atst"
#: Two minutes, and one of them to begin. SLURM's controller looks at limits twice a minute, and tells of one earlier
#: than it is asked to by as much.
PROFILE = "{hours: 0.0333, signal_seconds: 30, memory: 1, cpus: 1, poll_seconds: 0.2, status_seconds: 0.5}"


def test_training_that_exceeds_its_time_limit_has_the_weights_of_one_that_does_not(cluster, finished_nano, tmp_path):
    project = copy_of(finished_nano, tmp_path / "project")
    (project / "slurm.yaml").write_text(PROFILE)
    slow = Path(__file__).parents[2] / "material" / "slow_training"
    environment = cluster.environment | {"PYTHONPATH": os.pathsep.join([str(slow), os.environ.get("PYTHONPATH", "")])}
    # What comes before is taken from the finished run; how data are loaded makes no difference to the numbers.
    options = ["--slurm", "--until", NODE, "--set", "stage2.trainer.num_workers=2", "--name", "limited"]
    done = sedlab("run", PRESET, *options, cwd=project, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 job to run" in done.stdout

    whole, limited = (open_run(project / "runs" / name).node_dir("stage2", "atst", 1) for name in ("nano", "limited"))
    (job,) = [job["id"] for job in cluster.squeue("-t", "all") if job["comment"] == NODE]
    assert int(cluster.job(job)["Restarts"]) >= 1
    assert read_manifest(limited / "manifest.json").results["resumed_from"] >= STEPS
    one, other = (torch.load(folder / "best.pt", weights_only=True)["networks"] for folder in (whole, limited))
    for network in ("student", "teacher"):
        assert one[network].keys() == other[network].keys()
        assert all(torch.equal(tensor, other[network][name]) for name, tensor in one[network].items())
    # But for the time it took.
    tables = (pd.read_csv(folder / "history.csv").drop(columns="seconds") for folder in (whole, limited))
    pd.testing.assert_frame_equal(*tables, check_exact=True)
