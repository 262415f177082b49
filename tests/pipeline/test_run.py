"""`sedlab run` with real jobs and kernels and stages that only write their files: what runs, and when it goes wrong."""

import signal
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow


def planned(project, *options):
    """Names of the jobs a dry run lists."""
    done = project.sedlab_run("--dry-run", *options)
    assert done.returncode == 0, done.stderr
    if done.stdout.strip() == "nothing to do":
        return []
    return [line.split()[0] for line in done.stdout.splitlines()[1:]]


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Contents and time stamp of every file of a run, but for what Snakemake keeps for itself."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and ".snakemake" not in path.parts and path.parent.name != "logs" and path.suffix != ".lock"
    }


def wait_for(condition, seconds=300.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def test_dry_run_lists_every_job_with_a_reason_and_writes_nothing(project):
    done = project.sedlab_run("--dry-run")
    assert done.returncode == 0, done.stderr
    title, *lines = done.stdout.splitlines()
    assert title == "17 jobs would run"
    assert all("Missing output files: " in line for line in lines)
    assert not (project.folder / "runs").exists()


def test_finished_run_has_nothing_to_do_and_says_so(finished):
    done = finished.sedlab_run()
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stdout
    assert f"report: {Path('runs/tiny/report.html')}" in done.stdout
    assert planned(finished) == []


def test_touched_files_are_not_made_again(finished):
    for path in (finished.run_folder / "configs").glob("*.yaml"):
        path.touch()
    assert planned(finished) == []


def test_deleted_score_file_brings_back_exactly_its_descendants(finished):
    (finished.run_folder / "iteration2/scores/stage2/atst/devtest.hdf5").unlink()
    expected = [
        "iteration2_scores_stage2_atst",
        "iteration2_pseudo_labels",
        "iteration2_evaluate",
        "compare",
        "errors",
        "report",
    ]
    assert planned(finished) == expected
    finished.order({"iteration2_evaluate": "warn"})
    done = finished.sedlab_run()
    assert done.returncode == 0
    # Once, although the job says its name as well.
    assert done.stderr == "warning: iteration2_evaluate: there is little to learn from\n"
    assert planned(finished) == []


def test_changed_option_runs_its_stage_and_what_follows(finished):
    expected = [
        "iteration2_stage2_atst",
        "iteration2_scores_stage2_atst",
        "iteration2_pseudo_labels",
        "iteration2_evaluate",
        "compare",
        "errors",
        "report",
    ]
    before = files(finished.run_folder)
    # A rule that holds from iteration 2 on: nothing of iteration 1 may be touched.
    rule = "{when: {stage: stage2, from_iteration: 2}, set: {epochs: 5}}"
    assert planned(finished, "--set", f"rules=[{rule}]") == expected
    assert files(finished.run_folder) == before


def test_fewer_iterations_leave_trained_nodes_alone(finished):
    assert planned(finished, "--iterations", "1") == ["compare", "errors", "report"]


def test_kernel_that_dies_fails_the_job_and_the_next_run_goes_on(finished):
    checkpoint = finished.run_folder / "iteration2/stage2/atst/best.pt"
    checkpoint.unlink()
    finished.order({"iteration2_stage2_atst": "die"})
    done = finished.sedlab_run()
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "iteration2_stage2_atst" in line
    assert "kernel died" in line
    assert not checkpoint.exists()
    assert planned(finished)[0] == "iteration2_stage2_atst"


def test_failed_notebook_stays_and_shows_the_error(finished):
    (finished.run_folder / "iteration2/stage2/atst/best.pt").unlink()
    finished.order({"iteration2_stage2_atst": "fail"})
    done = finished.sedlab_run()
    assert done.returncode == 1
    assert "ValueError: it went wrong" in done.stderr
    for suffix in ("ipynb", "html"):
        assert "it went wrong" in (finished.run_folder / f"notebooks/iteration2_stage2_atst.{suffix}").read_text()


def hanging(project):
    """Start a run whose last stage 2 hangs; return its process and the kernel's."""
    (project.run_folder / "iteration2/stage2/atst/best.pt").unlink()
    project.order({"iteration2_stage2_atst": "hang"})
    process = project.start()
    note = project.folder / "kernel.pid"
    wait_for(lambda: note.is_file() and note.read_text())
    return process, psutil.Process(int(note.read_text()))


def descendants(process):
    return psutil.Process(process.pid).children(recursive=True)


def all_gone(processes):
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_survives_a_stopped_run_and_the_next_one_goes_on(finished, number):
    process, kernel = hanging(finished)
    family = [*psutil.Process(process.pid).children(recursive=True), kernel]
    refused = finished.sedlab_run("--dry-run")
    assert refused.returncode == 1
    assert f"another `sedlab run` works here (process {process.pid}, on " in refused.stderr

    process.send_signal(number)
    process.communicate(timeout=300)
    assert process.returncode != 0
    wait_for(lambda: all_gone(family), 120)
    (finished.run_folder / ".last.0123abcd.pt").write_text("half")

    finished.order({})
    done = finished.sedlab_run()
    assert done.returncode == 0, done.stderr
    assert planned(finished) == []
    assert not (finished.run_folder / ".last.0123abcd.pt").exists()
    assert list((finished.run_folder / ".scheduler").iterdir()) == []


def test_killed_scheduler_ends_the_run(finished):
    process, kernel = hanging(finished)
    family = [*psutil.Process(process.pid).children(recursive=True), kernel]
    (scheduler,) = psutil.Process(process.pid).children()
    scheduler.kill()
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "the scheduler ended unexpectedly" in output
    wait_for(lambda: all_gone(family), 120)
