"""The stage graph: who reads what, for any number of transformers and iterations."""

import pytest
from tiny_project import make_experiment

from sedlab.errors import SedlabError
from sedlab.pipeline.graph import build_graph, find_job
from sedlab.pipeline.score_plan import ScorePlan

SUBSETS = [
    "synth_train",
    "weak_train",
    "weak_val",
    "maestro_train",
    "maestro_val",
    "synth_val",
    "devtest",
    "maestro_dev",
]


def graph(**changes):
    return build_graph(make_experiment(**changes), ScorePlan(tuple(SUBSETS)))


@pytest.fixture(scope="module")
def jobs():
    return {job.name: job for job in graph()}


def producers(jobs, name):
    """Names of the jobs whose outputs a job reads."""
    made_by = {path: job.name for job in jobs.values() for path in job.outputs}
    return {made_by[path] for path in jobs[name].inputs if path in made_by}


def test_each_file_is_written_by_one_job(jobs):
    outputs = [path for job in jobs.values() for path in job.outputs]
    assert len(outputs) == len(set(outputs))


@pytest.mark.parametrize("iterations", [1, 2, 4])
def test_every_input_is_a_configuration_or_made_by_an_earlier_job(iterations):
    made = set()
    for job in graph(iterations=iterations):
        assert [path for path in job.inputs if path not in made and not path.endswith(".yaml")] == []
        made.update(job.outputs)


def test_stage1_starts_from_pretraining_in_every_iteration(jobs):
    for iteration in (1, 2):
        assert "pretrain_atst" in producers(jobs, f"iteration{iteration}_stage1_atst")
        assert "pretrain_passt" not in producers(jobs, f"iteration{iteration}_stage1_passt")


def test_stage2_starts_from_stage1_of_its_iteration(jobs):
    assert "iteration2_stage1_passt" in producers(jobs, "iteration2_stage2_passt")
    assert "iteration1_stage1_passt" not in producers(jobs, "iteration2_stage2_passt")


@pytest.mark.parametrize("stage", ["stage1", "stage2"])
def test_later_iterations_read_the_pseudo_labels_of_the_one_before(jobs, stage):
    assert "iteration1_pseudo_labels" in producers(jobs, f"iteration2_{stage}_atst")
    assert "iteration2_pseudo_labels" not in producers(jobs, f"iteration2_{stage}_atst")
    assert not any("pseudo_labels" in name for name in producers(jobs, f"iteration1_{stage}_atst"))


def test_pseudo_labels_join_the_stage2_students_of_all_transformers(jobs):
    expected = {"iteration1_scores_stage2_atst", "iteration1_scores_stage2_passt"}
    assert producers(jobs, "iteration1_pseudo_labels") == expected


def test_training_clips_are_scored_after_stage2_only(jobs):
    folder = "iteration2/scores"
    assert f"{folder}/stage2/atst/synth_train.hdf5" in jobs["iteration2_scores_stage2_atst"].outputs
    assert f"{folder}/stage2/atst/synth_train.teacher.hdf5" not in jobs["iteration2_scores_stage2_atst"].outputs
    assert f"{folder}/stage1/atst/synth_train.hdf5" not in jobs["iteration2_scores_stage1_atst"].outputs
    assert f"{folder}/stage1/atst/devtest.teacher.hdf5" in jobs["iteration2_scores_stage1_atst"].outputs


def test_event_boxes_are_tuned_on_validation_clips(jobs):
    evaluate = jobs["iteration2_evaluate"]
    for model, folder in (("atst", "scores/stage2/atst"), ("ensemble", "pseudo_labels")):
        assert f"iteration2/{folder}/synth_val.hdf5" in evaluate.inputs
        assert f"iteration2/csebbs/{model}.json" in evaluate.outputs
    without = build_graph(make_experiment(), ScorePlan(tuple(name for name in SUBSETS if name != "synth_val")))
    evaluate = find_job(without, "iteration2_evaluate")
    assert not [path for path in (*evaluate.inputs, *evaluate.outputs) if "synth_val" in path or "csebbs" in path]


def test_errors_are_named_on_the_test_scores_of_every_system(jobs):
    students = {f"iteration{i}_scores_stage2_{arch}" for i in (1, 2) for arch in ("atst", "passt")}
    assert producers(jobs, "errors") == students | {"iteration1_pseudo_labels", "iteration2_pseudo_labels"}
    assert {path.rsplit("/", 1)[1] for path in jobs["errors"].inputs} == {"devtest.hdf5"}
    without = build_graph(make_experiment(), ScorePlan(tuple(name for name in SUBSETS if name != "devtest")))
    assert "errors" not in {job.name for job in without}


def test_score_files_have_the_published_names():
    plan = ScorePlan(tuple(SUBSETS))
    assert plan.train_stems == ("synth_train", "weak_train", "maestro_real_train")
    assert plan.test_stems == ("devtest", "maestro_real_dev")


def test_what_a_training_resumes_from_is_no_output(jobs):
    # Snakemake deletes outputs when a job starts again.
    assert not [path for job in jobs.values() for path in job.outputs if path.endswith(("last.pt", "history.csv"))]


def test_report_is_made_again_whenever_any_node_was(jobs):
    others = {job.name for job in jobs.values() if job.name != "report"}
    assert producers(jobs, "report") == others


def test_unknown_node_is_refused_with_the_nearest_name(jobs):
    with pytest.raises(SedlabError, match="Did you mean 'iteration1_stage2_atst'"):
        find_job(jobs.values(), "iteration1_stage2_ast")
