from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from golden_batch import GOLDEN, masked

from sedlab.audio.mixup import Mixing
from sedlab.config.training import LossConfig
from sedlab.data.batch import Rows
from sedlab.data.corpora.layout import DETECTION_GROUPS
from sedlab.models.head import Scores
from sedlab.training.augmentation_steps import mixed
from sedlab.training.losses import mean_over, prediction_masks, stage_loss

CASES = json.loads((GOLDEN / "losses.json").read_text())
#: How each stage of the published system puts its terms together.
FORMS = {1: {}, 2: {"total_factor": 1, "strong_divisor": 3, "weak_divisor": 2, "consistency_weak_divisor": 2}}
RAMPS = {1: {"ramp_steps": 14_000, "ramp_max": 2.0}, 2: {"ramp_steps": 270, "ramp_max": 1.0}}


def config_of(case: dict) -> LossConfig:
    weights = dict(
        zip(("maestro", "strong", "synth", "weak", "self_supervised", "pseudo"), case["loss_weights"], strict=True)
    )
    return LossConfig(
        ict=case["stage"] == 2 and case.get("use_ict_loss", True),
        ssl_no_class_mask=bool(case.get("ssl_no_class_mask", False)),
        exclude_maestro_weak_ssl=bool(case.get("exclude_maestro_weak_ssl", False)),
        pseudo_no_class_mask=bool(case.get("pseudo_strong_no_class_mask", False)),
        **FORMS[case["stage"]],
        **RAMPS[case["stage"]],
        **weights,
    )


def loss_of(batch, config, *, step=270, mixing=None, student=None, rows=None, targets=None):
    targets = targets or (mixed(batch.targets, mixing) if mixing else batch.targets)
    student = student or batch.student
    return stage_loss(
        (masked(student, targets.mask), student),
        (masked(batch.teacher, targets.mask), batch.teacher),
        targets=targets,
        rows=batch.rows if rows is None else rows,
        step=step,
        config=config,
        mixing=mixing,
    )


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_published_code(name, batch, golden_mixing):
    case = CASES[name]
    mixing = golden_mixing(case["joint_mixup"]) if case["mixup"] else None
    terms = loss_of(batch, config_of(case), step=case["global_step"], mixing=mixing)
    assert float(terms.total) == pytest.approx(case["total"], rel=1e-6)
    logged = {key.rpartition("/")[2]: value for key, value in case["logged"].items()}
    ours = {
        "loss_maestro": "maestro",
        "loss_desed_real_strong": "strong",
        "loss_desed_synth": "synth",
        "tot_supervised": "supervised",
        "tot_ssl": "self_supervised",
        "pseudo_strong_loss": "pseudo",
        "loss_pseudo": "pseudo",
        "strong_self_sup_loss": "consistency_strong",
        "weak_self_sup_loss": "consistency_weak",
        "tot_ict_loss": "ict",
    }
    compared = [key for key in logged if key in ours]
    assert len(compared) >= 7
    for key in compared:
        assert float(terms.parts[ours[key]]) == pytest.approx(logged[key], rel=1e-6, abs=1e-9), key


EVERYTHING = LossConfig(**FORMS[2], maestro=12, strong=3, synth=0.25, weak=1, self_supervised=60, pseudo=1.5, ict=True)


def test_masked_classes_get_no_gradient(batch, golden_mixing):
    mixing = golden_mixing(True)
    logits = torch.randn(12, 27, 20, requires_grad=True)
    strong = logits.sigmoid()
    student = Scores(strong, strong.mean(-1))
    loss_of(batch, EVERYTHING, mixing=mixing, student=student).total.backward()
    valid = mixed(batch.targets, mixing).mask
    assert (logits.grad[~valid] == 0).all()
    assert (logits.grad[valid] != 0).any()


@pytest.mark.parametrize("option", ["ssl_no_class_mask", "pseudo_no_class_mask"])
def test_the_no_class_mask_options_reach_every_class(option, batch):
    config = LossConfig(pseudo=1.5, **{option: True})
    logits = torch.randn(12, 27, 20, requires_grad=True)
    student = Scores(logits.sigmoid(), logits.sigmoid().mean(-1))
    loss_of(batch, config, student=student).total.backward()
    assert (logits.grad[~batch.targets.mask] != 0).all()
    assert prediction_masks(batch.targets.mask, config)[1] is None


@pytest.mark.parametrize("stage", FORMS)
@pytest.mark.parametrize("absent", DETECTION_GROUPS)
@pytest.mark.parametrize("joint", [None, True, False])
def test_an_absent_group_adds_nothing(stage, absent, joint, batch):
    config = LossConfig(**FORMS[stage], pseudo=1.0, ict=stage == 2)
    gone = batch.rows.present()[absent]
    rows = torch.tensor([row for row in range(12) if not gone.start <= row < gone.stop])
    counts = {name: count for name, count in batch.counts.items() if name != absent}
    rest = type(batch)(
        rows=Rows.of(counts),
        targets=batch.targets.map(lambda values: values[rows]),
        student=Scores(*(values[rows] for values in batch.student[:2])),
        teacher=Scores(*(values[rows] for values in batch.teacher[:2])),
    )
    mixing = None if joint is None else Mixing(torch.arange(len(rows)), torch.ones(len(rows)), joint)
    missing = loss_of(rest, config, mixing=mixing)
    empty = loss_of(rest, config, mixing=mixing, rows=Rows.of(counts | {absent: 0}))
    assert 0 < float(missing.total) < float("inf")
    assert float(missing.total) == float(empty.total)
    if absent != "unlabeled":
        assert float(missing.parts[absent]) == 0


def test_no_group_at_all_is_zero_not_nan(batch):
    assert float(loss_of(batch, EVERYTHING, rows=Rows.of({})).total) == 0


def test_the_order_of_clips_inside_a_group_does_not_matter(batch):
    order = torch.arange(12)
    generator = torch.Generator().manual_seed(0)
    for rows in batch.rows:
        order[rows] = order[rows][torch.randperm(rows.stop - rows.start, generator=generator)]
    assert not torch.equal(order, torch.arange(12))
    shuffled = type(batch)(
        rows=batch.rows,
        targets=batch.targets.map(lambda values: values[order]),
        student=Scores(*(values[order] for values in batch.student[:2])),
        teacher=Scores(*(values[order] for values in batch.teacher[:2])),
    )
    for config in (EVERYTHING, LossConfig(pseudo=1.0)):
        assert float(loss_of(shuffled, config).total) == pytest.approx(float(loss_of(batch, config).total), rel=1e-6)


def test_the_joint_ict_term_counts_for_maestro_too(batch, golden_mixing):
    """With the teacher at 0, each term is a mean square of the student, so the sum can be written out."""
    mixing = golden_mixing(True)
    teacher = Scores(torch.zeros(12, 27, 20), torch.zeros(12, 27))
    config = EVERYTHING.model_copy(update={"ssl_no_class_mask": True})
    terms = stage_loss(
        (batch.student, batch.student),
        (teacher, teacher),
        targets=mixed(batch.targets, mixing),
        rows=batch.rows,
        step=270,
        config=config,
        mixing=mixing,
    )

    def term(rows: slice) -> float:
        return float((batch.student.strong[rows] ** 2).mean() + (batch.student.weak[rows] ** 2).mean() / 2)

    expected = (2 * term(slice(0, 6)) + term(slice(6, 9)) + term(slice(9, 12))) / 8
    assert float(terms.parts["ict"]) == pytest.approx(expected, rel=1e-6)


def test_without_weight_neither_teacher_nor_pseudo_labels_are_needed(batch):
    config = LossConfig(self_supervised=0, pseudo=0)
    targets = replace(batch.targets, pseudo=None)
    student = masked(batch.student, targets.mask)
    terms = stage_loss((student,), None, targets=targets, rows=batch.rows, step=5, config=config)
    assert float(terms.total) == pytest.approx(5 * float(terms.parts["supervised"]))
    assert prediction_masks(targets.mask, config) == (targets.mask,)


def test_the_teacher_receives_no_gradient(batch):
    strong = batch.teacher.strong.clone().requires_grad_()
    teacher = Scores(strong, batch.teacher.weak)
    student_strong = batch.student.strong.clone().requires_grad_()
    student = Scores(student_strong, batch.student.weak)
    stage_loss(
        (student, student), (teacher, teacher), targets=batch.targets, rows=batch.rows, step=9, config=LossConfig()
    ).total.backward()
    assert strong.grad is None
    assert student_strong.grad is not None


def test_half_precision_scores_under_autocast_are_computed_in_float32(batch):
    student = Scores(*(values.bfloat16() for values in batch.student[:2]))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = loss_of(batch, EVERYTHING, student=student)
    assert terms.total.dtype == torch.float32
    rounded = Scores(*(values.float() for values in student[:2]))
    assert float(terms.total) == float(loss_of(batch, EVERYTHING, student=rounded).total)


def test_both_criteria_are_averaged():
    prediction, target, rows = torch.rand(3, 4), torch.rand(3, 4), slice(0, 2)
    mse, bce, both = (float(mean_over(prediction, target, rows, kind)) for kind in ("mse", "bce", "both"))
    assert both == pytest.approx((4 * mse + bce) / 2, rel=1e-6)
    assert bce > 0
