"""Two processes on the CPU (gloo) against one: group proportions, effective batch, results; and how failures end.

Stated tolerances, where both see the same clips and no augmentation or dropout pairs or drops within a share: losses
and weights agree to 1e-4 (sums in another order, through the roots and quotients of batch norm and Adam).
"""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
from ranks import fail, norm_problem, normalise
from torch import multiprocessing

from sedlab.config.loading import load_experiment
from sedlab.data.corpora.layout import DETECTION_GROUPS
from sedlab.data.sampler import GroupBatchSampler
from sedlab.errors import SedlabError
from sedlab.training.distributed import make_fabric, run_on_devices
from sedlab.training.node import TrainingInputs, train_node
from sedlab.training.shared_batchnorm import SharedBatchNorm2d, share_batchnorm
from sedlab.training.watch import TrainingStopped

SIZES = {"maestro": 2, "strong": 2, "synth": 4, "weak": 2, "unlabeled": 2}
PLAIN = ["wavmix", "mixup", "mixstyle", "filter", "warp", "time_mask", "device_response"]


def settings(stage: str, devices: int, *, plain: bool) -> list[str]:
    batch = [f"{stage}.batch.{group}={size}" for group, size in SIZES.items()]
    off = [f"{stage}.augment.{name}.p=0" for name in PLAIN] + [f"{stage}.dropout=0"] if plain else []
    return [*batch, *off, f"{stage}.trainer.devices={devices}", f"{stage}.accumulation=2", f"{stage}.epochs=3"]


def node(stage: str, devices: int, *, plain: bool, extra: tuple[str, ...] = ()):
    return load_experiment("nano", [*settings(stage, devices, plain=plain), *extra]).node(stage, "atst", 1)


def student(path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)["networks"]["student"]


def no_validation(networks) -> dict[str, float]:
    return {"objective": float(len(networks))}


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["stage1", "stage2"])
def test_two_processes_agree_with_one(tmp_path, nano, stage):
    seen = []
    one = train_node(TrainingInputs(node(stage, 1, plain=True), *nano, tmp_path / "one", validate=no_validation))
    two = train_node(
        TrainingInputs(node(stage, 2, plain=True), *nano, tmp_path / "two", validate=no_validation),
        lambda done, total, _: seen.append((done, total)),
    )
    assert seen == [(step + 1, one.steps) for step in range(one.steps)]
    assert (two.steps, two.objective) == (one.steps, one.objective)
    left, right = pd.read_csv(one.history), pd.read_csv(two.history)
    columns = [column for column in left if column.startswith(("loss/", "lr", "step", "epoch"))]
    np.testing.assert_allclose(left[columns], right[columns], rtol=1e-4, atol=1e-6)
    for (name, ours), theirs in zip(student(one.last).items(), student(two.last).values(), strict=True):
        # Batch norm takes out what the bias before it adds: its gradient is rounding noise, which Adam makes large.
        if not name.endswith(("convolution.bias", "norm.running_mean")):
            torch.testing.assert_close(
                ours, theirs, rtol=1e-4, atol=1e-4, msg=lambda text, name=name: f"{name}: {text}"
            )


#: Augmentations are on.
INTERRUPTED = node("stage2", 2, plain=False, extra=("stage2.trainer.checkpoint_seconds=1e-9",))


@pytest.fixture(scope="module")
def whole(nano, tmp_path_factory):
    """The student of an uninterrupted training of two processes."""
    folder = tmp_path_factory.mktemp("whole")
    return student(train_node(TrainingInputs(INTERRUPTED, *nano, folder, validate=no_validation)).last)


@pytest.mark.slow
def test_a_training_of_two_processes_resumes(tmp_path, nano, whole):
    """Both die when their caller is interrupted."""

    def interrupt(done: int, *_) -> None:
        if done == 2:
            raise KeyboardInterrupt

    killed = TrainingInputs(INTERRUPTED, *nano, tmp_path / "killed", validate=no_validation)
    with pytest.raises(KeyboardInterrupt):
        train_node(killed, interrupt)
    assert not multiprocessing.active_children()
    resumed = train_node(killed)
    assert resumed.resumed_from > 0
    for (name, ours), theirs in zip(whole.items(), student(resumed.last).values(), strict=True):
        assert torch.equal(ours, theirs), name


@pytest.mark.slow
def test_two_processes_stop_after_the_same_step_and_go_on(tmp_path, nano, whole):
    """Asked for before it starts: the first look is after the first step."""
    wish, glances = tmp_path / "wish.stop", []
    inputs = TrainingInputs(INTERRUPTED, *nano, tmp_path / "run", validate=no_validation, stop_file=wish)
    wish.touch()
    with pytest.raises(TrainingStopped, match="stopped after step 1 of"):
        train_node(inputs, watch=glances.append)
    assert not multiprocessing.active_children() and not wish.exists()
    assert [(glance.doing, glance.step) for glance in glances] == [("training", 0), ("training", 1), ("stopped", 1)]
    resumed = train_node(inputs, watch=glances.append)
    assert (resumed.resumed_from, glances[-1].doing, glances[-1].step) == (1, "finished", resumed.steps)
    for (name, ours), theirs in zip(whole.items(), student(resumed.last).values(), strict=True):
        assert torch.equal(ours, theirs), name


@pytest.mark.parametrize("num_ranks", [1, 2])
def test_shares_keep_the_proportions_of_the_groups(num_ranks):
    groups = {group: range(100 * i, 100 * i + 20) for i, group in enumerate(DETECTION_GROUPS)}
    group_of = {index: group for group, indices in groups.items() for index in indices}
    sizes = dict(zip(groups, SIZES.values(), strict=True))

    def shares(start: int = 0):
        found = []
        for rank in range(num_ranks):
            share = GroupBatchSampler(groups, sizes, seed=3, rank=rank, num_ranks=num_ranks)
            share.set_epoch(1, start)
            found.append(list(share))
        return list(zip(*found, strict=True))

    whole = GroupBatchSampler(groups, sizes, seed=3)
    whole.set_epoch(1)
    for parts, batch in zip(shares(), whole, strict=True):
        assert sorted(itertools.chain(*parts)) == sorted(batch)
        for part in parts:
            assert Counter(group_of[index] for index in part) == {g: size // num_ranks for g, size in sizes.items()}
    assert shares(start=2) == shares()[2:]


@pytest.mark.slow
def test_a_group_that_cannot_be_shared_is_refused_in_one_line(tmp_path, nano):
    configuration = node("stage1", 2, plain=True, extra=("stage1.batch.weak=3",))
    with pytest.raises(
        SedlabError, match=r"2 devices cannot share the 3 clips of group 'weak' equally\. .*devices"
    ) as e:
        train_node(TrainingInputs(configuration, *nano, tmp_path))
    assert "\n" not in str(e.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("error", r"^clip\.wav: damaged\. Delete it\.$"),
        ("fault", r"^process 1 of 2 failed \(ZeroDivisionError: division by zero\)\.$"),
        ("kill", r"^process 1 of the training ended \(SIGKILL\), .* Run again to resume\.$"),
    ],
)
def test_the_failure_of_one_process_ends_all_with_one_line(how, message, monkeypatch):
    monkeypatch.setattr("sedlab.training.distributed._STOP_SECONDS", 0.1)
    trainer = node("stage1", 2, plain=True).training.trainer
    with pytest.raises(SedlabError, match=message):
        run_on_devices(fail, {"how": how}, trainer, {"progress": lambda *_: None})
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_shared_batch_norm_is_that_of_the_whole_batch(tmp_path):
    x, norm = norm_problem()
    x.requires_grad_()
    (norm(x) ** 3).mean().backward()
    multiprocessing.spawn(normalise, (tmp_path,), nprocs=2)
    parts = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    for rank, (gradient, _, mean, variance) in enumerate(parts):
        torch.testing.assert_close(gradient, x.grad[rank::2])
        torch.testing.assert_close(mean, norm[0].running_mean)
        torch.testing.assert_close(variance, norm[0].running_var)
    torch.testing.assert_close((parts[0][1] + parts[1][1]) / 2, norm[0].weight.grad)


def test_shared_batch_norm_keeps_names_and_parameters():
    _, norm = norm_problem()
    before, weight = norm.state_dict(), norm[0].weight
    share_batchnorm(norm)
    assert type(norm[0]) is SharedBatchNorm2d
    assert norm[0].weight is weight
    assert norm.state_dict().keys() == before.keys()


@pytest.mark.filterwarnings("error")
def test_inside_a_slurm_job_a_training_is_one_process_as_elsewhere(monkeypatch):
    given = {"JOB_ID": "7", "NTASKS": "2", "PROCID": "0", "LOCALID": "0", "NODEID": "0", "JOB_NAME": "sedlab"}
    for name, value in given.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    fabric = make_fabric(load_experiment("nano").node("stage1", "atst", 1).training.trainer)
    assert (fabric.world_size, fabric.global_rank) == (1, 0)
