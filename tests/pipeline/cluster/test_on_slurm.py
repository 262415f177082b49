"""`sedlab run --slurm` on a real cluster; jobs and kernels are real, stages only write their files.

The whole graph with real stages goes through a cluster where tests/material/finished_nano.py is made; what a time limit
does to a training is in test_time_limit.py.
"""

from __future__ import annotations

import itertools
import re
import signal
from types import SimpleNamespace

import pytest
from slurm_cluster import NODES, wait_until
from tiny_project import make_project

from sedlab.runs.locks import nodes_at_work

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
ARCHS = ("passt", "beats")
STAGE1 = [f"iteration1_stage1_{arch}" for arch in ARCHS]
#: As on a cluster without accounting, but asked more often than is polite there.
PROFILE = """
partition: main
poll_seconds: 0.2
status_seconds: 0.5
memory: 1
cpus: 1
"""


def cluster_project(folder, cluster):
    folder.mkdir()
    project = make_project(folder, ARCHS)
    (folder / "slurm.yaml").write_text(PROFILE)
    project.environment.update(cluster.environment)
    return project


def printed_until(process, text):
    """Return what a `sedlab run` has printed when this is among it."""
    output = ""
    while text not in output:
        line = process.stdout.readline()
        assert line, output
        output += line
    return output


def begun(project, name):
    """Return the notes of each time that the job was started, the first one first."""
    return [note for note in project.worked() if note["name"] == name]


@pytest.fixture(scope="module")
def two(cluster, tmp_path_factory):
    """Two experiments at once, with four jobs for two cards, and whatever may happen to them.

    When both cards are at work, one `sedlab run` is interrupted and the other killed; a node is drained, the other one
    lost. A new call goes on with the first experiment to stage 2, where one of two jobs fails.
    """
    base = tmp_path_factory.mktemp("two")
    one, other = projects = [cluster_project(base / name, cluster) for name in ("one", "other")]
    seen = SimpleNamespace(projects=projects)
    for project in projects:
        project.order(dict.fromkeys(STAGE1, "wait"))
    runs = [project.start("--slurm", "--until", "iteration1_stage1") for project in projects]
    try:
        # Both cards are at work and nobody goes on by himself; the other two jobs are in the queue.
        wait_until(
            lambda: (
                [job["state"] for job in cluster.squeue()].count("PENDING") == 2
                and sum(len(begun(project, name)) for project in projects for name in STAGE1) == 2
            ),
            "two jobs at work, two in the queue",
        )
        seen.full = cluster.squeue()

        runs[0].send_signal(signal.SIGINT)
        runs[1].kill()
        seen.interrupted, seen.killed = (process.communicate(timeout=300)[0] for process in runs)
        seen.after = cluster.squeue()

        cluster.drain("n2")
        (lost,) = [job for job in seen.full if job["node"] == "n1"]
        seen.lost = lost["id"]
        # A power cut: nothing has a place now, and what was on the lost node is put back into the queue.
        cluster.kill("n1")
        cluster.down("n1")
        wait_until(lambda: cluster.job(seen.lost)["JobState"] == "PENDING", "the lost job is in the queue")
        seen.at_work = [node for project in projects for node in nodes_at_work(project.run_folder)]

        runs.append(one.start("--slurm", "--until", "iteration1_stage2"))
        seen.printed = printed_until(runs[-1], "jobs to run")
        cluster.start("n1")  # a node that is there again returns by itself
        one.order({"iteration1_stage2_passt": "fail"})
        other.order({})
        seen.printed += runs[-1].communicate(timeout=600)[0]
        seen.status = runs[-1].returncode
        wait_until(lambda: not cluster.squeue(), "all jobs have ended")
    finally:
        for process in runs:
            process.kill()
        cluster.resume("n2")
    seen.worked = [note for project in projects for note in project.worked()]
    return seen


def test_each_run_s_jobs_have_a_name_of_their_own(two):
    assert len(two.full) == 4
    assert len({job["name"] for job in two.full}) == 2


def test_interrupted_run_says_what_goes_on_and_how_to_end_it(two):
    assert re.search(r"error: interrupted; 2 jobs go on in SLURM.*sedlab cancel", two.interrupted), two.interrupted


def test_jobs_outlive_an_interrupted_and_a_killed_run(two):
    assert [(job["id"], job["state"]) for job in two.after] == [(job["id"], job["state"]) for job in two.full]


def test_next_call_goes_on_with_the_jobs_that_are_there(two):
    assert "4 jobs to run" in two.printed
    names = {(job["name"], job["comment"]): job["id"] for job in two.full}
    assert len(names) == 4
    assert {note["job"] for note in two.worked if note["name"] in STAGE1} == set(names.values())


def test_jobs_of_a_killed_run_end_by_themselves_and_the_next_call_finds_it_done(two):
    done = two.projects[1].sedlab_run("--slurm", "--until", "iteration1_stage1")
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stdout
    for arch in ARCHS:
        assert (two.projects[1].run_folder / f"iteration1/stage1/{arch}/best.pt").is_file()


def test_a_card_is_used_by_one_job_at_a_time_whosever_it_is(two):
    on_cards = [note for note in two.worked if note["name"] in STAGE1 and "ended" in note]
    assert len(on_cards) == 4
    assert {note["card"] for note in on_cards} == {"0"}
    for node in NODES:
        mine = sorted((note for note in on_cards if note["node"] == node), key=lambda note: note["began"])
        assert mine
        for before, after in itertools.pairwise(mine):
            assert before["ended"] <= after["began"]


def test_jobs_that_need_no_card_take_none(two):
    assert {note["card"] for note in two.worked if note["name"] == "data"} <= {None, ""}


def test_drained_node_keeps_its_job_and_has_no_other(two):
    drained = [job["id"] for job in two.full if job["node"] == "n2"]
    assert [note["job"] for note in two.worked if note["node"] == "n2" and note["name"] in STAGE1] == drained


def test_job_of_a_lost_node_is_started_again_under_its_number(two):
    first, second = [note for note in two.worked if note["job"] == two.lost]
    assert "ended" not in first and "ended" in second
    assert (first["restarts"], second["restarts"]) == ("0", "1")
    assert len(two.at_work) == 1  # of the two, the one on the drained node


def test_failed_job_is_told_in_one_line_and_its_notebook_stays(two):
    assert two.status == 1
    last = two.printed.splitlines()[-1]
    assert last.startswith("error: iteration1_stage2_passt") and "ValueError: it went wrong" in last
    for suffix in ("ipynb", "html"):
        notebook = two.projects[0].run_folder / f"notebooks/iteration1_stage2_passt.{suffix}"
        assert "it went wrong" in notebook.read_text()


def test_the_rest_goes_on_after_a_failed_job(two):
    folder = two.projects[0].run_folder / "iteration1/stage2"
    assert (folder / "beats/best.pt").is_file()
    assert not (folder / "passt/best.pt").exists()
