"""A run whose files are no longer what its jobs wrote says so, and what it advises mends it."""

import json
import shutil

import pytest
from finished_run import finish
from tiny_project import make_experiment
from typer.testing import CliRunner

from sedlab.cli import app
from sedlab.pipeline.due.jobs import due_jobs
from sedlab.pipeline.graph import graph_of
from sedlab.runs.digests import Digests
from sedlab.runs.integrity import changed_sizes, verify
from sedlab.runs.run import create_run, open_run


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    run = create_run(make_experiment(archs=("atst",)), tmp_path_factory.mktemp("original") / "runs/nano")
    finish(run)
    return run.project


@pytest.fixture
def run(original, tmp_path):
    shutil.copytree(original, tmp_path / "project")
    return open_run(tmp_path / "project/runs/nano")


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def sedlab_verify(run, monkeypatch):
    monkeypatch.chdir(run.project)
    return CliRunner().invoke(app, ["run", "nano", "--verify"])


def test_sound_run_is_found_sound(run, monkeypatch):
    outputs = [path for job in graph_of(run) for path in job.outputs if path != job.manifest]
    assert verify(run.path).files == len(outputs)
    done = sedlab_verify(run, monkeypatch)
    assert (done.exit_code, done.stdout.strip()) == (0, f"{len(outputs)} files are as they were written")


@pytest.mark.parametrize(
    "name",
    ["iteration1/stage2/atst/best.pt", "iteration2/scores/stage2/atst/devtest.hdf5", "results.csv", "report.html"],
)
def test_one_flipped_bit_is_found_and_the_remedy_makes_the_file_anew(run, monkeypatch, name):
    flip(run.path / name)
    done = sedlab_verify(run, monkeypatch)
    assert done.exit_code == 1
    (line,) = verify(run.path).damaged
    assert line.startswith(f"{run.path / name}: not what ") and "delete it and run again" in line
    assert line in done.stderr
    (run.path / name).unlink()
    reasons = due_jobs(run, graph_of(run), Digests(run.path))
    assert f"Missing output files: {name}" in reasons.values()
    finish(run)
    assert verify(run.path).damaged == ()


def test_damaged_manifest_is_found_and_the_remedy_is_right(run):
    path = run.path / "errors/manifest.json"
    path.write_bytes(path.read_bytes()[:40])
    (line,) = verify(run.path).damaged
    assert line.startswith(f"{path}: ") and "Delete the file" in line
    path.unlink()
    assert list(due_jobs(run, graph_of(run), Digests(run.path))) == ["errors", "report"]


def test_another_size_is_always_seen(run):
    assert changed_sizes(run.path) == []
    path = run.path / "iteration1/csebbs/atst.json"
    path.write_bytes(path.read_bytes() + b"more")
    (line,) = changed_sizes(run.path)
    assert line.startswith(f"{path}: ") and "iteration1_evaluate wrote" in line


def test_files_of_an_earlier_version_are_counted_apart(run, monkeypatch):
    path = run.path / "errors/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"digests": {}}))
    assert verify(run.path).unknown == 1
    assert "1 more is of an earlier version" in sedlab_verify(run, monkeypatch).stdout


def test_there_is_nothing_to_verify_without_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["run", "nano", "--verify"])
    assert done.exit_code == 1
