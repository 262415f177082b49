"""What SLURM's commands answer, understood; and locks of its jobs on other machines."""

import os
import time
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from sedlab.errors import SedlabError
from sedlab.runs.live import submitted, watching
from sedlab.runs.live.submitted import Ended, Queue, Submitted, write_end, write_record
from sedlab.runs.locks import run_lock
from sedlab.runs.versions import num_cores
from sedlab.system import slurm
from sedlab.system.locking import Holder


@pytest.fixture(autouse=True)
def _answers_are_asked_for_anew():
    slurm._answers.clear()


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """Let squeue, the only command of SLURM here, say something and end with a status."""

    def says(text, status=0):
        for name in ("squeue", "sbatch", "scontrol"):
            stream = " >&2" if status else ""
            script = f"#!/bin/sh\necho asked >> {tmp_path}/asked\nprintf '{text}'{stream}\nexit {status}\n"
            (tmp_path / name).write_text(script)
            (tmp_path / name).chmod(0o755)
        return tmp_path / "asked"

    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    return says


@pytest.mark.parametrize(
    ("stderr", "told"),
    [
        ("sbatch: error: Batch job submission failed: Invalid qos specification\n", "Invalid qos specification"),
        ("sbatch: error: spank: no\nsbatch: error: Invalid account.\n", "Invalid account"),
        ("slurm_load_jobs error: Unable to contact\n", "slurm_load_jobs error: Unable to contact"),
        (
            "sbatch: unrecognized option '--x'\nTry \"sbatch --help\" for more information\n",
            "unrecognized option '--x'",
        ),
        ("", "no answer"),
    ],
)
def test_a_refusal_is_one_line(stderr, told):
    assert slurm.refusal(stderr) == told


@pytest.mark.parametrize(
    ("text", "status", "ended"),
    [
        ("17|RUNNING\n", 0, False),
        ("17|PENDING\n", 0, True),  # put back into the queue: nothing is left of the life before
        ("17|TIMEOUT\n", 0, True),
        ("", 0, True),
        ("slurm_load_jobs error: Invalid job id specified\n", 1, True),
        ("slurm_load_jobs error: Unable to contact slurm controller\n", 1, False),
    ],
)
def test_an_earlier_life_of_a_job_has_ended_when_slurm_says_so(squeue, text, status, ended):
    squeue(text.replace("\n", "\\n"), status)
    assert slurm.life_has_ended("17.0") is ended


def test_the_note_of_a_killed_job_on_another_machine_holds_nobody_up(squeue):
    note = Holder(pid=1, started=0, host="node7", since="yesterday", slurm_job="17.0")
    assert str(note) == "SLURM job 17, process 1, on node7 since yesterday"
    asked = squeue("17|RUNNING\n")
    assert not note.has_ended
    assert not note.has_ended
    assert asked.read_text() == "asked\n"  # once in a while
    slurm._answers.clear()
    squeue("17|FAILED\n")
    assert note.has_ended


def test_a_job_that_begins_again_is_not_kept_out_by_its_own_note(squeue, monkeypatch):
    squeue("17|RUNNING\n")
    note = Holder(pid=1, started=0, host="node7", since="yesterday", slurm_job="17.0")
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert not note.has_ended  # it is this life, whose processes may be on several nodes
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert note.has_ended
    assert Holder.this().slurm_job == "17.1"


def test_who_watches_asks_slurm_now_and_then_and_not_where_nothing_was_handed_over(squeue, tmp_path):
    asked = squeue("17|PENDING|Priority|stage1\\n18|RUNNING|None|data\\n")
    run = tmp_path / "run"
    assert Queue(run).jobs == {}
    assert not asked.exists()
    write_record(run, "stage1", Submitted(job="17"))
    queue = Queue(run)
    texts = {node: str(job) for node, job in queue.jobs.items()}
    assert texts == {"stage1": "SLURM job 17, pending (Priority)", "data": "SLURM job 18, running"}
    assert queue.jobs is queue.jobs
    assert asked.read_text() == "asked\n"
    squeue("no controller\\n", 1)
    late = Queue(run, every_seconds=0)
    late._jobs = queue.jobs
    assert late.jobs == queue.jobs  # no answer is no news


def test_slurm_is_asked_about_all_jobs_in_one_question(squeue):
    asked = squeue("17|RUNNING\\n18|RUNNING\\n")
    assert not slurm.life_has_ended("17.0") and not slurm.life_has_ended("18.0")
    slurm._answers.update({job: (float("-inf"), False) for job in ("17", "18")})
    asked.unlink()
    squeue("17|RUNNING\\n")  # among others, one that ended a while ago is left out
    assert not slurm.life_has_ended("17.0") and slurm.life_has_ended("18.0")
    assert asked.read_text() == "asked\n"


def test_watching_tells_at_once_of_a_job_that_was_handed_over_since_it_began(squeue, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(submitted, "_NEWS_SECONDS", 0.0)
    squeue("")
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text("")
    waiting = ExitStack()
    waiting.enter_context(run_lock(run))  # `sedlab run --slurm`

    def hand_over():
        write_record(run, "stage1", Submitted(job="17"))
        squeue("17|RUNNING|None|stage1\\n")

    def end():
        write_end(run, "stage1", Ended(job="17", code=0))
        squeue("")
        waiting.close()

    steps = iter([hand_over, lambda: None, end])
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: next(steps)())
    monkeypatch.setattr(watching, "time", clock)
    watching.watch(run)
    assert capsys.readouterr().out == f"stage1: starting (SLURM job 17, running)\n{run}: nothing is at work\n"


def test_a_job_uses_the_cores_that_it_was_given(monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "1")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert slurm.granted_cores() is None
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert num_cores() == 1


def test_no_answer_is_one_line(squeue, monkeypatch, tmp_path):
    squeue("slurm_load_jobs error: Unable to contact slurm controller (connect failure)\\n", 1)
    with pytest.raises(SedlabError, match=r"squeue: slurm_load_jobs error: Unable .* Try again later"):
        slurm.states_of(["sedlab-mini"])
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(SedlabError, match=r"squeue: not on the path. Run this on a login node"):
        slurm.states_of(["sedlab-mini"])
