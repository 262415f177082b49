"""What is done about a job, from its own word, SLURM's, and how far its training has come."""

from pathlib import Path

import pytest

from sedlab.pipeline.cluster.demands import Demand
from sedlab.pipeline.cluster.tasks import ClusterJob
from sedlab.pipeline.cluster.verdicts import MOST_TIMES, verdict
from sedlab.runs.live.submitted import AGAIN, Ended, Submitted

DEMAND = Demand(memory=4000, minutes=120, cpus=1, signal_seconds=120)
NOT_THERE = ""


def task(*, is_training=True):
    folder = Path("/runs/mini")
    paths = {"folder": folder, "state_folder": folder / "node", "text_log": folder / "logs" / "node.txt", "outputs": []}
    return ClusterJob(name="node", node="node", is_training=is_training, words=[], demand=DEMAND, settings="", **paths)


def judged(state, code=None, *, complete=False, steps=20, before=10, times=1, is_training=True):
    end = None if code is None else Ended(job="7", code=code)
    record = Submitted(job="7", steps=before, times=times)
    return verdict(task(is_training=is_training), end, state, is_complete=complete, record=record, steps=steps)


@pytest.mark.parametrize("state", ["PENDING", "RUNNING", "COMPLETING", "REQUEUED", "SUSPENDED", "REQUEUE_HOLD"])
def test_what_slurm_has_is_waited_for_whatever_is_written_already(state):
    assert judged(state, complete=True).kind == "waits"


@pytest.mark.parametrize("state", ["RUNNING", "COMPLETED", "FAILED", NOT_THERE])
def test_its_own_word_counts_before_slurms(state):
    assert judged(state, 0).kind == "done"
    assert judged(state, 1).kind == "failed"
    assert judged(state, 1).line == ""  # its log says why


def test_one_that_slurm_has_forgotten_is_what_its_outputs_say():
    assert judged(NOT_THERE, complete=True).kind == "done"
    assert judged(NOT_THERE, is_training=False).kind == "failed"
    assert judged("FAILED", complete=True, is_training=False).kind == "failed"


@pytest.mark.parametrize("state", ["TIMEOUT", "FAILED", "DEADLINE", NOT_THERE])
def test_a_training_that_was_ended_goes_on_as_long_as_it_gets_further(state):
    assert judged(state).kind == "again"
    assert judged(state, AGAIN).kind == "again"
    assert judged(state, steps=10).kind == "failed"
    assert judged(state, is_training=False).kind == "failed"


def test_the_line_says_which_wish_to_raise():
    assert "got no further than step 10 in its 2 h. Raise hours" in judged("TIMEOUT", steps=10).line
    assert "was not done in its 2 h. Raise hours" in judged("TIMEOUT", is_training=False).line
    assert "of which it had 4 GB. Raise memory" in judged("OUT_OF_MEMORY").line
    assert "/runs/mini/logs/slurm/node.7.txt" in judged("FAILED", steps=10).line


def test_what_a_person_cancelled_stays_cancelled_and_what_a_node_lost_does_not():
    assert judged("CANCELLED by 1000").kind == "failed"
    assert judged("NODE_FAIL", steps=10, is_training=False).kind == "again"
    assert judged("PREEMPTED", steps=10, times=MOST_TIMES).kind == "failed"
