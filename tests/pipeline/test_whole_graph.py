"""The whole method at its smallest, through Papermill: two iterations, two models, evaluation, report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
from container import small_shared_memory, without_locks
from finished_nano import ARCHS, CLUSTER_JOBS, PRESET, PRINTED, copy_of, finished_nano, signatures_of
from nbformat.sign import NotebookNotary
from notebook_outputs import shown
from shell import sedlab
from slurm_cluster import need_slurm

from sedlab.models.detector import Detector
from sedlab.pipeline import stages
from sedlab.pipeline.graph import graph_of
from sedlab.runs.run import Run, open_run
from sedlab.scoring.results import COLUMNS, ladder, read_results
from sedlab.scoring.scores.file import read_score_file
from sedlab.scoring.scores.predict import predict_logits
from sedlab.scoring.subset import evaluate_score_file

__all__ = ["finished_nano"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
KEY = ("psds1", "median", "all")


@pytest.fixture(scope="module")
def project(finished_nano, tmp_path_factory) -> Path:
    """A folder in which `sedlab run` has ended."""
    return copy_of(finished_nano, tmp_path_factory.mktemp("whole") / "project")


@pytest.fixture(scope="module")
def run(project) -> Run:
    return open_run(project / "runs" / "nano")


def dry_run(project: Path, *options: str) -> dict[str, str]:
    """The jobs that would run, {name: reason}."""
    done = sedlab("run", PRESET, "--dry-run", *options, cwd=project)
    assert done.returncode == 0, done.stderr
    return dict(line.split(maxsplit=1) for line in done.stdout.splitlines()[1:])


def test_it_ends_with_the_ladder_and_the_path_of_the_report(project):
    lines = (project / PRINTED).read_text().splitlines()
    (header,) = [index for index, line in enumerate(lines) if "PSDS1" in line and "mpAUC" in line]
    assert any("ensemble" in line for line in lines[header:])
    assert lines[-1].startswith("report: runs/nano/report.html")


def test_every_job_of_the_graph_was_one_of_a_real_cluster_that_ended_well(project, run):
    need_slurm()
    jobs = json.loads((project / CLUSTER_JOBS).read_text())
    assert sorted(job["comment"] for job in jobs) == sorted(job.name for job in graph_of(run))
    assert {job["state"] for job in jobs} == {"COMPLETED"}


def test_results_hold_every_model_stage_and_iteration(run):
    results = read_results(run.results)
    assert tuple(results.columns) == COLUMNS
    overall = results[results["label"] == "all"]
    found = set(zip(overall["iteration"], overall["stage"], overall["model"], overall["teacher"], strict=True))
    trained = {(i, s, a, t) for i in (1, 2) for s in ("stage1", "stage2") for a in ARCHS for t in (False, True)}
    pretrained = {(0, "pretrain", "atst", False)}
    assert found == trained | pretrained | {(i, "stage2", "ensemble", False) for i in (1, 2)}
    measured = set(zip(overall["subset"], overall["metric"], strict=True))
    desed = {(subset, metric) for subset in ("devtest", "eval_public") for metric in ("psds1", "psds2")}
    f1 = {f"{kind}_f1{which}" for kind in ("collar", "intersection") for which in ("", "_best")}
    maestro = {("maestro_dev", metric) for metric in ("mpauc", "mpauc_linear")}
    assert measured == desed | maestro | {("devtest", metric) for metric in f1} | {("audioset_eval", "psds1")}
    boxes = overall[overall["postprocess"] == "csebbs"]
    assert set(boxes["model"]) == {*ARCHS, "ensemble"} and set(boxes["subset"]) == {"devtest"}
    assert set(overall.dropna(subset=["low"])["metric"]) <= {"psds1", "mpauc"}


def test_every_node_has_a_manifest_and_every_stage_an_executed_notebook_and_a_page(run):
    for job in graph_of(run):
        if job.manifest:
            manifest = json.loads((run.path / job.manifest).read_text())
            assert (manifest["node"], manifest["status"]) == (job.name, "complete")
            assert all((run.path / name).stat().st_size == size for name, size in manifest["files"].items())
        for log in job.logs:
            assert (run.path / log).is_file()


def test_pseudo_labels_cover_every_training_clip(run):
    corpus = run.corpus().select(split="train")
    clips = corpus.clips[corpus.clips["group"] != "audioset"]
    for subset, part in clips.groupby("subset"):
        stem = {"maestro_train": "maestro_real_train"}.get(subset, subset)
        scores = read_score_file(run.pseudo_labels_dir(1) / f"{stem}.hdf5")
        assert set(part["clip_id"]) <= set(scores.clip_ids)
        assert scores.logits.shape[1:] == (156, 27)


def test_second_iteration_learns_from_the_pseudo_labels_of_the_first(run):
    for iteration, expected in ((1, False), (2, True)):
        history = pd.read_csv(run.node_dir("stage1", "atst", iteration) / "history.csv")
        assert ("loss/pseudo" in history and history["loss/pseudo"].max() > 0) == expected


#: Executed notebook -> pictures it shows at least, and the widgets it offers.
SHOWN = {
    "pretrain_atst": (3, ()),
    "iteration1_stage1_atst": (3, ()),
    "iteration2_stage1_beats": (3, ()),
    "iteration2_stage2_atst": (5, ()),
    "iteration1_pseudo_labels": (11, ("Explorer", "Explorer")),
    "iteration2_pseudo_labels": (12, ("Explorer", "Explorer")),
    "iteration2_evaluate": (10, ("PsdsExplorer", "Explorer")),
    "compare": (8, ("PsdsExplorer",)),
    "errors": (5, ("Explorer",)),
}


@pytest.mark.parametrize("name", SHOWN)
def test_executed_notebook_shows_its_pictures_and_inspectors(run, name):
    num_pictures, widgets = SHOWN[name]
    seen = shown(run.notebook(name))
    assert len(seen.pictures) >= num_pictures
    # An empty sheet, or axes without content, would be nearly white all over.
    assert all(picture.std() > 0.05 and min(picture.shape) > 150 for picture in seen.pictures)
    assert seen.widgets == list(widgets)
    assert seen.tables
    assert seen.complaints == ""


def test_executed_notebooks_store_no_widget_are_signed_and_as_small_as_their_pages(finished_nano, run):
    files = sorted((run.path / "notebooks").iterdir())
    assert {file.suffix for file in files} == {".ipynb", ".html"}
    sizes = {file.name: file.stat().st_size for file in (*files, run.report)}
    assert {name: size for name, size in sizes.items() if size > 3_000_000} == {}
    notary = NotebookNotary(data_dir=str(signatures_of(finished_nano)))
    for file in files:
        if file.suffix == ".ipynb":
            notebook = nbformat.read(file, as_version=4)
            assert "widgets" not in notebook.metadata
            assert "jupyter.widget" not in file.read_text(encoding="utf-8")
            assert notary.check_signature(notebook)


def test_notebook_shows_the_numbers_of_the_run(run):
    table = ladder(read_results(run.metrics(2))).round(3)
    heads, *rows = shown(run.notebook("iteration2_evaluate")).tables[0]
    assert heads[1:] == list(table.columns)
    told = [(row[heads.index("model")], row[heads.index("stage")], float(row[heads.index("psds1")])) for row in rows]
    assert told == list(table[["model", "stage", "psds1"]].itertuples(index=False, name=None))


def test_training_notebook_says_how_long_it_trained(run):
    results = json.loads((run.node_dir("stage2", "beats", 1) / "manifest.json").read_text())["results"]
    said = f"{results['steps']} steps, best objective {results['objective']:.3f}\n"
    assert said in shown(run.notebook("iteration1_stage2_beats")).printed


def test_report_is_one_page_that_names_the_experiment(run):
    page = run.report.read_text(encoding="utf-8")
    assert "nano" in page
    assert 'src="http' not in page


@pytest.mark.parametrize("arch", ARCHS)
def test_an_untrained_detector_finds_next_to_nothing(run, arch):
    torch.manual_seed(1)
    detector = Detector(run.node("stage1", arch, 1).detector)
    corpus = run.corpus().subset("devtest")
    scores = predict_logits(detector, run.cache(), corpus.clips)
    rows = evaluate_score_file(scores, corpus, "devtest", iteration=1, model=arch, stage="stage1")
    (value,) = [row["value"] for row in rows if (row["metric"], row["postprocess"], row["label"]) == KEY]
    assert 0 <= value < 0.05


def test_second_call_has_nothing_to_do(project):
    done = sedlab("run", PRESET, cwd=project)
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stdout


def test_stepping_through_the_stages_of_a_finished_run_changes_nothing(project, run):
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.suffix in (".pt", ".hdf5", ".json")}
    fits = [stages.pretrain(run, "atst"), *(stages.train(run, stage, "atst", 2) for stage in ("stage1", "stage2"))]
    assert all(fit.best.is_file() and fit.steps > 0 and fit.history.is_file() for fit in fits)
    assert all(path.is_file() for stage in ("stage1", "stage2") for path in stages.score(run, stage, "atst", 1))
    assert all(path.is_file() for path in stages.make_pseudo_labels(run, 1).values())
    assert not stages.evaluate(run, 1).empty
    assert not stages.compare(run).empty
    assert not stages.find_errors(run).empty
    after = {path: path.stat().st_mtime_ns for path in before}
    assert before == after
    assert dry_run(project) == {}


def test_deleted_score_file_brings_back_exactly_its_descendants(project, run):
    path = run.scores_dir(1, "stage2", "beats") / "weak_train.hdf5"
    kept = path.with_name("kept")
    path.rename(kept)
    try:
        jobs = dry_run(project)
    finally:
        kept.rename(path)
    assert jobs["iteration1_scores_stage2_beats"] == f"Missing output files: {path.relative_to(run.path)}"
    iteration2 = {job.name for job in graph_of(run) if job.name.startswith("iteration2")}
    following = {"iteration1_pseudo_labels", "iteration1_evaluate", "compare", "errors", "report"}
    assert set(jobs) == {"iteration1_scores_stage2_beats"} | following | iteration2


def test_changed_stage2_option_keeps_pretraining_and_stage1_of_the_first_iteration(project, run):
    jobs = set(dry_run(project, "--set", "stage2.epochs=3"))
    kept = {job.name for job in graph_of(run)} - jobs
    trained = {f"iteration1_stage1_{arch}" for arch in ARCHS} | {f"iteration1_scores_stage1_{arch}" for arch in ARCHS}
    assert kept == {"data", "pretrain_atst"} | trained
    assert dry_run(project) == {}


def test_a_run_where_everything_is_in_the_way_has_the_same_results(finished_nano, run, tmp_path):
    """As in a container: no home, little shared memory, no locks, another kernel, files named like modules.

    What comes before stage 2 is taken from the finished run.
    """
    other = tmp_path / "jupyter" / "kernels" / "python3"
    other.mkdir(parents=True)
    (other / "kernel.json").write_text('{"argv": ["false"], "display_name": "other", "language": "python"}')
    work = copy_of(finished_nano, tmp_path / "work")
    (work / "sedlab").mkdir()
    for name in ("random", "queue", "types", "pathlib", "inspect", "torch", "pandas"):
        (work / f"{name}.py").write_text("raise SystemExit('a module of the working folder')")
    environment = {"HOME": "/dev/null/nobody", "JUPYTER_PATH": str(other.parents[1])}
    environment |= {**without_locks(tmp_path), **small_shared_memory(tmp_path)}
    # Loaded by threads, which the numbers do not depend on.
    options = ["--until", "iteration1_scores_stage2_atst", "--set", "stage2.trainer.num_workers=2", "--name", "held"]
    # Not `python -m`, which would itself import from the working folder.
    words = [Path(sys.executable).with_name("sedlab"), "run", PRESET, *options]
    done = subprocess.run(words, cwd=work, env={**os.environ, **environment}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.partition(":")[0] for line in done.stderr.splitlines()][:2] == ["warning", "warning"]
    assert "2 jobs to run" in done.stdout
    here = open_run(work / "runs" / "held")
    one, other = (folder.node_dir("stage2", "atst", 1) / "history.csv" for folder in (here, run))
    # But for the time it took.
    tables = (pd.read_csv(path).drop(columns="seconds") for path in (one, other))
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    one, other = (read_score_file(folder.score_file(1, "atst", "devtest")).logits for folder in (here, run))
    assert np.array_equal(one, other)
