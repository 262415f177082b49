from __future__ import annotations

import pytest
from golden_batch import masked
from numpy.testing import assert_allclose

from sedlab.config.training import LossConfig
from sedlab.models.head import Scores
from sedlab.training.losses import interpolated, interpolation_consistency, mean_teacher


def test_teacher_targets_agree_with_the_published_code(batch, golden_mixing):
    target = interpolated(masked(batch.teacher, batch.targets.mask), golden_mixing(True))
    for name, rows in [("strong", slice(0, 6)), ("weak", slice(6, 9)), ("unlabeled", slice(9, 12))]:
        assert_allclose(target.strong[rows], batch.arrays[f"ict.{name}.strong"], atol=2e-7)
        assert_allclose(target.weak[rows], batch.arrays[f"ict.{name}.weak"], atol=2e-7)


def test_a_student_that_equals_the_mixed_teacher_has_no_ict_loss(batch, golden_mixing):
    for joint in (True, False):
        mixing = golden_mixing(joint)
        student = interpolated(batch.teacher, mixing)
        loss = interpolation_consistency(student, batch.teacher, batch.rows, mixing, LossConfig())
        assert float(loss) == 0


@pytest.mark.parametrize("option", [{"include_maestro_ssl": False}, {"exclude_maestro_weak_ssl": True}])
@pytest.mark.parametrize("joint", [True, False])
def test_options_keep_maestro_out(option, joint, batch, golden_mixing):
    """A different teacher on MAESTRO clips changes nothing in what the option leaves out."""
    config, mixing = LossConfig(**option), golden_mixing(joint)
    strong, weak = batch.teacher.strong.clone(), batch.teacher.weak.clone()
    if config.exclude_maestro_weak_ssl:
        weak[:2, 13:] = 0.5  # classes that only MAESTRO labels
    else:
        strong[:2], weak[:2] = 0.5, 0.5
    changed = Scores(strong, weak)
    for own, other in zip(
        mean_teacher(batch.student, batch.teacher, batch.rows, config),
        mean_teacher(batch.student, changed, batch.rows, config),
        strict=True,
    ):
        assert float(own) == float(other)
    if joint and not config.include_maestro_ssl:
        return  # MAESTRO clips are in the other clips' mixtures
    ict = [
        float(interpolation_consistency(batch.student, teacher, batch.rows, mixing, config))
        for teacher in (batch.teacher, changed)
    ]
    assert ict[0] == ict[1]


@pytest.mark.parametrize("aliased", [True, False])
def test_without_aliases_fewer_classes_of_the_mixtures_agree(aliased, batch, golden_mixing):
    """DESED's labels speak of "people talking" (12) only by alias, and joint mixtures compare what they speak of."""
    config, mixing = LossConfig(exclude_maestro_weak_ssl=True), golden_mixing(True)
    weak = batch.teacher.weak.clone()
    weak[batch.rows.strongly_labelled, 12] = 0.5
    ict = [
        float(
            interpolation_consistency(
                batch.student, Scores(batch.teacher.strong, clip_scores), batch.rows, mixing, config, aliased=aliased
            )
        )
        for clip_scores in (batch.teacher.weak, weak)
    ]
    assert (ict[0] != ict[1]) == aliased
