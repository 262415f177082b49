"""What is to be done in a run: contents decide, whatever the times of files say."""

import json
import os
import random
import shutil
import time
import zipfile

import pytest
from finished_run import finish
from tiny_project import experiment_tree

from sedlab.config.loading import experiment_from_tree, load_experiment
from sedlab.pipeline.due.inputs import _without_paths
from sedlab.pipeline.due.jobs import due_jobs
from sedlab.pipeline.graph import graph_of
from sedlab.runs.digests import Digests
from sedlab.runs.run import Run, create_run, open_run

LAST = ["iteration2_pseudo_labels", "iteration2_evaluate", "compare", "errors", "report"]


def due(run: Run) -> dict[str, str]:
    return due_jobs(run, graph_of(run), Digests(run.path))


def experiment(weights):
    changes = {"pretrain": None, "weights": {"atst": str(weights)}}
    return experiment_from_tree(experiment_tree(archs=("atst",)) | changes, "test")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The project of a finished run that starts from weights outside of it."""
    folder = tmp_path_factory.mktemp("original")
    (folder / "start.pt").write_bytes(b"weights")
    run = create_run(experiment(folder / "start.pt"), folder / "project/runs/tiny")
    finish(run)
    assert due(run) == {}
    return folder / "project"


@pytest.fixture
def run(original, tmp_path):
    """A copy of the run to spoil."""
    shutil.copytree(original, tmp_path / "project")
    return open_run(tmp_path / "project/runs/tiny")


def zipped(source, target):
    with zipfile.ZipFile(target.with_suffix(".zip"), "w") as archive:
        for path in sorted(source.rglob("*")):
            archive.write(path, path.relative_to(source))
    with zipfile.ZipFile(target.with_suffix(".zip")) as archive:
        archive.extractall(target)


def shuffled(source, target):
    shutil.copytree(source, target)
    for path in sorted(target.rglob("*")):
        moment = random.Random(path.name).randrange(10**9, 2 * 10**9)
        os.utime(path, (moment, moment))


def without_times(source, target):
    shutil.copytree(source, target, copy_function=shutil.copyfile)


@pytest.mark.parametrize("way", [without_times, zipped, shuffled])
@pytest.mark.parametrize("what", ["project", "project/runs/tiny"])
def test_copied_run_has_nothing_to_do(run, tmp_path, way, what):
    target = tmp_path / "elsewhere" / what
    target.parent.mkdir(parents=True)
    way(tmp_path / what, target)
    assert due(open_run(tmp_path / "elsewhere/project/runs/tiny")) == {}


def test_nothing_is_due_to_touched_files(run):
    for path in run.path.rglob("*"):
        path.touch()
        time.sleep(0.001)
    assert due(create_run(run.experiment, run.path)) == {}


def test_new_run_lacks_every_output(run, tmp_path):
    found = due(Run(tmp_path / "new/runs/new", run.experiment))
    assert list(found) == [job.name for job in graph_of(run)]
    assert all("Missing output files: " in reason for reason in found.values())
    assert not (tmp_path / "new").exists()


def test_moved_weights_change_nothing_and_other_weights_everything_that_follows(run, tmp_path):
    moved = tmp_path / "renamed.pt"
    elsewhere = Run(run.path, experiment(moved))
    assert due(elsewhere) == {}
    moved.write_bytes(b"weights")
    assert due(elsewhere) == {}
    moved.write_bytes(b"WEIGHTS")
    found = due(elsewhere)
    assert found["iteration1_stage1_atst"] == f"Changed input files: {moved}"
    assert set(found) == {job.name for job in graph_of(run)} - {"data"}


def test_changed_file_counts_even_when_it_looks_older(run):
    path = run.path / "iteration2/scores/stage2/atst/devtest.hdf5"
    path.write_text("other scores")
    os.utime(path, (0, 0))
    found = due(run)
    assert list(found) == LAST
    assert found["iteration2_pseudo_labels"] == "Changed input files: iteration2/scores/stage2/atst/devtest.hdf5"


def test_deleted_file_is_due_and_what_follows_from_it(run):
    (run.path / "iteration2/scores/stage2/atst/devtest.hdf5").unlink()
    found = due(run)
    assert list(found) == ["iteration2_scores_stage2_atst", *LAST]
    assert found["iteration2_evaluate"].startswith("Input files updated by another job: ")
    (run.path / "iteration2/scores/stage2/atst/strong_train.hdf5").unlink()
    names = "iteration2/scores/stage2/atst/devtest.hdf5 and 1 more"
    assert due(run)["iteration2_scores_stage2_atst"] == f"Missing output files: {names}"


def test_changed_option_is_seen_before_it_is_written(run):
    tree = run.experiment.model_dump(mode="json")
    tree["rules"] = [{"when": {"stage": "stage2", "from_iteration": 2}, "set": {"epochs": 5}}]
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    found = due(Run(run.path, experiment_from_tree(tree, "test")))
    assert list(found) == ["iteration2_stage2_atst", "iteration2_scores_stage2_atst", *LAST]
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before


def test_unreadable_manifest_is_due(run):
    for text in ("", "{", "[1]", '{"node": 1}', "\0" * 10):
        (run.path / "iteration2/manifest.json").write_text(text)
        assert due(run)["iteration2_evaluate"] == "Unreadable manifest: iteration2/manifest.json"


def test_damaged_memory_of_digests_is_read_anew(run):
    for text in ("", "[]", '{"results.csv": 1}', '{"results.csv": [1, 2, 3, 4, 5]}', "[" * 100_000):
        (run.path / ".digests").write_text(text)
        assert due(run) == {}


def test_missing_waveform_cache_is_built_again_and_nothing_else(run):
    shutil.rmtree(run.cache_dir)
    run.data_root.mkdir(exist_ok=True)
    assert due(run) == {"data": f"Missing waveform cache: {run.cache_dir}"}
    (run.path / "iteration2/metrics.csv").unlink()
    assert list(due(run)) == ["data", "iteration2_evaluate", "compare", "report"]


def test_clips_are_only_missed_where_there_is_something_to_do(run):
    shutil.rmtree(run.data_root)
    assert due(run) == {}
    run.report.unlink()
    assert list(due(run)) == ["data", "report"]


def test_run_of_an_earlier_version_is_judged_by_times(run):
    for path in run.path.rglob("manifest.json"):
        kept = {
            name: value for name, value in json.loads(path.read_text()).items() if name not in ("inputs", "digests")
        }
        path.write_text(json.dumps(kept))
    for moment, job in enumerate(graph_of(run)):
        for name in job.outputs:
            os.utime(run.path / name, (2e9 + moment, 2e9 + moment))
    assert due(run) == {}
    (run.path / "iteration2/scores/stage2/atst/devtest.hdf5").touch()
    os.utime(run.path / "iteration2/scores/stage2/atst/devtest.hdf5", (3e9, 3e9))
    assert list(due(run)) == LAST
    tree = run.experiment.model_dump(mode="json")
    tree["rules"] = [{"when": {"stage": "stage2", "from_iteration": 2}, "set": {"epochs": 5}}]
    assert "iteration2_stage2_atst" in due(Run(run.path, experiment_from_tree(tree, "test")))


def test_a_trainer_of_today_is_as_finished_as_one_before_there_was_a_choice():
    """A configuration's digest is that of the options there were, in their order, unless new ones are used."""

    def trainer_of(*settings: str) -> dict:
        node = load_experiment("nano", settings).node("stage2", "atst", 1)
        return json.loads(_without_paths(node))["training"]["trainer"]

    before = {"accelerator": "auto", "precision": "32-true", "devices": 1, "compile": False, "num_workers": 0}
    before |= {"eval_batch": 20, "checkpoint_seconds": 0.0}
    assert list(trainer_of().items()) == list(before.items())
    assert trainer_of("stage2.trainer.graphs=false") == before | {"graphs": False}
    assert trainer_of("stage2.trainer.precision=16-mixed", "stage2.trainer.compile=true") == before | {
        "precision": "16-mixed",
        "compile": True,
    }
