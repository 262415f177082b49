"""A corpus with classes of its own goes through every stage: their number is that of the corpus everywhere."""

import numpy as np
import pandas as pd
import pytest
import torch
from own_corpus import OWN, write_own_corpus

import sedlab
from sedlab import runs
from sedlab.checkpoints.loading import load_network
from sedlab.config.loading import load_experiment
from sedlab.errors import SedlabError
from sedlab.pipeline import stages
from sedlab.report.report import SECTIONS
from sedlab.runs.run import create_run
from sedlab.scoring.names import class_name
from sedlab.scoring.results import read_results
from sedlab.scoring.scores.file import read_score_file
from sedlab.training.detection import DetectionTask
from sedlab.training.distributed import make_fabric
from sedlab.training.resume import resume

SETTINGS = [
    *("data.mini=null", "archs=[atst]", "pretrain=null", "stage2.augment.device_response.p=0"),
    *(f"{stage}.batch.{group}=0" for stage in ("stage1", "stage2") for group in ("maestro", "synth")),
    *(f"{stage}.batch.strong=4" for stage in ("stage1", "stage2")),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a run of the nano networks on five own classes, with everything done up to the report."""
    project = tmp_path_factory.mktemp("own")
    root = write_own_corpus(project / "data")
    run = create_run(load_experiment("nano", [f"data.root={root}", *SETTINGS]), project / "runs" / "own")
    stages.prepare_data(run)
    for iteration in run.iterations:
        for stage in ("stage1", "stage2"):
            stages.train(run, stage, "atst", iteration)
            stages.score(run, stage, "atst", iteration)
        stages.make_pseudo_labels(run, iteration)
        stages.evaluate(run, iteration)
    stages.compare(run)
    stages.find_errors(run)
    return run


def test_networks_scores_and_pseudo_labels_have_the_classes_of_the_corpus(run):
    for stage in ("stage1", "stage2"):
        network = load_network(run.node_dir(stage, "atst", 2) / "best.pt", network="teacher")
        assert network.classes == OWN
        assert network.head.events.weight.shape[0] == network.config.num_classes == len(OWN)
    for subset in run.corpus().subsets:
        scores = read_score_file(run.score_file(1, "ensemble", subset))
        assert scores.classes == OWN
        assert scores.logits.shape[2] == len(OWN)
    history = pd.read_csv(run.node_dir("stage1", "atst", 2) / "history.csv")
    assert (history["loss/pseudo"] > 0).all()
    assert history["val/psds1_own_val"].notna().any()


def test_metrics_errors_and_the_report_s_sections_are_of_these_classes(run):
    results = read_results(run.results)
    assert set(results["subset"]) == {"own_test"}
    assert set(results["label"]) == {"all", *OWN}
    assert {"psds1", "psds2", "collar_f1", "intersection_f1_best"} <= set(results["metric"])
    assert set(results["postprocess"]) == {"none", "median", "csebbs"}
    assert set(stages.compare(run)["model"]) == {"atst", "ensemble"}
    assert set(runs.read_errors(run)["label"]) <= set(OWN)
    for name in ("Classes", "Errors"):
        page = SECTIONS[name](run)
        assert all(class_name(label) in page for label in OWN)
        assert "Vacuum" not in page


def test_audits_and_clips_to_look_at_are_of_these_classes(run):
    audits = runs.pseudo_label_audits(run, 1)
    assert set(audits) == {"own_train", "own_weak", "own_test"}
    assert set(runs.mask_effect(run, 1)["label"]) == set(OWN)
    assert not runs.mask_effect(run, 1)["masked"].any()
    view = runs.clip_view(run, "own_test", "own_test0", 2)
    assert view.classes == OWN
    assert view.scores.shape == view.pseudo.shape == (156, len(OWN))
    listed = run.explore(subset="own_test").clips
    assert set(np.concatenate(listed["annotated"].tolist())) == set(OWN)


def test_a_detector_of_own_classes_is_read_and_filtered_by_itself(run):
    detector = sedlab.load_detector(run.node_dir("stage2", "atst", 2) / "best.pt")
    assert detector.classes == OWN
    found = detector.predict(torch.zeros(160_000))
    assert found.probabilities.shape == (1, 156, len(OWN))


def test_other_classes_are_refused_by_name(run, tmp_path):
    node, corpus = run.node("stage2", "atst", 1), run.corpus()
    fabric, best = make_fabric(node.training.trainer), run.node_dir("stage1", "atst", 1) / "best.pt"
    with pytest.raises(SedlabError, match=r"best.pt: tells 5 classes apart \(not 'Alarm_bell_ringing', .* has 27"):
        DetectionTask(node, fabric, init=best)
    published = tmp_path / "atst_stage1.pt"
    DetectionTask(node, fabric).save(published)
    with pytest.raises(SedlabError, match=r"tells 27 classes apart \(not 'whistle', 'Alarm_bell_ringing' as well\)"):
        DetectionTask(node, fabric, init=published, space=corpus.space)
    # Its transformer knows no classes.
    task = DetectionTask(node, fabric, pretrained=published, space=corpus.space)
    assert task.student.classes == OWN

    begun = run.node_dir("stage2", "atst", 1) / "last.pt"
    with pytest.raises(SedlabError, match=r"last.pt: tells 5 classes apart .* Bring its corpus back"):
        resume(begun, DetectionTask(node, fabric), node, fabric, best_so_far=best)
    assert begun.is_file()
    # With the classes that it was begun with, it goes on.
    assert resume(begun, task, node, fabric, best_so_far=best).step > 0
