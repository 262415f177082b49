"""The loop: what it writes, and that a killed and resumed training equals an uninterrupted one."""

from __future__ import annotations

import functools
import random
import re
import shutil
import threading
from concurrent.futures import Future

import pandas as pd
import pytest
import torch
from golden_curve import detection_batch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision

from sedlab.checkpoints.loading import load_networks
from sedlab.config.loading import load_experiment
from sedlab.errors import SedlabError
from sedlab.training.detection import DetectionTask
from sedlab.training.distributed import make_fabric
from sedlab.training.fit import fit

BATCHES = 3


class NoiseLoader:
    """Random clips and labels, the same ones whenever an epoch is asked for; stops where a test wants it to."""

    def __init__(self, *, pseudo: bool = False, die_at: tuple[int, int] | None = None):
        self.pseudo, self.die_at = pseudo, die_at

    def __len__(self) -> int:
        return BATCHES

    def epoch(self, epoch: int, start: int = 0):
        for index in range(start, BATCHES):
            if (epoch, index) == self.die_at:
                raise KeyboardInterrupt
            yield detection_batch(100 * epoch + index, pseudo=self.pseudo)


def node(stage: str, arch: str, iteration: int = 1, **overrides):
    settings = [f"{stage}.{key}={value}" for key, value in overrides.items()]
    return load_experiment("nano", settings).node(stage, arch, iteration)


def train(folder, configuration, *, die_at=None, init=None, validate=None, fabric=None):
    fabric = fabric or make_fabric(configuration.training.trainer)
    responses = torch.randn(2, 101, generator=torch.Generator().manual_seed(0)) / 10
    task = DetectionTask(configuration, fabric, init=init, responses=responses)
    loader = NoiseLoader(pseudo=configuration.training.loss.pseudo > 0, die_at=die_at)
    folder.mkdir(exist_ok=True, parents=True)
    return fit(task, loader, configuration, folder, fabric=fabric, save_best=task.save, validate=validate)


def tensors(path):
    checkpoint = torch.load(path, weights_only=True)
    for network, state in sorted(checkpoint["networks"].items()):
        yield from ((f"{network}.{key}", value) for key, value in sorted(state.items()))
    for index, state in checkpoint["optimizer"]["state"].items():
        yield from ((f"optimizer.{index}.{key}", value) for key, value in sorted(state.items()))
    yield from ((f"scaler.{key}", torch.tensor(value)) for key, value in sorted(checkpoint["precision"].items()))


def assert_same_training(one, other):
    """Weights, BatchNorm buffers, optimiser, scaler, losses and learning rates agree to the bit."""
    for (name, left), (other_name, right) in zip(tensors(one.last), tensors(other.last), strict=True):
        assert name == other_name
        assert torch.equal(left, right), name
    left, right = pd.read_csv(one.history), pd.read_csv(other.history)
    columns = [column for column in left if column.startswith(("loss/", "step", "epoch", "lr"))]
    pd.testing.assert_frame_equal(left[columns], right[columns])


@pytest.mark.parametrize(("stage", "arch", "iteration"), [("stage1", "passt", 2), ("stage2", "beats", 1)])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_killed_and_resumed_equals_uninterrupted(tmp_path, stage, arch, iteration, accumulation):
    configuration = node(stage, arch, iteration, accumulation=accumulation, epochs=3)
    scores = iter(range(100))
    whole = train(tmp_path / "whole", configuration, validate=lambda _: {"objective": next(scores)})

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", configuration, die_at=(2, 1), validate=lambda _: {"objective": 0.0})
    assert not (tmp_path / "killed" / "best.pt").exists()
    resumed = train(tmp_path / "killed", configuration, validate=lambda _: {"objective": 1.0})

    assert whole.resumed_from == 0
    assert resumed.resumed_from == 2 * -(-BATCHES // accumulation)
    assert_same_training(whole, resumed)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Return trainings of three epochs by (stage, accumulation), each made once."""

    @functools.cache
    def result(stage: str, accumulation: int):
        configuration = node(stage, "atst", 2, accumulation=accumulation, epochs=3)
        return train(tmp_path_factory.mktemp("whole"), configuration)

    return result


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_killed_at_random_batches_equals_uninterrupted(tmp_path, uninterrupted, seed):
    """Killed three times, anywhere in an epoch; nothing but the batches since the last checkpoint is done again."""
    draw = random.Random(seed)
    stage, accumulation = draw.choice(["stage1", "stage2"]), draw.choice([1, 2])
    everywhere = {"accumulation": accumulation, "epochs": 3, "trainer.checkpoint_seconds": 1e-9}
    configuration = node(stage, "atst", 2, **everywhere)
    deaths = sorted(draw.sample([(epoch, index) for epoch in range(3) for index in range(BATCHES)], 3))
    for death in deaths:
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path, configuration, die_at=death)
    resumed = train(tmp_path, configuration)

    epoch, index = deaths[-1]
    assert resumed.resumed_from == epoch * -(-BATCHES // accumulation) + index // accumulation
    assert_same_training(uninterrupted(stage, accumulation), resumed)


@pytest.mark.slow
def test_the_scale_of_float16_gradients_is_resumed(tmp_path):
    """With the loss scaled so high that steps are skipped at first; on the CPU, where only the dtype is slow."""

    def fabric():
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40, growth_interval=2)
        return Fabric(accelerator="cpu", plugins=[MixedPrecision("16-mixed", "cpu", scaler)])

    configuration = node("stage1", "passt", epochs=3, **{"trainer.checkpoint_seconds": 1e-9})
    whole = train(tmp_path / "whole", configuration, fabric=fabric())
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", configuration, fabric=fabric(), die_at=(1, 2))
    resumed = train(tmp_path / "killed", configuration, fabric=fabric())
    assert resumed.resumed_from == 5
    assert_same_training(whole, resumed)
    scale = torch.load(whole.last, weights_only=True)["precision"]["scale"]
    assert scale < 2.0**40, "no step was skipped: the test shows nothing"


def test_the_best_checkpoint_is_that_of_the_best_objective(tmp_path):
    configuration = node("stage1", "atst", epochs=3, validate_every=1)
    seen = []

    def validate(networks):
        seen.append({key: value.clone() for key, value in networks["student"].state_dict().items()})
        return {"objective": [0.1, 0.9, 0.5][len(seen) - 1]}

    result = train(tmp_path, configuration, validate=validate)
    assert result.objective == 0.9
    (best,) = load_networks(result.best, "student")
    assert all(torch.equal(best[key], value) for key, value in seen[1].items())
    history = pd.read_csv(result.history)
    assert history["val/objective"].dropna().tolist() == [0.1, 0.9, 0.5]
    assert len(history) == result.steps == 9


def test_stage_1_leaves_the_transformer_as_it_was_and_stage_2_moves_it(tmp_path):
    def transformer(configuration, init=None):
        task = DetectionTask(configuration, make_fabric(configuration.training.trainer), init=init)
        return {key: value.clone() for key, value in task.student.transformer.state_dict().items()}

    first, second = node("stage1", "passt"), node("stage2", "passt")
    before = transformer(first)
    frozen = train(tmp_path / "stage1", first).best
    moved = train(tmp_path / "stage2", second, init=frozen).best
    assert all(torch.equal(before[key], value) for key, value in transformer(second, frozen).items())
    assert any(not torch.equal(before[key], value) for key, value in transformer(second, moved).items())


def test_a_changed_configuration_starts_afresh(tmp_path):
    train(tmp_path, node("stage1", "atst"))
    assert train(tmp_path, node("stage1", "atst", epochs=3)).resumed_from == 0


def test_a_finished_training_is_not_repeated(tmp_path):
    first = train(tmp_path, node("stage1", "atst"))
    first.best.unlink()
    again = train(tmp_path, node("stage1", "atst"))
    assert again.resumed_from == again.steps == first.steps
    assert again.best.is_file()


def damage(path, *, kind: str):
    """Change a file as disks, copies and people do."""
    content = path.read_bytes()
    if kind == "deleted":
        path.unlink()
    elif kind == "of another version":
        torch.save(torch.load(path, weights_only=True) | {"model": "{}"}, path)
    elif kind == "cut":
        path.write_bytes(content[:1000])
    elif kind == "another":
        path.write_bytes(b"<!DOCTYPE html>")
    else:
        middle = len(content) // 2
        with path.open("r+b") as file:  # in place, so that a second name of the file would show it as well
            file.seek(middle)
            file.write(bytes([content[middle] ^ 1]))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the folder of a finished training."""
    folder = tmp_path_factory.mktemp("finished")
    train(folder, node("stage1", "atst"))
    return folder


def test_a_damaged_checkpoint_names_the_file_and_the_remedy(tmp_path, finished):
    for kind in ("bit", "cut", "another"):
        shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
        damage(tmp_path / "last.pt", kind=kind)
        with pytest.raises(SedlabError, match=r"last\.pt: damaged .* Delete it to train from the start\.$") as caught:
            train(tmp_path, node("stage1", "atst"))
        assert str(caught.value).count("last.pt") == 1 and "\n" not in str(caught.value)
    (tmp_path / "last.pt").unlink()
    again = train(tmp_path, node("stage1", "atst"))
    assert again.resumed_from == 0
    assert_same_networks(again.best, finished / "best.pt")


def test_what_no_training_wrote_names_the_remedy_as_well(tmp_path, finished):
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    content = torch.load(tmp_path / "last.pt", weights_only=True)
    for changed in (
        {key: value for key, value in content.items() if key != "state"},
        content | {"state": {"epoch": 1, "colour": "red"}},
        content | {"networks": {"student": {}}},
        content | {"optimizer": []},
        [1, 2],
    ):
        torch.save(changed, tmp_path / "last.pt")
        with pytest.raises(SedlabError, match=r"last\.pt: damaged or of another version, .* Delete it to train"):
            train(tmp_path, node("stage1", "atst"))


@pytest.mark.parametrize("kind", ["bit", "cut", "another"])
def test_damage_to_the_best_networks_hits_one_of_two_files_and_they_come_back(tmp_path, finished, kind):
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    damage(tmp_path / "best.pt", kind=kind)
    with pytest.raises(SedlabError, match=r"best\.pt: .*(delete it and run again|[Dd]ownload|browser)"):
        load_networks(tmp_path / "best.pt", "student")
    (tmp_path / "best.pt").unlink()
    again = train(tmp_path, node("stage1", "atst"))
    assert again.resumed_from == again.steps  # nothing was trained again
    assert_same_networks(again.best, finished / "best.pt")


@pytest.mark.parametrize("kind", ["bit", "deleted", "of another version"])
def test_a_training_whose_best_networks_are_lost_begins_anew(tmp_path, finished, kind, capsys):
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    (tmp_path / "best.pt").unlink()
    damage(tmp_path / "best_so_far.pt", kind=kind)
    again = train(tmp_path, node("stage1", "atst"))
    assert re.fullmatch(r"warning: \S+best_so_far\.pt: .* The training begins anew\.\n", capsys.readouterr().err)
    assert again.resumed_from == 0
    assert_same_networks(again.best, finished / "best.pt")


def test_a_training_is_resumed_without_best_networks_while_there_are_none(tmp_path):
    configuration = node("stage1", "atst", epochs=2, **{"trainer.checkpoint_seconds": 1e-9})
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, configuration, die_at=(0, 2))
    assert train(tmp_path, configuration).resumed_from == 2


def assert_same_networks(one, other):
    for left, right in zip(load_networks(one, "student"), load_networks(other, "student"), strict=True):
        assert all(torch.equal(left[key], right[key]) for key in left | right)


def test_a_loss_that_explodes_is_reported(tmp_path):
    with pytest.raises(SedlabError, match="no longer a finite number"):
        train(tmp_path, node("stage2", "atst", **{"optim.lr_rnn": 1e30, "optim.warmup_steps": 0, "epochs": 5}))


def test_a_probability_that_a_gpu_refuses_is_reported_as_that(tmp_path):
    def validate(_):
        raise RuntimeError("CUDA error: device-side assert triggered")

    with pytest.raises(SedlabError, match=r"the GPU refused a value at step [1-9]"):
        train(tmp_path, node("stage1", "atst", epochs=1), validate=validate)


def late(scores):
    """Return a validation whose results come from another thread, after some steps."""

    def validate(_):
        results = Future()
        threading.Timer(0.1, results.set_result, [{"objective": next(scores)}]).start()
        return results

    return validate


def test_results_that_come_later_change_nothing(tmp_path):
    """The best networks are those that were validated, though the training has gone on since; resumed, too."""
    settings = {"epochs": 3, "validate_every": 1, "trainer.checkpoint_seconds": 3600}
    configuration = node("stage1", "atst", **settings)
    scores = [0.1, 0.5, 0.3]
    at_once = iter(scores)
    whole = train(tmp_path / "whole", configuration, validate=lambda _: {"objective": next(at_once)})
    later = train(tmp_path / "later", configuration, validate=late(iter(scores)))
    with pytest.raises(KeyboardInterrupt):
        often = node("stage1", "atst", **settings | {"trainer.checkpoint_seconds": 0})
        train(tmp_path / "killed", often, die_at=(2, 1), validate=late(iter(scores)))
    resumed = train(tmp_path / "killed", often, validate=late(iter(scores[2:])))
    best, *others = (load_networks(result.best, "student", "teacher") for result in (whole, later, resumed))
    for result, networks in zip((later, resumed), others, strict=True):
        assert result.objective == 0.5
        assert_same_training(whole, result)
        one, other = (pd.read_csv(each.history)["val/objective"] for each in (whole, result))
        pd.testing.assert_series_equal(one, other)
        for expected, found in zip(best, networks, strict=True):
            assert all(torch.equal(expected[key], found[key]) for key in expected)
    last = torch.load(later.last, weights_only=True)["networks"]["student"]
    assert not all(torch.equal(best[0][key], last[key]) for key in last)
