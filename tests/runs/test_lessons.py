"""Small experiments with a run's networks: what they return is what the networks say, and what the formulas give."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from nano_run import nano_run

from sedlab import runs
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES

__all__ = ["nano_run"]


def test_a_teacher_is_the_running_mean_of_its_student_with_its_decay(nano_run):
    state = torch.get_rng_state()
    followed = runs.follow_teachers(nano_run, "atst", decays=(0.0, 0.6), num_steps=6, num_batches=2, look_every=1)
    assert torch.equal(torch.get_rng_state(), state)
    weights = followed.table.pivot(index="step", columns="network", values="weight")
    mean = 0.0
    for step, weight in weights["student"].items():
        alpha = min(1 - 1 / (step + 1), 0.6)
        mean = alpha * mean + (1 - alpha) * weight
        assert weights.loc[step, "decay 0.6"] == pytest.approx(mean, rel=1e-5)
    assert weights["student"].nunique() == 6
    distance = followed.table.pivot(index="step", columns="network", values="distance")
    assert weights["decay 0"].equals(weights["student"]) and (distance["student"] == 0).all()
    assert (distance[["decay 0", "decay 0.6"]] > 0).all().all()  # dropout alone tells twins apart
    assert followed.label in CLASSES and 0 < followed.seconds < 10


def test_a_mixture_with_nothing_of_the_second_clip_is_the_first_clip(nano_run):
    heard = runs.hear_mixture(nano_run, "atst", 1, "synth_train", share=1.0)
    first = heard.curves["label"].iloc[0]
    for stage in ("stage1", "stage2"):
        curve = heard.curves.query("after == @stage.replace('stage', 'stage ') and label == @first")
        for network in ("teacher", "student"):
            said = runs.hear(nano_run, stage, "atst", 1, "synth_train", heard.clip_ids[0], network=network)
            # Alone in its batch or not, a convolution sums in another order.
            np.testing.assert_allclose(curve[network], said[:, CLASSES.index(first)], atol=1e-5)
    assert (heard.distance >= 0).all() and "On this mixture" in heard.sentence


def test_a_mixture_s_target_is_the_mean_of_the_teacher_s_answers(nano_run):
    whole, half = (runs.hear_mixture(nano_run, "atst", 1, "synth_train", share=share) for share in (1.0, 0.5))
    label = half.curves["label"].iloc[0]
    apart = [
        runs.hear(nano_run, "stage1", "atst", 1, "synth_train", clip_id, network="teacher")[:, CLASSES.index(label)]
        for clip_id in half.clip_ids
    ]
    assert half.clip_ids == whole.clip_ids
    curve = half.curves.query("after == 'stage 1' and label == @label")
    np.testing.assert_allclose(curve["teacher"], np.mean(apart, axis=0), atol=1e-5)


def test_a_tag_pulls_at_the_frames_that_attention_picks(nano_run):
    pulled = runs.pull_of_a_tag(nano_run, "stage1", "atst", 1, "weak_train")
    assert pulled.attention.sum() == pytest.approx(1, abs=1e-5)
    assert (pulled.attention * pulled.score).sum() == pytest.approx(pulled.weak, abs=1e-5)
    expected = pulled.attention * pulled.score * (1 - pulled.score)
    np.testing.assert_allclose(pulled.pull, expected / expected.sum(), atol=1e-5)
    with pytest.raises(SedlabError, match="unlabeled_train: no clip has a tag"):
        runs.pull_of_a_tag(nano_run, "stage1", "atst", 1, "unlabeled_train")


def test_changed_scores_are_those_of_the_two_students(nano_run):
    change = runs.changed_scores(nano_run, "atst", 1, "synth_train")
    said = [runs.hear(nano_run, stage, "atst", 1, "synth_train", change.clip_id) for stage in ("stage1", "stage2")]
    columns = [CLASSES.index(label) for label in change.classes]
    np.testing.assert_allclose(change.before, said[0][:, columns], atol=1e-5)
    np.testing.assert_allclose(change.after, said[1][:, columns], atol=1e-5)
    assert change.clips["moved"].is_monotonic_decreasing and len(change.clips) == 8
    most = np.abs(said[1] - said[0])[:, columns].mean(0)
    assert change.classes[most.argmax()] in runs.moved_classes(change, 1)
    assert f"Most changed is {change.clip_id}" in change.sentence


def test_a_change_that_cannot_be_seen_is_said_to_be_none(nano_run, tmp_path):
    change = runs.changed_scores(nano_run, "atst", 1, "synth_train")
    still = change.clips.assign(moved=change.clips["moved"] / 1e6)
    assert "pictures look alike" in type(change)(still, change.classes, change.before, change.after).sentence


def history(*leads: float) -> pd.DataFrame:
    table = pd.DataFrame({"step": range(len(leads)), "val/objective": 0.5})
    return table.assign(**{"val/teacher/objective": table["val/objective"] + leads})


@pytest.mark.parametrize(
    ("leads", "told"),
    [
        ((0.01, -0.02), ("in 1 of 2 validations and behind in 1", "nobody can tell")),
        ((-0.1,) * 9 + (0.1,) * 3, ("in 3 of 12", "luck")),
        ((-0.1,) * 12, ("behind in 12", "the student leads")),
        ((0.1,) * 11 + (-0.1,), ("in 11 of 12", "the mean teacher leads")),
        ((0.0, 0.0), ("level",)),
    ],
)
def test_who_leads_is_read_from_the_validations(leads, told):
    assert all(words in runs.teacher_lead(history(*leads)) for words in told)


def test_a_teacher_that_nobody_asked_is_not_compared():
    unasked = history(-0.4, -0.5).assign(**{"loss/self_supervised": 0.0})
    assert "Nobody asked the mean teacher" in runs.teacher_lead(unasked)
    assert "Nobody asked" not in runs.teacher_lead(unasked.assign(**{"loss/self_supervised": [0.0, 0.1]}))


def test_without_validations_nobody_leads():
    assert "Nothing was validated" in runs.teacher_lead(pd.DataFrame({"step": [1], "loss/total": [0.1]}))


def test_a_variant_is_compared_with_its_parent_and_a_run_without_one_is_told_how_to_make_it(nano_run, tmp_path):
    variant = type(nano_run)(tmp_path / "runs" / "other", nano_run.experiment)
    for run, best in ((nano_run, 0.5), (variant, 0.45)):
        file = run.node_dir("stage1", "atst", 1) / "history.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        columns = {"step": [1, 2], "val/objective": [0.1, best], "val/teacher/objective": 0.0}
        pd.DataFrame(columns).to_csv(file, index=False)
    told = runs.difference_from_parent(variant, "stage1", "atst", 1, nano_run)
    assert "0.450 in other, 0.500 in nano" in told and "-0.050" in told
    curves = runs.compared_histories(variant, "stage1", "atst", 1, nano_run)
    assert {name: table["val/objective"].max() for name, table in curves.items()} == {"nano": 0.5, "variant": 0.45}
    assert list(curves["variant"].columns) == ["step", "val/objective"]
    alone = runs.difference_from_parent(nano_run, "stage1", "atst", 1, None)
    assert "-p run runs/nano -p arch atst" in alone and 'settings "stage1.loss.self_supervised=0"' in alone
    assert list(runs.compared_histories(nano_run, "stage1", "atst", 1, None)) == ["nano"]


def test_what_the_teacher_hears_is_said_of_the_configuration_at_hand():
    from sedlab.config.loading import load_experiment

    mini, paper = load_experiment("mini"), load_experiment("paper")
    assert "coloured alike" in runs.heard_differently(mini.node("stage1", "atst", 1))
    first, second = (runs.heard_differently(paper.node("stage1", "atst", iteration)) for iteration in (1, 2))
    assert "equaliser of its own" in first and "80 %" in first
    assert "coloured alike" in second and "dropout (30 %" in second
    assert "before mixup" in runs.heard_differently(paper.node("stage2", "atst", 1))
    assert "frequency warp" not in runs.heard_differently(paper.node("stage2", "passt", 2))


def test_shares_of_the_loss_add_up_to_one():
    table = pd.DataFrame({"loss/supervised": [9.0, 3.0], "loss/self_supervised": [9.0, 1.0], "loss/pseudo": [9.0, 0.0]})
    shares = runs.shares_of_loss(table, last=1)
    assert shares.to_dict() == {"supervised": 0.75, "self supervised": 0.25, "pseudo": 0.0}
    told = runs.agreement_share(table, 7.0, other=21.0, last=1)
    assert "has 25.0% of the loss, at a weight of 7. At 21, the same disagreement would have 50.0%." in told
    assert "At 70" not in runs.agreement_share(table, 70.0)


def test_batches_have_the_groups_of_the_stage(nano_run):
    node = nano_run.node("stage1", "atst", 1)
    first, second = runs.training_batches(nano_run, node, 2)
    assert {name: rows.stop - rows.start for name, rows in first.rows.present().items()} == {
        name: size for name, size in node.training.batch.model_dump().items() if size
    }
    assert first.clip_ids != second.clip_ids
    assert len(runs.training_batches(nano_run, node, at_most=1)[0]) == 5


def test_terms_count_the_cells_that_the_mask_leaves_in(nano_run):
    from sedlab.config.training import LossConfig
    from sedlab.data.batch import collate
    from sedlab.data.dataset import SedDataset

    corpus = nano_run.corpus()
    part = corpus.subset("maestro_train", "weak_train")
    dataset = SedDataset(part, nano_run.cache(), training=True)
    groups = dataset.group_indices()
    batch = collate([dataset[index] for index in (groups["maestro"][0], groups["weak"][0], groups["weak"][1])])
    terms = runs.loss_terms(LossConfig(), batch)
    assert terms.loc["maestro", "cells that teach"] == pytest.approx(19 / 27)
    assert terms.loc["weak", "cells that teach"] == pytest.approx(12 / 27)
    assert terms.loc["weak", "clips"] == 2 and terms.loc["strong", "clips"] == 0
    assert terms.loc[["pseudo", "ict"], "cells that teach"].eq(0).all()
    open_mask = runs.loss_terms(LossConfig(ssl_no_class_mask=True), batch)
    assert open_mask.loc["consistency strong", "cells that teach"] == 1
    assert set(terms["in steps"]) == {"all", "none"} and terms.loc["maestro", "times"] == "1"
    mixing = runs.loss_terms(LossConfig(ict=True, strong_divisor=3, weak_divisor=2), batch)
    assert mixing.loc[["maestro", "weak", "ict"], "times"].tolist() == ["1/3", "1/2", "1/4 · 1/8"]
    assert mixing.loc[["maestro", "consistency strong", "ict"], "in steps"].tolist() == [
        "all",
        "without mixup",
        "with mixup",
    ]
