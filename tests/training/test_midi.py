"""Every training node of `midi` makes an optimisation step; what it is worth is for a GPU to show."""

from __future__ import annotations

import pytest
import torch
from golden_curve import NUM_AUDIOSET_CLASSES, NoiseLoader

from sedlab.config.loading import load_experiment
from sedlab.config.model import ARCHS
from sedlab.training.detection import DetectionTask
from sedlab.training.distributed import make_fabric
from sedlab.training.pretraining import PretrainingTask

EXPERIMENT = load_experiment("midi")


@pytest.mark.slow
@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize(("stage", "iteration"), [("pretrain", 0), ("stage1", 2), ("stage2", 2)])
def test_a_node_makes_a_step_on_one_clip_of_each_group(stage, arch, iteration):
    node = EXPERIMENT.node(stage, arch, iteration)
    fabric = make_fabric(node.training.trainer)
    if stage == "pretrain":
        task = PretrainingTask(node, fabric, classes=tuple(f"/m/{i}" for i in range(NUM_AUDIOSET_CLASSES)))
    else:
        task = DetectionTask(node, fabric, responses=torch.randn(2, 101) / 10)
    optimizer = fabric.setup_optimizers(task.optimizer)
    before = [parameter.clone() for parameter in task.networks["student"].parameters()]
    terms = task.loss(next(iter(NoiseLoader(node).epoch(0))), 100, torch.Generator().manual_seed(0))
    task.before_backward(0)
    fabric.backward(terms.total)
    optimizer.step()
    assert torch.isfinite(terms.total)
    moved = [not torch.equal(old, new) for old, new in zip(before, task.networks["student"].parameters(), strict=True)]
    trained = [parameter.requires_grad for parameter in task.networks["student"].parameters()]
    assert any(moved) and not any(move and not train for move, train in zip(moved, trained, strict=True))


def test_every_epoch_has_full_batches():
    """The groups are large enough that the weak clips decide how long an epoch is."""
    mini = EXPERIMENT.data.mini
    clips = {"strong": mini.num_strong_train, "synth": mini.num_synth_train, "unlabeled": mini.num_unlabeled}
    windows = (mini.maestro_seconds - 10) // mini.maestro_hop_train + 1
    clips["maestro"] = int(mini.num_maestro_train * EXPERIMENT.data.maestro_train_fraction) * windows
    for stage in ("stage1", "stage2"):
        sizes = EXPERIMENT.node(stage, "atst", 1).training.batch.model_dump()
        batches = int(mini.num_weak * EXPERIMENT.data.weak_train_fraction) // sizes["weak"]
        assert batches >= 30
        assert all(count // sizes[group] >= batches for group, count in clips.items())
