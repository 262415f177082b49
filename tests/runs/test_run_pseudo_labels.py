"""What the audit notebook is given of a run."""

import pytest
from small_run import NUM_CLIPS, complete_run, small_run

from sedlab import runs
from sedlab.errors import SedlabError
from sedlab.labels import DESED_CLASSES


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return complete_run(tmp_path_factory.mktemp("run"))


def test_teachers_are_the_students_of_stage_2(run):
    found = runs.teachers(run, 1, "devtest")
    assert list(found) == list(run.experiment.archs)
    assert all(len(scores.clip_ids) == NUM_CLIPS for scores in found.values())


def test_each_pair_of_teachers_is_compared_on_the_annotated_classes(run):
    table = runs.compared_teachers(run, 1)
    assert len(table) == 3 * (1 + len(DESED_CLASSES))
    # Their scores are independent noise.
    assert table.query("label == 'all'")["kappa"].abs().max() < 0.1


def test_suspects_are_sorted_and_of_annotated_classes(run):
    table = runs.suspected_labels(run, 1, "devtest", sure=0.2, unsure=0.9999)
    assert table["score"].is_monotonic_decreasing
    assert set(table["label"]) <= set(DESED_CLASSES) and set(table["kind"]) <= {"denied", "unlabelled"}


def test_the_mask_is_told_for_the_training_sets_that_have_pseudo_labels(run):
    mass = runs.mask_effect(run, 1)
    assert set(mass["subset"]) == {"strong_train"} and mass["masked"].sum() == 15


def test_iterations_are_compared_on_decisions_and_on_measures(run):
    change = runs.compared_pseudo_labels(run, 1, 2, "devtest")
    assert change["label"].tolist() == ["all", *DESED_CLASSES]
    audits = [runs.pseudo_label_audits(run, iteration) for iteration in (1, 2)]
    table = runs.compared_audits(*audits)
    assert table["subset"].tolist() == list(audits[0])
    assert table["f1_second"].iloc[0] == audits[1]["strong_train"].per_class["f1"].iloc[0]


def test_a_run_without_pseudo_labels_says_what_to_do(tmp_path):
    with pytest.raises(SedlabError, match="no pseudo-labels yet"):
        runs.mask_effect(small_run(tmp_path), 1)
