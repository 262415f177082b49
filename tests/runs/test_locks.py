"""One process a node, with locks of the file system and without any; the second is told who works, and may watch."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from container import without_locks
from shell import command

from sedlab.errors import SedlabError
from sedlab.runs.locks import node_lock, run_lock, wait_until_idle
from sedlab.system import locking
from sedlab.system.locking import Holder

#: Works on a node until it is told to end; may leave a forked child behind, as data-loader workers are.
WORKER = """
import os, sys, time
from pathlib import Path
from sedlab.errors import SedlabError
from sedlab.runs.locks import node_lock
try:
    with node_lock(Path(sys.argv[1]), "stage1"):
        if len(sys.argv) > 2 and os.fork() == 0:
            time.sleep(float(sys.argv[2]))
            os._exit(0)
        print("working", flush=True)
        if "SEDLAB_TOLD_OF_LOCKS" in os.environ:
            import subprocess
            code = "from sedlab.system.locking import held; from pathlib import Path; import sys\\n"
            code += "with held(Path(sys.argv[1])): pass"
            words = [sys.executable, "-c", code, sys.argv[1] + "/other"]
            assert subprocess.run(words, check=True, capture_output=True).stderr == b"", "a child says it again"
        sys.stdin.read()
except SedlabError as error:
    print(error)
"""
WITHOUT_LOCKS = ("ENOLCK", "ENOSYS")


@pytest.fixture(params=["locks", *WITHOUT_LOCKS])
def work(request, tmp_path):
    """Return a function that starts a worker, on a file system with or without locks."""
    environment = {} if request.param == "locks" else without_locks(tmp_path, request.param)
    started = []

    def start(*arguments: str) -> subprocess.Popen:
        words = [sys.executable, "-c", WORKER, str(tmp_path / "run"), *arguments]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(words, env={**os.environ, **environment}, text=True, **pipes))
        return started[-1]

    start.warns = bool(environment)
    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_second_is_told_who_works_and_takes_over_from_one_that_was_killed(work, tmp_path):
    first = work()
    assert first.stdout.readline() == "working\n"
    second = work()
    said, warnings = second.communicate(timeout=300)
    assert f"stage1 is at work already (process {first.pid}, on {socket.gethostname()} since 20" in said
    assert f"sedlab watch {tmp_path / 'run'}" in said
    assert len(warnings.splitlines()) == work.warns
    first.kill()
    first.wait()
    third = work()
    assert third.stdout.readline() == "working\n"
    assert third.communicate("", timeout=300)[0] == ""
    assert work().stdout.readline() == "working\n"


def test_what_a_killed_process_leaves_behind_does_not_keep_the_node_for_long(tmp_path):
    words = [sys.executable, "-c", WORKER, str(tmp_path / "run"), "1.5"]
    process = subprocess.Popen(words, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "working\n"
    process.kill()
    process.communicate()
    with node_lock(tmp_path / "run", "stage1"):
        pass


@pytest.mark.parametrize("work", ["locks"], indirect=True)
def test_watching_tells_how_far_it_is_and_ends_with_the_work(work, tmp_path):
    run = tmp_path / "run"
    first = work()
    assert first.stdout.readline() == "working\n"
    (run / "config.yaml").write_text("")
    with pytest.raises(SedlabError) as refused, node_lock(run, "stage1"):
        pass
    remedy = shlex.split(str(refused.value).partition("watch it with: ")[2].partition(", or")[0])
    watching = subprocess.Popen(command(*remedy[1:]), text=True, stdout=subprocess.PIPE)
    assert watching.stdout.readline().startswith("stage1: starting (process ")
    with pytest.raises(SedlabError, match="stage1 is at work already"):
        wait_until_idle(run, seconds=0)
    first.communicate("", timeout=300)
    wait_until_idle(run, seconds=0)
    assert watching.communicate(timeout=300)[0] == f"{run}: nothing is at work\n"


def test_note_of_another_machine_counts_where_there_are_no_locks_and_the_remedy_frees_it(work, tmp_path):
    lock = tmp_path / "run" / ".locks" / "stage1.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text(Holder(pid=1, started=0, host="elsewhere", since="yesterday").model_dump_json())
    first = work()
    if work.warns:
        said, _ = first.communicate(timeout=300)
        assert said.endswith(f"If that one has ended, delete {lock}.\n")
        lock.unlink()
        first = work()
    assert first.stdout.readline() == "working\n"


@pytest.mark.parametrize("damaged", ["", "4711\n", "{", '{"pid": "x"}', "\0" * 100])
def test_note_that_says_nothing_holds_nobody_up(tmp_path, monkeypatch, damaged):
    (tmp_path / ".run.lock").write_text(damaged)
    clock = SimpleNamespace(monotonic=time.monotonic, strftime=time.strftime, sleep=lambda _: pytest.fail("it waits"))
    monkeypatch.setattr(locking, "time", clock)
    with run_lock(tmp_path):
        assert Holder.model_validate_json((tmp_path / ".run.lock").read_text()).pid == os.getpid()


@pytest.mark.parametrize("blocked", ["run/.run.lock", "run"])
def test_a_lock_that_cannot_be_opened_is_one_line_with_the_remedy(tmp_path, blocked):
    if blocked == "run":
        (tmp_path / "run").write_text("a file")
    else:
        (tmp_path / blocked).mkdir(parents=True)
    told = r"cannot be opened for writing \(.*\)\. (Move it away|Work in a folder)"
    with pytest.raises(SedlabError, match=told), run_lock(tmp_path / "run"):
        pass
    (tmp_path / blocked).rename(tmp_path / "away")
    with run_lock(tmp_path / "run"):
        pass
