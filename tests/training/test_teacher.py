from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from golden_batch import GOLDEN
from numpy.testing import assert_allclose
from torch import nn

from sedlab.training.teacher import ema_alpha, make_teacher, update_teacher


def network(weights: list[float], bias: float) -> nn.Linear:
    linear = nn.Linear(2, 1)
    nn.init.constant_(linear.bias, bias)
    linear.weight.data.copy_(torch.tensor([weights]))
    return linear


@pytest.mark.parametrize("decay", [0.999, 0.9])
def test_agrees_with_the_published_code(decay):
    expected = np.load(GOLDEN / "training.npz")[f"ema[{decay}]"]
    teacher = network([5.0, 5.0], -5.0)
    for step, row in enumerate(expected):
        update_teacher(teacher, network(row[:2].tolist(), row[2]), step=step, decay=decay)
        values = [*teacher.weight[0].tolist(), teacher.bias.item()]
        assert_allclose(values, row[3:], rtol=1e-6, atol=1e-7)


def test_decays_agree_with_the_published_code():
    for step, alpha in json.loads((GOLDEN / "optim.json").read_text())["ema_alpha_0.999"].items():
        assert ema_alpha(int(step), 0.999) == pytest.approx(alpha, rel=1e-12)


def test_the_first_update_copies_parameters_but_not_batch_norm_statistics():
    student, teacher = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    nn.init.normal_(student.weight)
    student(torch.randn(20, 3) + 5)
    update_teacher(teacher, student, step=0, decay=0.999)
    assert torch.equal(teacher.weight, student.weight)
    assert torch.equal(teacher.running_mean, torch.zeros(3))


def test_frozen_parameters_follow_and_shared_ones_stay():
    student = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    teacher = make_teacher(student)
    teacher[1] = student[1]
    student[0].requires_grad_(False)
    with torch.no_grad():
        student[0].weight += 1
    before = student[1].weight.clone()
    update_teacher(teacher, student, step=0, decay=0.999)
    assert torch.equal(teacher[0].weight, student[0].weight)
    update_teacher(teacher, student, step=1, decay=0.999)
    assert torch.equal(teacher[0].weight, student[0].weight)
    assert torch.equal(student[1].weight, before)


def test_no_gradient_reaches_the_teacher():
    teacher = make_teacher(nn.Linear(2, 2))
    assert not any(parameter.requires_grad for parameter in teacher.parameters())


def test_networks_of_different_size_are_refused():
    with pytest.raises(ValueError):
        update_teacher(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), step=0, decay=0.9)
