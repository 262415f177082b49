"""What figures are given: read from a run folder, or one line that says what is missing."""

from dataclasses import replace

import numpy as np
import pytest
from small_run import NUM_CLIPS, complete_run, small_run

from sedlab import runs
from sedlab.data.targets import strong_targets
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES, DESED_CLASSES
from sedlab.scoring.scores.file import ScoreFile, write_score_file


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return complete_run(tmp_path_factory.mktemp("run"))


def test_every_scored_detector_and_ensemble_is_listed(run):
    nodes = runs.scored_nodes(run)
    assert set(nodes["stage"]) == {"stage2"}
    assert sorted(nodes["model"].unique()) == ["atst", "beats", "ensemble", "passt"]
    assert sorted(nodes["iteration"].unique()) == [1, 2]


def test_a_clip_shows_only_classes_its_corpus_annotates(run):
    view = runs.clip_view(run, "devtest", "devtest_0", 2)
    others = [CLASSES.index(label) for label in CLASSES if label not in DESED_CLASSES]
    assert view.scores.shape == view.pseudo.shape == (156, 27)
    assert not view.scores[:, others].any() and not view.pseudo[:, others].any()
    assert set(view.detections["label"]) <= set(DESED_CLASSES)
    assert view.waveform.shape == (160_000,)


def test_a_clip_that_nobody_annotated_has_no_track_of_the_ground_truth(run, monkeypatch):
    corpus = run.corpus()
    assert len(runs.heard_clip(run, "devtest", "devtest_0").events) == 2
    clips = corpus.clips.assign(label_kind="none")
    monkeypatch.setattr(type(run), "corpus", lambda self: replace(corpus, clips=clips, events=corpus.events[:0]))
    assert runs.heard_clip(run, "devtest", "devtest_0").events is None


def test_pseudo_labels_of_a_clip_are_those_the_iteration_learnt_from(run):
    first, second = (runs.clip_view(run, "devtest", "devtest_0", iteration) for iteration in (1, 2))
    assert first.pseudo is None
    written = runs.read_scores(run.score_file(1, "ensemble", "devtest")).select(["devtest_0"])
    desed = [CLASSES.index(label) for label in DESED_CLASSES]
    np.testing.assert_allclose(second.pseudo[:, desed], written.probabilities[0][:, desed], rtol=1e-6)


def test_a_detector_that_knows_the_truth_ranks_and_scores_perfectly(tmp_path):
    run = small_run(tmp_path)
    part = run.corpus().subset("devtest")
    targets = [strong_targets(part.events[part.events["clip_id"] == clip_id]).T for clip_id in part.clips["clip_id"]]
    logits = np.where(np.stack(targets) > 0.5, 5.0, -5.0).astype(np.float32)
    times = np.arange(157) * 0.064
    path = run.score_file(1, "ensemble", "devtest")
    write_score_file(path, ScoreFile(list(part.clips["clip_id"]), logits, CLASSES, times))

    ranking = runs.ranked_clips(run, "devtest", 1)
    assert len(ranking) == NUM_CLIPS and (ranking["f1"] > 0.99).all()
    assert runs.psds_of(run, 1, "ensemble").overall == pytest.approx(1.0)

    # Written again, the file is read again: what is remembered belongs to one version of it.
    write_score_file(path, ScoreFile(list(part.clips["clip_id"]), -logits, CLASSES, times))
    assert (runs.ranked_clips(run, "devtest", 1)["f1"] < 0.5).all()


def test_audits_cover_the_labelled_sets_that_have_pseudo_labels(run):
    audits = runs.pseudo_label_audits(run, 1)
    assert set(audits) == {"strong_train", "devtest", "maestro_dev"}
    table = runs.audit_summary(audits)
    assert list(table["clips"]) == [NUM_CLIPS] * 3
    assert table[["precision", "recall", "f1", "calibration_error"]].notna().all(axis=None)


def test_busiest_clip_has_most_classes(run):
    assert runs.busiest_clip(run, "devtest") == "devtest_0"


@pytest.mark.parametrize(
    "ask",
    [
        lambda run: runs.clip_view(run, "devtest", "devtest_0", 1),
        lambda run: runs.ranked_clips(run, "devtest", 1),
        lambda run: runs.psds_of(run, 1, "atst"),
        lambda run: runs.pseudo_label_audits(run, 1),
        lambda run: runs.heard_clip(run, "devtest", "nobody"),
        lambda run: runs.annotated_classes("audioset_eval"),
    ],
)
def test_what_is_missing_is_said_in_one_line(tmp_path, ask):
    with pytest.raises(SedlabError) as error:
        ask(small_run(tmp_path))
    assert "\n" not in str(error.value)
