import math

import numpy as np
import pytest
from scoring_material import logits_from_events, make_corpus, make_scores

from sedlab.data.targets import strong_targets
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES, DESED_CLASSES, MAESTRO_CLASSES
from sedlab.scoring.audit.reliability import audit_pseudo_labels


def slow_counts(scores, corpus, label, threshold=0.5):
    """Walk over clips and frames and count positives, detections and hits of one class."""
    positive = detected = correct = count = 0
    for row, clip in enumerate(corpus.clips.itertuples()):
        events = corpus.events[corpus.events["clip_id"] == clip.clip_id]
        truth = strong_targets(events, [label])[0] > 0.5
        for frame in range(156):
            if frame * 0.064 >= clip.duration:
                continue
            probability = 1 / (1 + math.exp(-float(scores.logits[row, frame, CLASSES.index(label)])))
            count += 1
            positive += truth[frame]
            detected += probability > threshold
            correct += truth[frame] and probability > threshold
    return [count, positive, detected, correct]


@pytest.mark.parametrize("label", ["people talking", "car", "footsteps", "announcement"])
def test_frames_are_counted_as_by_hand(maestro_corpus, label):
    scores = logits_from_events(maestro_corpus, noise=2.0)
    audit = audit_pseudo_labels(scores, maestro_corpus, "maestro_dev")
    table = audit.per_class.set_index("label")
    assert audit.unit == "frame" and audit.num_clips == 8
    wanted = slow_counts(scores, maestro_corpus, label)
    assert table.loc[label, ["count", "positive", "detected", "correct"]].tolist() == wanted
    _, positive, detected, correct = wanted
    if positive and detected:
        assert table.loc[label, "f1"] == pytest.approx(2 * correct / (positive + detected))
    assert list(table.index) == ["all", *MAESTRO_CLASSES]


def test_pooled_row_sums_the_classes(desed_corpus):
    audit = audit_pseudo_labels(logits_from_events(desed_corpus, noise=2.0), desed_corpus, "devtest")
    table = audit.per_class.set_index("label")
    columns = ["count", "positive", "detected", "correct"]
    assert table.loc["all", columns].tolist() == table.loc[list(DESED_CLASSES), columns].sum().tolist()
    assert table.loc["all", "count"] == 12 * 156 * 10


def test_ratios_without_denominator_are_nan(desed_corpus):
    scores = logits_from_events(desed_corpus, noise=0.01)
    table = audit_pseudo_labels(scores, desed_corpus, "devtest").per_class.set_index("label")
    assert table.loc["Blender", ["precision", "recall", "f1"]].isna().all()
    assert table.loc["Speech", ["precision", "recall", "f1"]].tolist() == [1.0, 1.0, 1.0]


def test_calibrated_teacher_lies_on_the_diagonal():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.02, 0.98, (400, 27))
    clips = [{"subset": "weak_train", "clip_id": f"c{k}"} for k in range(400)]
    told = rng.random((400, 27)) < probability
    events = [("weak_train", f"c{k}", math.nan, math.nan, CLASSES[c], 1.0) for k, c in np.argwhere(told) if c < 10]
    logits = np.repeat(np.log(probability / (1 - probability))[:, None], 156, axis=1)
    logits[:, 40:] -= 5.0  # a clip is judged by its loudest frame
    corpus = make_corpus(clips, events)
    audit = audit_pseudo_labels(make_scores([f"c{k}" for k in range(400)], logits), corpus, "weak_train", num_bins=5)
    assert audit.unit == "clip"
    bins = audit.reliability[audit.reliability["label"] == "all"]
    assert bins["count"].sum() == 4000 and len(bins) == 5
    assert np.allclose(bins["probability"], bins["frequency"], atol=0.05)
    assert ((bins["probability"] >= bins["low"]) & (bins["probability"] <= bins["high"])).all()
    assert audit.per_class.set_index("label").loc["all", "calibration_error"] < 0.03


def test_sure_and_wrong_teacher_has_a_large_calibration_error(desed_corpus):
    right = logits_from_events(desed_corpus, noise=0.1)
    wrong = make_scores(right.clip_ids, -2 * right.logits)
    errors = [
        audit_pseudo_labels(scores, desed_corpus, "devtest").per_class.set_index("label").loc["Speech"]
        for scores in (right, wrong)
    ]
    assert errors[0]["calibration_error"] < 0.1 < 0.9 < errors[1]["calibration_error"]
    assert errors[1]["recall"] == 0.0


def test_frames_after_the_end_of_a_clip_do_not_count():
    corpus = make_corpus(
        [{"subset": "devtest", "clip_id": "a", "duration": 6.4}], [("devtest", "a", 0.0, 6.4, "Dog", 1.0)]
    )
    audit = audit_pseudo_labels(make_scores(["a"], np.full((1, 156, 27), 5.0)), corpus, "devtest")
    assert audit.per_class.set_index("label").loc["Dog", ["count", "correct", "precision"]].tolist() == [100, 100, 1.0]


def test_unlabelled_and_absent_subsets_are_refused(desed_corpus):
    scores = logits_from_events(desed_corpus, noise=1.0)
    with pytest.raises(SedlabError, match="unlabeled_train: has no ground truth"):
        audit_pseudo_labels(scores, desed_corpus, "unlabeled_train")
    with pytest.raises(SedlabError, match="synth_val"):
        audit_pseudo_labels(scores, desed_corpus, "synth_val")
