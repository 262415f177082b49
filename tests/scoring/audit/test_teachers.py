"""Teachers beside each other, iterations beside each other, and what the class mask takes away."""

import numpy as np
import pandas as pd
import pytest
from scoring_material import logits_from_events, make_scores

from sedlab.errors import SedlabError
from sedlab.labels import CLASSES, DESED_CLASSES, MAESTRO_CLASSES
from sedlab.scoring.audit.change import audit_change, pseudo_label_change
from sedlab.scoring.audit.masked_mass import masked_mass, masked_shares
from sedlab.scoring.audit.reliability import audit_pseudo_labels
from sedlab.scoring.audit.teacher_agreement import teacher_agreement

CLIPS = pd.DataFrame({"clip_id": ["a", "b"], "duration": [10.0, 10.0]})


@pytest.fixture
def one():
    return make_scores(["a", "b"], np.random.default_rng(1).normal(0, 2, (2, 156, 27)))


def test_a_teacher_agrees_with_itself_and_not_with_its_opposite(one):
    opposite = make_scores(one.clip_ids, -one.logits)
    table = teacher_agreement({"one": one, "twin": one, "opposite": opposite}, CLIPS, DESED_CLASSES)
    values = table[table["label"] == "all"].set_index(["first", "second"])[["kappa", "correlation"]]
    assert values.loc[("one", "twin")].tolist() == pytest.approx([1, 1])
    assert values.loc[("one", "opposite")].tolist() == pytest.approx([-1, -1], abs=0.01)
    assert len(table) == 3 * 11


def test_chance_agreement_has_no_kappa():
    rng = np.random.default_rng(5)
    independent = {name: make_scores(["a", "b"], rng.normal(-1, 2, (2, 156, 27))) for name in ("one", "two")}
    table = teacher_agreement(independent, CLIPS, CLASSES).set_index("label")
    assert abs(table.loc["all", "kappa"]) < 0.05 and abs(table.loc["all", "correlation"]) < 0.05


def test_kappa_is_cohen_s():
    # By hand: 10 frames, both yes 4, only first 1, only second 2, none 3.
    logits = np.full((2, 1, 156, 1), -1.0)
    logits[0, 0, :5], logits[1, 0, [0, 1, 2, 3, 5, 6]] = 1.0, 1.0
    clips = pd.DataFrame({"clip_id": ["a"], "duration": [0.64]})
    times = np.arange(157) * 0.064
    files = {f"t{k}": type(make_scores([], np.zeros((0, 156, 27))))(["a"], logits[k], ("Dog",), times) for k in (0, 1)}
    row = teacher_agreement(files, clips, ["Dog"]).set_index("label").loc["Dog"]
    assert row[["both", "only_first", "only_second"]].tolist() == [4, 1, 2]
    by_chance = 0.5 * 0.6 + 0.5 * 0.4
    assert row["kappa"] == pytest.approx((0.7 - by_chance) / (1 - by_chance))


def test_teachers_that_never_hear_a_class_have_no_kappa():
    silent = make_scores(["a", "b"], np.full((2, 156, 27), -5.0))
    table = teacher_agreement({"one": silent, "two": silent}, CLIPS, ["Dog"])
    assert table[["kappa", "correlation"]].isna().all(axis=None)


def test_changes_between_iterations_add_up(one):
    second = make_scores(one.clip_ids, one.logits + np.random.default_rng(2).normal(0, 1, one.logits.shape))
    table = pseudo_label_change(one, second, CLIPS, CLASSES).set_index("label")
    for label in ("Dog", "car"):
        column = CLASSES.index(label)
        assert table.loc[label, ["kept", "gone"]].sum() == (one.logits[:, :, column] > 0).sum()
        assert table.loc[label, ["kept", "new"]].sum() == (second.logits[:, :, column] > 0).sum()
    assert table.loc["all", "new"] == table["new"].iloc[1:].sum()
    surer = pseudo_label_change(one, make_scores(one.clip_ids, 2 * one.logits), CLIPS, CLASSES).set_index("label")
    assert surer.loc["all", ["gone", "new"]].tolist() == [0, 0]
    assert surer.loc["all", "confidence_second"] > surer.loc["all", "confidence_first"]


def test_audits_of_two_iterations_stand_side_by_side(desed_corpus):
    bad, good = (
        audit_pseudo_labels(logits_from_events(desed_corpus, noise=n), desed_corpus, "devtest") for n in (3, 1)
    )
    table = audit_change(bad, good).set_index("label")
    assert table.loc["all", "f1_second"] > table.loc["all", "f1_first"]
    assert table.loc["Dog", "precision_first"] == bad.per_class.set_index("label").loc["Dog", "precision"]
    maestro = type(bad)("maestro_dev", "frame", 1, bad.per_class, bad.reliability, bad.by_confidence)
    with pytest.raises(SedlabError, match="devtest and maestro_dev cannot be compared"):
        audit_change(bad, maestro)


def test_precision_and_recall_follow_the_threshold(desed_corpus):
    scores = logits_from_events(desed_corpus, noise=2.0)
    audit = audit_pseudo_labels(scores, desed_corpus, "devtest")
    curve = audit.by_confidence.set_index(["label", "threshold"])
    for threshold in (0.2, 0.8):
        table = audit_pseudo_labels(scores, desed_corpus, "devtest", threshold=threshold).per_class.set_index("label")
        for label in ("all", "Dog"):
            wanted = table.loc[label, ["detected", "precision", "recall"]].tolist()
            assert curve.loc[(label, threshold)].tolist() == pytest.approx(wanted)
    for _, rows in audit.by_confidence.dropna().groupby("label"):
        assert rows["recall"].is_monotonic_decreasing


def test_the_mask_takes_the_other_corpus_s_classes():
    certain = np.full((2, 156, 27), -30.0)
    certain[:, :, CLASSES.index("Dog")] = 30.0
    certain[:, :78, CLASSES.index("car")] = 30.0
    certain[:, :, CLASSES.index("people talking")] = 30.0  # Speech has this alias, so DESED's mask lets it pass
    files = {name: make_scores(["a", "b"], certain) for name in ("weak_train", "maestro_train")}
    mass = masked_mass(files)
    shares = masked_shares(mass).set_index("subset")
    assert shares["mass"].tolist() == pytest.approx([2.5 * 9.984] * 2)
    assert shares.loc["weak_train", ["masked_share", "masked_detected_share"]].tolist() == pytest.approx([0.2, 0.2])
    assert shares.loc["maestro_train", "masked_share"] == pytest.approx(0.4)
    masked = mass[mass["masked"]].groupby("subset")["label"].agg(set)
    assert masked["weak_train"] == set(MAESTRO_CLASSES) - {"people talking", "cutlery and dishes"}
    assert "Dog" in masked["maestro_train"] and "Speech" not in masked["maestro_train"]
