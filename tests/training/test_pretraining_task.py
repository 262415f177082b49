"""Pre-training: augmentations that labels follow, the loss with teachers, and where the transformer starts."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from published_files import small_config, transformer_files, transformer_state

from sedlab.checkpoints.loading import load_tagger, load_transformer
from sedlab.config.augmentation import PretrainAugmentConfig
from sedlab.config.loading import load_experiment
from sedlab.data.batch import Batch, Partners, Rows, Targets
from sedlab.errors import SedlabError
from sedlab.training.augmentation import augment_pretraining
from sedlab.training.distributed import make_fabric
from sedlab.training.pretraining import PretrainingTask, pretraining_loss

CLASSES = ("/m/09x0r", "/m/0bt9lr", "/m/04brg2")
EVERYTHING = {
    "frame_shift": {"p": 1.0},
    "mixup": {"p": 1.0},
    "mixstyle": {"p": 1.0, "alpha": 0.4},
    "time_mask": {"p": 1.0},
    "filter": {"p": 1.0},
    "warp": {"p": 1.0},
}
OFF = {"mixup": {"p": 0.0}}


def targets_of(num_clips: int = 4, num_classes: int = 24, *, seed: int = 0) -> Targets:
    generator = torch.Generator().manual_seed(seed)
    strong = (torch.rand(num_clips, num_classes, 250, generator=generator) > 0.8).float()
    return Targets(strong, strong.amax(-1), torch.ones(num_clips, num_classes, dtype=torch.bool), strong.clone())


def augmented(config: dict, features: torch.Tensor, targets: Targets, seed: int = 0):
    return augment_pretraining(features, targets, PretrainAugmentConfig(**config), torch.Generator().manual_seed(seed))


def test_everything_off_is_the_identity():
    features, targets = torch.randn(4, 1, 16, 1000), targets_of()
    after, same = augmented(OFF, features, targets)
    assert after is features and same is targets


@settings(max_examples=20)
@given(st.sampled_from([1000, 998, 1001]), st.integers(0, 99))
def test_labels_and_teachers_move_alike_and_stay_probabilities(num_frames, seed):
    features, targets = torch.randn(4, 1, 16, num_frames), targets_of()
    after, moved = augmented(EVERYTHING, features, targets, seed)
    assert after.shape == features.shape and after.isfinite().all()
    assert torch.equal(moved.strong, moved.pseudo)
    assert moved.strong.min() >= 0 and moved.strong.max() <= 1
    again, _ = augmented(EVERYTHING, features, targets, seed)
    assert torch.equal(after, again)


@pytest.mark.parametrize("name", ["frame_shift", "mixup", "time_mask"])
def test_labels_stay_with_what_sounds(name):
    # Features that are the labels themselves must stay so.
    targets = targets_of()
    after, moved = augmented(OFF | {name: EVERYTHING[name]}, targets.strong[:, None], targets)
    assert not torch.equal(moved.strong, targets.strong)
    torch.testing.assert_close(after[:, 0], moved.strong)


@pytest.mark.parametrize("name", ["mixstyle", "filter", "warp"])
def test_colour_changes_leave_the_labels(name):
    features, targets = torch.randn(4, 1, 16, 1000), targets_of()
    after, same = augmented(OFF | {name: EVERYTHING[name]}, features, targets)
    assert not torch.equal(after, features)
    assert same is targets


@settings(max_examples=30)
@given(st.floats(0.01, 1.0), st.integers(0, 99))
def test_distillation_is_cross_entropy_with_a_mixed_target(weight, seed):
    generator = torch.Generator().manual_seed(seed)
    targets = targets_of(seed=seed)
    targets.pseudo[:] = torch.rand(targets.pseudo.shape, generator=generator)
    logits = torch.randn(targets.strong.shape, generator=generator)
    terms = pretraining_loss(logits, targets, distillation=weight)
    mixed = (1 - weight) * targets.strong + weight * targets.pseudo
    torch.testing.assert_close(terms.total, F.binary_cross_entropy_with_logits(logits, mixed))
    expected = (1 - weight) * terms.parts["audioset"] + weight * terms.parts["teachers"]
    torch.testing.assert_close(terms.total, expected)


def test_without_teachers_the_loss_is_that_of_the_labels():
    targets, logits = targets_of(), torch.randn(4, 24, 250)
    terms = pretraining_loss(logits, targets)
    torch.testing.assert_close(terms.total, F.binary_cross_entropy_with_logits(logits, targets.strong))
    assert list(terms.parts) == ["audioset"]


def batch_of(*, with_partners: bool) -> Batch:
    generator = torch.Generator().manual_seed(0)
    waveform = 0.1 * torch.randn(3, 160_000, generator=generator)
    targets = targets_of(3, len(CLASSES))
    rows = torch.tensor([0, 2])
    swapped = targets.map(lambda values: values[[1, 0]])
    partners = Partners(rows, torch.tensor([0.6, 0.9]), waveform[[1, 0]], swapped) if with_partners else None
    return Batch(waveform, targets, Rows.of({"audioset": 3}), ["audioset_train"] * 3, ["a", "b", "c"], partners)


def task_of(arch: str = "atst", init=None, **changes) -> PretrainingTask:
    node = load_experiment("nano").node("pretrain", arch)
    training = node.training.model_copy(update=changes)
    node = node.model_copy(update={"training": training, "detector": small_config(arch)})
    return PretrainingTask(node, make_fabric(training.trainer), classes=CLASSES, init=init)


def loss_of(task: PretrainingTask, **batch) -> torch.Tensor:
    return task.loss(batch_of(**batch), 0, torch.Generator().manual_seed(1)).total


def test_a_step_trains_transformer_recurrent_layers_and_head():
    task = task_of(rnn_dim=8, augment=PretrainAugmentConfig(**EVERYTHING))
    loss_of(task, with_partners=True).backward()
    silent = {name for name, p in task.tagger.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    # ATST's mask token belongs to its self-supervised training alone.
    assert silent == {"transformer.mask_token"}


def test_partners_are_mixed_in():
    task = task_of(augment=PretrainAugmentConfig(**OFF))
    assert loss_of(task, with_partners=True) != loss_of(task, with_partners=False)


@pytest.mark.parametrize("kind", ["pretrainedsed", "bare"])
@pytest.mark.parametrize("arch", ["passt", "beats", "atst"])
def test_the_transformer_starts_from_a_published_file(tmp_path, arch, kind):
    path = tmp_path / "published.pt"
    torch.save(transformer_files(arch, transformer_state(arch))[kind], path)
    tagger = task_of(arch, init=path).tagger
    for name, value in load_transformer(path).state_dict().items():
        torch.testing.assert_close(tagger.transformer.state_dict()[name], value, msg=name)


def test_a_checkpoint_of_its_own_can_be_trained_further(tmp_path):
    first = task_of(rnn_dim=8)
    first.save(tmp_path / "best.pt")
    assert load_tagger(tmp_path / "best.pt").classes == CLASSES
    second = task_of(init=tmp_path / "best.pt")
    torch.testing.assert_close(second.tagger.transformer.state_dict(), first.tagger.transformer.state_dict())


def test_weights_of_another_size_are_refused(tmp_path):
    path = tmp_path / "beats.pt"
    torch.save(transformer_files("beats", transformer_state("beats"))["bare"], path)
    with pytest.raises(SedlabError, match=r"beats\.pt.*its transformer has another form \(arch is beats"):
        task_of("atst", init=path)
