"""What the audit notebook is given of a run."""

import shutil

import numpy as np
import pytest
from small_run import NUM_CLIPS, complete_run, small_run

from sedlab import runs
from sedlab.errors import SedlabError
from sedlab.labels import DESED_CLASSES
from sedlab.runs.explore.pseudo_labels import compared_subset, panel


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


def test_pseudo_labels_of_the_last_two_iterations_are_compared(run):
    compared = compared_subset(run, "strong_train")
    assert compared.pair == ("pseudo-labels, iteration 1", "pseudo-labels, iteration 2") and compared.note == ""
    assert next(iter(compared.scores)) == "labels of people" and len(compared.scores) == 1 + 2 * 4
    # DESED's classes, and those of MAESTRO that name the same sounds.
    assert len(compared.taught) == 12 and len(compared.hidden) == 15
    between = compared.between(*compared.pair, lambda label: 0.5)
    old = runs.compared_pseudo_labels(run, 1, 2, "strong_train").set_index("label")
    seconds = between.changes.by_class.set_index("label").loc[list(DESED_CLASSES), ["kept", "lost", "gained"]]
    # Both count the same frames; one leaves out what of the last frame lies behind the end of the clip.
    frames = old.loc[list(DESED_CLASSES), ["kept", "gone", "new"]]
    assert np.abs(seconds.to_numpy() / 0.064 - frames.to_numpy()).max() <= NUM_CLIPS
    assert set(between.audits()) == set(compared.pair)


def test_what_people_marked_is_one_of_the_sides(run):
    compared = compared_subset(run, "strong_train")
    between = compared.between("labels of people", "pseudo-labels, iteration 2", lambda label: 0.5)
    assert between.taught == tuple(DESED_CLASSES)
    before = between.changes.by_class.set_index("label")["before"]
    # Each clip has 3 s of one class and 3 s of the last, as marked; frames touch the ends.
    assert before[DESED_CLASSES[0]] == pytest.approx(3.0, abs=0.13)
    assert before[DESED_CLASSES[-1]] == pytest.approx(3.0 * NUM_CLIPS, abs=0.13 * NUM_CLIPS)


def test_with_one_iteration_a_single_teacher_or_the_labels_are_compared(tmp_path):
    run = complete_run(tmp_path)
    shutil.rmtree(run.pseudo_labels_dir(2))
    shutil.rmtree(run.path / "iteration2/scores")
    compared = compared_subset(run, "devtest")
    assert compared.pair == ("labels of people", "pseudo-labels, iteration 1") and "one iteration only" in compared.note
    shown = panel(run, None, (), "strong_train")
    assert "one iteration only" in shown.sentence.value and "what people marked" in shown.sentence.value


def test_suspects_are_a_queue_with_what_to_frame(run):
    table, focuses = runs.suspect_queue(run, 1, "devtest", sure=0.2, unsure=0.9999)
    assert list(focuses) == list(dict.fromkeys(table["key"])) and table["key"].str.startswith("devtest/").all()
    first = table.iloc[0]
    assert focuses[first["key"]] == {"onset": first["onset"], "offset": first["offset"], "label": first["label"]}


def test_files_of_any_laboratory_are_compared(run):
    first, second = (run.score_file(iteration, "ensemble", "devtest") for iteration in (1, 2))
    panel = runs.compare_files(first, second)
    assert panel.between.names == (str(first), str(second)) and len(panel.between.taught) == 27
    with pytest.raises(SedlabError, match="compared with itself"):
        runs.compare_files(first, first)
