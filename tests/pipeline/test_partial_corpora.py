"""Runs on parts of the corpora: what is planned with which sets, and the whole graph with MAESTRO alone."""

from __future__ import annotations

import os
import shutil

import pytest
from nano_sizes import NANO_SIZES
from notebook_cells import run_cells

from sedlab import runs
from sedlab.config.loading import load_experiment
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.mini import generate
from sedlab.errors import SedlabError
from sedlab.pipeline.due.jobs import due_jobs
from sedlab.pipeline.graph import graph_of
from sedlab.pipeline.readiness import examine
from sedlab.pipeline.score_plan import score_plan
from sedlab.pipeline.stages import run_stage
from sedlab.runs.digests import Digests
from sedlab.runs.manifest import read_manifest
from sedlab.runs.run import Run, create_run
from sedlab.scoring.results import read_results
from sedlab.training.node import without_empty_groups

MAESTRO = ("maestro_train", "maestro_dev")
AUDIOSET = ("audioset_train", "audioset_eval")
DESED = ("synth_train", "strong_train", "weak_train", "unlabeled_train", "synth_val", "devtest", "eval_public")

#: What is not there -> what event boxes are tuned on, what events are judged on, groups that batches do without.
PLANS = {
    (): ("synth_val", "devtest", set()),
    (*MAESTRO, *AUDIOSET): ("synth_val", "devtest", {"maestro"}),
    (*DESED, *AUDIOSET): ("", "", {"strong", "synth", "weak", "unlabeled"}),
    ("synth_val",): ("", "devtest", set()),
    (*MAESTRO, "synth_val"): ("", "devtest", {"maestro"}),
    ("weak_train",): ("synth_val", "devtest", {"weak"}),
    ("unlabeled_train", "strong_train"): ("synth_val", "devtest", {"unlabeled", "strong"}),
    ("devtest",): ("synth_val", "eval_public", set()),
    ("eval_public", "maestro_dev"): ("synth_val", "devtest", set()),
    ("devtest", "eval_public", "maestro_dev"): ("synth_val", "", set()),
}
#: What is not there -> what the run lacks.
NOTHING_TO_DO = {
    tuple(name for name in (*DESED, *MAESTRO) if name not in ("unlabeled_train", "devtest")): "maestro_train",
    (*MAESTRO, "synth_val", "weak_train"): "synth_val",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A root with every set of `nano`; small recordings, so that training it twice takes seconds."""
    data = load_experiment("nano").data
    root = tmp_path_factory.mktemp("whole") / "data"
    sizes = NANO_SIZES | {"num_synth_val": 3, "num_devtest": 2, "num_maestro_dev": 2, "num_weak": 10}
    generate(root, data.mini.model_copy(update=sizes), workers=1)
    (root / "mini.json").unlink()
    return root


def without(whole, folder, *absent):
    """Return an experiment on what is left of the sets, and its data root in ``folder``."""
    root = folder / "data/some"
    shutil.copytree(whole, root, copy_function=os.link, ignore=shutil.ignore_patterns("cache"))
    take_away(root, *absent)
    settings = ["archs=[atst]", "data.mini=null", "data.root=data/some", "stage1.epochs=1", "stage2.epochs=1"]
    settings += ["stage1.validate_every=1", "stage2.validate_every=1"]
    return load_experiment("nano", [*settings, *(["pretrain=null"] if "audioset_train" in absent else [])])


def take_away(root, *names):
    for name in names:
        if SUBSETS[name].table:
            (root / SUBSETS[name].table).unlink(missing_ok=True)
        shutil.rmtree(SUBSETS[name].audio_folder(root) or root / "none", ignore_errors=True)


@pytest.mark.parametrize("absent", PLANS, ids=lambda names: "all" if not names else "without " + " ".join(names))
def test_plan_asks_each_question_of_a_set_that_is_there(whole, tmp_path, absent):
    tuned, judged, without_clips = PLANS[absent]
    run = Run(tmp_path / "runs/nano", without(whole, tmp_path, *absent))
    ready = examine(run)
    assert ready.missing == [] and ready.from_found_clips
    plan = score_plan(run)
    assert (plan.tuning_subset, plan.error_subset, run.event_test) == (tuned, judged, judged)
    jobs = {job.name: job for job in graph_of(run)}
    assert ("errors" in jobs) == bool(judged)
    assert any("csebbs" in path for path in jobs["iteration1_evaluate"].outputs) == bool(tuned)
    node, empty = without_empty_groups(run.node("stage1", "atst", 1), run.corpus())
    assert set(empty) == without_clips
    # What is estimated is what is trained.
    cost = {cost.node: cost for cost in ready.trainings}[node.name]
    assert cost.batch_clips == node.training.batch.total and cost.steps > 0


@pytest.mark.parametrize("absent", NOTHING_TO_DO, ids=["nothing labelled", "no validation"])
def test_what_cannot_be_done_without_is_named(whole, tmp_path, absent):
    run = Run(tmp_path / "runs/nano", without(whole, tmp_path, *absent, *AUDIOSET))
    assert NOTHING_TO_DO[absent] in examine(run).missing


def test_told_are_the_clips_of_each_test_and_what_is_not_there(whole, tmp_path):
    run = Run(tmp_path / "runs/nano", without(whole, tmp_path, "devtest", "maestro_train", "maestro_dev"))
    assert runs.told_parts(run).splitlines() == [
        "Tested on eval_public (1 clips).",
        "PSDS1 and errors are those of eval_public: devtest is not there.",
        "No mpAUC: maestro_dev is not there.",
        "Trained without maestro: there are no such clips.",
    ]


def test_a_test_set_with_fewer_clips_than_published_is_told(nano, tmp_path):
    corpus, _ = nano
    clips = corpus.subset("devtest").clips
    some = clips.loc[clips.index.repeat(923)].assign(clip_id=lambda table: [str(n) for n in range(len(table))])

    class Incomplete(Run):
        def corpus(self):
            return type(corpus)(clips=some, events=corpus.events, root=corpus.root)

    run = Incomplete(tmp_path, load_experiment("nano", ["data.mini=null", f"data.root={corpus.root}"]))
    told = "Tested on devtest (923 of the 1,168 published clips, 79%: not comparable with scores on all of them)."
    assert runs.told_parts(run).startswith(told)


@pytest.mark.slow
def test_graph_with_maestro_alone_and_what_becomes_of_it_when_sets_are_taken_away(whole, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run = create_run(without(whole, tmp_path, *DESED, *AUDIOSET), tmp_path / "runs/nano")
    jobs = graph_of(run)
    assert {job.kind for job in jobs} == {
        *("data", "stage1", "scores", "stage2", "pseudo_labels", "evaluate", "compare", "report")
    }
    printed = {}
    for job in jobs:
        if job.notebook and job.parameters.get("iteration", 2) == 2:
            printed[job.name] = run_cells(job.notebook, run=str(run.path), preset="", **job.parameters)
        else:
            run_stage(run, job.kind, job.parameters)
        assert (run.path / job.manifest).is_file(), job.name
    assert "warning: iteration1_stage1_atst: no training clips of strong, synth, weak" in capsys.readouterr().err
    said = "No PSDS, no F1, no named errors"
    assert said in printed["iteration2_evaluate"] and said in printed["compare"]
    assert said in run.report.read_text() and "could not be made" not in run.report.read_text()
    trained = read_manifest(run.node_dir("stage2", "atst", 2) / "manifest.json").results
    assert trained["groups_without_clips"] == ["strong", "synth", "weak", "unlabeled"]
    results = read_results(run.results)
    assert set(results["subset"]) == {"maestro_dev"} and results["value"].notna().any()
    # What has been made of a set stands when the set is gone, and is said to be there no more.
    take_away(run.data_root, "maestro_dev")
    gone = Run(run.path, run.experiment)
    assert due_jobs(gone, graph_of(gone), Digests(run.path)) == {}
    for job in graph_of(gone)[:-1]:  # the last one is a page that is drawn again whenever it is asked for
        run_stage(gone, job.kind, job.parameters)
    assert "Not tested" in run_cells("06_evaluate", run=str(run.path), preset="")


def test_what_is_shown_is_of_a_set_that_is_there(nano, tmp_path):
    corpus, _ = nano

    class Here(Run):
        def corpus(self):
            return part

    run = Here(tmp_path, load_experiment("nano"))
    part = corpus.subset("synth_train", "weak_train", "maestro_dev", "audioset_train")
    assert runs.first_subset(run, "synth_val", "maestro_dev") == "maestro_dev"
    assert runs.first_subset(run, "synth_val", "devtest") == "synth_train"
    part = corpus.subset("synth_train", "synth_val")  # of which the second has one clip
    assert runs.first_subset(run, "synth_val") == "synth_val"
    assert runs.first_subset(run, "synth_val", at_least=2) == "synth_train"
    part = corpus.subset("audioset_train", "unlabeled_train")
    with pytest.raises(SedlabError, match=r"holds no annotated clips of the task\. Add one of: devtest"):
        runs.first_subset(run, "devtest")
