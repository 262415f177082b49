"""Student, teacher and front-end inside the task of both stages."""

from __future__ import annotations

import pytest
import torch

from sedlab.config.loading import load_experiment
from sedlab.data.batch import Batch, Rows, Targets
from sedlab.data.corpora.layout import DETECTION_GROUPS
from sedlab.labels import valid_classes
from sedlab.training.detection import DetectionTask
from sedlab.training.distributed import make_fabric


def task_of(stage: str, arch: str, *settings: str) -> DetectionTask:
    node = load_experiment("nano", settings).node(stage, arch, 1)
    return DetectionTask(node, make_fabric(node.training.trainer))


@pytest.fixture
def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    families = ["maestro"] + ["desed"] * 4
    mask = torch.stack([torch.from_numpy(valid_classes(family, training=True)) for family in families])
    strong = (torch.rand(5, 27, 156, generator=generator) > 0.9) * mask[..., None]
    return Batch(
        waveform=0.1 * torch.randn(5, 160_000, generator=generator),
        targets=Targets(strong.float(), strong.any(-1).float(), mask),
        rows=Rows.of(dict.fromkeys(DETECTION_GROUPS, 1)),
        subsets=["synth_train"] * 5,
        clip_ids=list("abcde"),
    )


def features(task: DetectionTask, batch: Batch, seed: int) -> torch.Tensor:
    torch.manual_seed(seed)  # not what decides
    return task.student.train().features(batch.waveform, torch.Generator().manual_seed(seed)).transformer


def test_passt_s_bands_move_in_stage_2_alone_and_by_the_steps_generator(batch):
    frozen, trained = task_of("stage1", "passt"), task_of("stage2", "passt")
    assert torch.equal(features(frozen, batch, 0), features(frozen, batch, 1))
    assert torch.equal(features(trained, batch, 0), features(trained, batch, 0))
    assert not torch.equal(features(trained, batch, 0), features(trained, batch, 1))


def test_without_dropout_the_steps_generator_decides_everything(batch):
    task = task_of("stage2", "passt", "stage2.dropout=0.0")
    losses = []
    for elsewhere in (1, 2):
        torch.manual_seed(elsewhere)
        losses.append(task.loss(batch, 3, torch.Generator().manual_seed(5)).total.item())
    assert losses[0] == losses[1]


@pytest.mark.parametrize("stage", ["stage1", "stage2"])
def test_the_teacher_gets_parameters_of_the_student_and_batch_norm_statistics_of_its_own(stage, batch):
    task = task_of(stage, "atst")
    task.loss(batch, 0, torch.Generator().manual_seed(0)).total.backward()
    task.before_backward(0)
    with torch.no_grad():
        for parameter in task.student.parameters():
            parameter += 0.01 * parameter.requires_grad
    own = {name: value.clone() for name, value in task.teacher.named_buffers() if "running_mean" in name}
    task.before_backward(1)
    for (name, teacher), student in zip(task.teacher.named_parameters(), task.student.parameters(), strict=True):
        torch.testing.assert_close(teacher, student - 0.005 * student.requires_grad, msg=name)
    students = dict(task.student.named_buffers())
    assert own
    for name, value in task.teacher.named_buffers():
        if name in own:
            assert torch.equal(value, own[name])
            assert value.any()  # it looked at clips itself
            assert not torch.equal(value, students[name])  # and not with the student's eyes
