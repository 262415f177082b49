"""A life of a job on a node: its end by the time limit, and one whose work an earlier life has done."""

import os
import signal
import subprocess
import sys
import time

import pytest
from tiny_project import make_experiment

from sedlab.pipeline.cluster.on_node import Life
from sedlab.pipeline.graph import find_job, graph_of
from sedlab.runs.live.submitted import AGAIN, Ended, ended_job, prepare_records, write_end
from sedlab.runs.progress import stop_file
from sedlab.runs.run import create_run

NODE = "iteration1_stage1_atst"
#: Its time ends after a step; SLURM does not put it back.
WORKER = """
import os, signal, sys
from pathlib import Path
from sedlab.pipeline.cluster.on_node import Life
from sedlab.pipeline.graph import find_job, graph_of
from sedlab.runs.run import open_run
run, life = open_run(sys.argv[1]), Life(60)
job = find_job(graph_of(run), "iteration1_stage1_atst")
life.begin(run, job)
os.kill(os.getpid(), signal.SIGUSR1)
history = run.node_dir("stage1", "atst", 1) / "history.csv"
history.parent.mkdir(parents=True)
history.write_text("step\\n0\\n1\\n")
print("error:", life.goes_on(run.path, job.name, "stopped after step 2 of 9"))
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    before = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGTERM)}
    yield create_run(make_experiment(), tmp_path / "runs" / "tiny")
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def job(run):
    return find_job(graph_of(run), NODE)


def test_what_an_earlier_life_has_done_is_not_done_again(run, job, monkeypatch):
    prepare_records(run.path, NODE)
    write_end(run.path, NODE, Ended(job="17", code=0))
    assert Life(60).begin(run, job)  # there is no manifest
    (run.path / job.manifest).parent.mkdir(parents=True)
    (run.path / job.manifest).write_text("{}")
    assert not Life(60).begin(run, job)
    monkeypatch.setenv("SLURM_JOB_ID", "18")  # another job: somebody wants it made anew
    assert Life(60).begin(run, job)


def test_a_training_is_asked_to_stop_until_it_does_and_fails_when_it_got_no_further(run, job):
    life = Life(60)
    life.begin(run, job)
    os.kill(os.getpid(), signal.SIGUSR1)
    for _ in range(2):  # a training that begins forgets what was asked before
        deadline = time.monotonic() + 120
        while not stop_file(run.path, NODE).exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        stop_file(run.path, NODE).unlink()
    told = life.goes_on(run.path, NODE, "stopped after step 0 of 9")
    assert told.endswith("Raise hours in the profile.")
    assert life.end(run.path, NODE, 1) == 1
    assert ended_job(run.path, NODE) == Ended(job="17", code=1)


def test_what_fails_before_its_time_ends_fails_as_elsewhere(run, job):
    life = Life(60)
    life.begin(run, job)
    assert life.goes_on(run.path, NODE, "the loss is nan") == "the loss is nan"


@pytest.mark.parametrize("why", ["Access denied", "scontrol: No such file or directory"])
def test_where_slurm_does_not_put_it_back_the_next_call_is_told(run, tmp_path, why):
    if why == "Access denied":
        (tmp_path / "scontrol").write_text(f"#!/bin/sh\necho 'scontrol: error: {why}' >&2; exit 1\n")
        (tmp_path / "scontrol").chmod(0o755)
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(run.path)], env=environment, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == AGAIN, done.stderr
    assert "saved after step 2, back into the queue" in done.stdout
    assert f"not put back by SLURM ({why})" in done.stdout
    assert ended_job(run.path, NODE) == Ended(job="17", code=AGAIN)
