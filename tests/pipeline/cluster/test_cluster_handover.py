"""How a job is handed to the cluster, and which jobs that are there already are gone on with."""

import asyncio
import logging
import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_project import make_experiment

from sedlab.errors import SedlabError
from sedlab.pipeline.cluster.facts import Cluster, parse_partitions
from sedlab.pipeline.cluster.handover import OnCluster, jobs_there, refuse_outdated, settings_digest
from sedlab.pipeline.cluster.profile import ClusterProfile
from sedlab.pipeline.cluster.tasks import script_of
from sedlab.pipeline.graph import graph_of
from sedlab.pipeline.joint.graph import joint_graph
from sedlab.runs.live.submitted import Queued, Submitted, slurm_name, write_record
from sedlab.runs.run import Run, create_run

CLUSTER = Cluster(parse_partitions("gpu*|gpu:a100:4|12:00:00\n"), keeps_accounts=False)
NODE = "iteration1_stage1_atst"


@pytest.fixture
def run(tmp_path) -> Run:
    return create_run(make_experiment(), tmp_path / "runs" / "tiny")


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """Give what squeue answers: rows of number, state, reason and node of a run."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name in ("sbatch", "scontrol", "squeue"):
        (folder / name).write_text(f'#!/bin/sh\necho "$0 $@" >> {folder}/asked\ncat {folder}/answer\n')
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def answer(*rows):
        (folder / "answer").write_text("".join("|".join(row) + "\n" for row in rows))
        return folder / "asked"

    return answer


def handover(run, attached=(), **wishes):
    on_cluster = OnCluster(ClusterProfile(**wishes), "slurm.yaml", CLUSTER)
    return on_cluster.handover(joint_graph([run]), {run.name: dict(attached)}, run)


def test_the_line_for_sbatch_says_all_that_was_asked_for(run):
    from sedlab.pipeline.cluster.executor import submit_command

    wishes = {"partition": "gpu", "account": "a b", "qos": "high", "constraint": "ssd|nvme", "gpu": "a100", "hours": 2}
    task = handover(run, extra=("--nice", "--exclude=node 7"), memory=16, cpus=3, **wishes).tasks[NODE]
    words = shlex.split(submit_command(task))
    assert words[0] == "sbatch"
    assert words[-1] == "/dev/stdin"
    given = " ".join(words)
    for part in (
        f"--job-name {slurm_name(run.path)}",
        f"--output {run.path}/logs/slurm/{NODE}.%j.txt",
        f"--comment {NODE}",
        "-A a b",
        "-p gpu",
        "-t 120",
        "-C ssd|nvme",
        "--qos=high",
        "--mem 16000",
        "--nodes=1",
        "--cpus-per-task=3",
        "--gres=gpu:a100:1",
        "--signal=B:USR1@120",
        "--requeue",
        "--open-mode=append",
        "--nice",
        "--exclude=node 7",
        f"-D {run.path}",
    ):
        assert part in given, part


def test_the_script_becomes_the_job_and_sees_no_cards_that_it_did_not_ask_for(run, tmp_path):
    tasks = handover(run).tasks
    assert "CUDA_VISIBLE_DEVICES" not in script_of(tasks[NODE])
    report = tasks["report"]
    report.text_log.parent.mkdir()
    script = script_of(report.model_copy(update={"words": ["-c", "import os; print(os.getpid(), os.environ)"]}))
    process = subprocess.Popen(["bash", "-c", script], env={**os.environ, "CUDA_VISIBLE_DEVICES": "3"})
    assert process.wait() == 0
    pid, _, told = report.text_log.read_text().partition(" ")
    assert int(pid) == process.pid  # signals for the batch shell reach the job
    assert "'CUDA_VISIBLE_DEVICES': ''" in told
    assert tasks[NODE].words[-2:] == ["--slurm=120", "--threads=1"]


def test_what_is_true_of_the_login_node_alone_stays_there(monkeypatch):
    from sedlab.pipeline.cluster.executor import environment_of_jobs

    for name in ("SEDLAB_RUN_PROCESS", "SEDLAB_KNOWN_CARDS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("SLURM_CONF", "/etc/slurm.conf")
    given = environment_of_jobs()
    assert given.keys() & {"SEDLAB_RUN_PROCESS", "SEDLAB_KNOWN_CARDS", "CUDA_VISIBLE_DEVICES"} == set()
    assert given["SLURM_CONF"] == "/etc/slurm.conf"


def test_inside_another_job_nothing_of_it_reaches_the_new_ones(monkeypatch):
    from sedlab.pipeline.cluster.executor import environment_of_jobs

    for name in ("SLURM_JOB_ID", "SLURM_CPUS_PER_TASK", "SLURM_MEM_PER_NODE", "SBATCH_ACCOUNT", "SLURM_CONF"):
        monkeypatch.setenv(name, "1")
    assert environment_of_jobs().keys() & {"SLURM_JOB_ID", "SLURM_CPUS_PER_TASK", "SLURM_MEM_PER_NODE"} == set()
    assert environment_of_jobs().keys() >= {"SBATCH_ACCOUNT", "SLURM_CONF"}


def test_runs_in_other_folders_have_other_names_in_the_queue(tmp_path):
    names = {slurm_name(tmp_path / folder) for folder in ("a/runs/x", "b/runs/x", "a/runs/x (1)", "a/runs/ä")}
    assert len(names) == 4
    assert all(name.isascii() and " " not in name for name in names)


def test_jobs_of_an_earlier_call_are_found_by_the_runs_name_and_gone_on_with(run, queue):
    queue(("17", "RUNNING", "None", NODE), ("18", "PENDING", "Priority", "report"), ("9", "COMPLETED", "None", "data"))
    assert jobs_there(run, graph_of(run), on_cluster=True) == {}  # none was ever handed over: SLURM is not asked
    jobs = {job.name: job for job in graph_of(run)}
    write_record(run.path, NODE, Submitted(job="17", settings=settings_digest(run, jobs[NODE])))
    asked = queue(
        ("17", "RUNNING", "None", NODE), ("18", "PENDING", "Priority", "report"), ("9", "COMPLETED", "", "data")
    )
    there = jobs_there(run, jobs.values(), on_cluster=True)
    assert there == {
        NODE: Queued(job="17", state="RUNNING", reason="None"),
        "report": Queued(job="18", state="PENDING", reason="Priority"),
    }
    assert f"--name={slurm_name(run.path)}" in asked.read_text()
    tasks = handover(run, there).tasks
    assert {name: task.attached for name, task in tasks.items() if task.attached} == {NODE: "17", "report": "18"}


def test_on_this_machine_nothing_is_done_that_the_cluster_has(run, queue):
    queue(("17", "RUNNING", "None", NODE))
    write_record(run.path, NODE, Submitted(job="17"))
    with pytest.raises(SedlabError, match=rf"1 job is in SLURM's queue \({NODE} as 17\). Add --slurm .* sedlab cancel"):
        jobs_there(run, graph_of(run), on_cluster=False)


def test_a_job_at_work_with_other_settings_is_not_taken_for_the_present_one(run, queue):
    write_record(run.path, NODE, Submitted(job="17", settings="of before"))
    queue(("17", "PENDING", "Priority", NODE))  # reads its settings when it starts
    assert NODE in jobs_there(run, graph_of(run), on_cluster=True)
    queue(("17", "RUNNING", "None", NODE))
    with pytest.raises(SedlabError, match=f"{NODE} works with other settings, as SLURM job 17. Wait for it, or cancel"):
        jobs_there(run, graph_of(run), on_cluster=True)


def test_a_job_whose_number_a_killed_call_could_not_note_is_gone_on_with(run, queue):
    write_record(run.path, NODE, Submitted(job="9", settings="of before"))
    queue(("17", "RUNNING", "None", NODE))
    assert jobs_there(run, graph_of(run), on_cluster=True)[NODE].job == "17"


def test_a_folder_s_percent_sign_is_none_of_sbatchs(tmp_path):
    from sedlab.pipeline.cluster.executor import submit_command

    run = create_run(make_experiment(), tmp_path / "100%j" / "runs" / "tiny")
    words = shlex.split(submit_command(handover(run).tasks[NODE]))
    assert words[words.index("--output") + 1] == f"{tmp_path}/100%%j/runs/tiny/logs/slurm/{NODE}.%j.txt"


def test_a_job_that_reads_what_is_to_be_made_anew_is_not_gone_on_with(run):
    graph, there = joint_graph([run]), {run.name: {NODE}}
    refuse_outdated(graph, {NODE, "iteration1_scores_stage1_atst"}, there)
    with pytest.raises(SedlabError, match=f"SLURM has {NODE}, which reads what pretrain_atst is to make anew. Wait"):
        refuse_outdated(graph, {NODE, "pretrain_atst"}, there)


def test_settings_of_other_jobs_do_not_matter(run):
    other = create_run(make_experiment().model_copy(update={"seed": 5}), run.path.with_name("other"))
    jobs, theirs = ({job.name: job for job in graph_of(one)} for one in (run, other))
    assert settings_digest(run, jobs["data"]) == settings_digest(other, theirs["data"])
    assert settings_digest(run, jobs[NODE]) != settings_digest(other, theirs[NODE])


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("sbatch", "sbatch, squeue and scontrol are not on the path. Run this on a login node"),
        ("plugin", "needs snakemake-executor-plugin-slurm. Install it: pip install 'sedlab[slurm]'"),
    ],
)
def test_what_is_not_here_is_one_line_with_the_remedy(missing, told, tmp_path, monkeypatch):
    if missing == "sbatch":
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        monkeypatch.setitem(sys.modules, "snakemake_executor_plugin_slurm", None)
    with pytest.raises(SedlabError, match="--slurm: ") as error:
        OnCluster.here(Path("none.yaml"))
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("accounts", "sacct", "squeue", "known", "asked"),
    [
        (False, "17|FAILED", "17|RUNNING:None", {"17": "RUNNING:None"}, ["squeue"]),
        (True, "17|COMPLETED", "", {"17": "COMPLETED"}, ["sacct"]),
        # Accounts come late, and do not say why a job waits.
        (True, "", "17|PENDING:Priority", {"17": "PENDING:Priority"}, ["sacct", "squeue"]),
        (True, "17|PENDING", "17|PENDING:Resources", {"17": "PENDING:Resources"}, ["sacct", "squeue"]),
        (False, "", "fail", None, ["squeue"]),
    ],
)
def test_accounts_are_asked_only_where_there_are_some(accounts, sacct, squeue, known, asked, tmp_path, monkeypatch):
    from sedlab.pipeline.cluster.executor import Executor

    for name, says in {"sacct": sacct, "squeue": squeue}.items():
        script = "exit 1" if says == "fail" else f"echo '{says}'"
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name} >> {tmp_path}/asked\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    about = SimpleNamespace(keeps_accounts=accounts)
    executor = SimpleNamespace(handover=about, _names="sedlab-mini", logger=logging.getLogger("test"))
    assert asyncio.run(Executor._ask(executor, ["17"])) == known
    assert (tmp_path / "asked").read_text().split() == asked
