"""What holds for every augmentation of features, whatever is drawn.

The features here spell out the labels, mel bin c for class c, so whether sound and labels still agree can be read off.
"""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from sedlab.config.augmentation import AugmentConfig
from sedlab.data.batch import Rows, Targets
from sedlab.data.corpora.layout import DETECTION_GROUPS
from sedlab.models.detector import Features
from sedlab.training.augmentation import augment

CLASSES, FRAMES = 12, 40
OFF = {"mixup": {"p": 0.0}}
#: Every augmentation of features alone, at full probability.
ALONE = {
    "harden": OFF | {"harden": {"p": 1.0, "pseudo": True}},
    "frame_shift": OFF | {"frame_shift": {"p": 1.0, "std_fraction": 0.3}},
    "mixup": {"mixup": {"p": 1.0}},
    "mixup apart": {"mixup": {"p": 1.0, "joint": False, "max_coefficient": False}},
    "mixstyle": OFF | {"mixstyle": {"p": 1.0}},
    "time_mask": OFF | {"time_mask": {"p": 1.0}},
    "warp": OFF | {"warp": {"p": 1.0}},
    "filter": OFF | {"filter": {"p": 1.0}},
    "filter, two views": OFF | {"filter": {"p": 1.0, "views": 2, "streams": "crnn"}},
}
#: Augmentations that change how clips sound, not what is in them.
COLOURS = {"mixstyle", "warp", "filter", "filter, two views"}
WITHOUT_STRENGTH = {
    "frame_shift": OFF | {"frame_shift": {"p": 1.0, "std_fraction": 0.0}},
    "time_mask": OFF | {"time_mask": {"p": 1.0, "min_fraction": 0.0, "max_fraction": 0.001}},
    "warp": OFF | {"warp": {"p": 1.0, "min_ratio": 1.0}},
    "filter": OFF | {"filter": {"p": 1.0, "db": (0.0, 0.0)}},
}

seeds = st.integers(0, 2**31)
some_sizes = (
    st.lists(st.integers(0, 3), min_size=5, max_size=5)
    .filter(any)
    .map(lambda n: dict(zip(DETECTION_GROUPS, n, strict=True)))
)
views = st.sampled_from(["mixed", "unmixed"])


def spelled(strong: torch.Tensor) -> Features:
    """Return features with 4 and 3 frames a label frame in which bin c is the label of class c."""
    return Features(strong.repeat_interleave(4, dim=-1)[:, None], strong.repeat_interleave(3, dim=-1)[:, None])


def example(sizes: dict[str, int], seed: int, *, weak_too: bool = True) -> tuple[Features, Targets, Rows]:
    generator = torch.Generator().manual_seed(seed)
    num_clips = sum(sizes.values())
    strong = torch.rand(num_clips, CLASSES, FRAMES, generator=generator)
    strong *= torch.rand(strong.shape, generator=generator) > 0.7
    weak = (strong > 0).any(-1).float()
    mask = torch.rand(num_clips, CLASSES, generator=generator) > 0.5
    return spelled(strong), Targets(strong, weak, mask, strong.clone()), Rows.of(sizes)


def run(config: dict, sizes: dict[str, int], seed: int, teacher_input: str = "mixed"):
    features, targets, rows = example(sizes, seed)
    generator = torch.Generator().manual_seed(seed)
    config = AugmentConfig(**config, teacher_input=teacher_input)
    return features, targets, rows, augment(features, targets, rows, config, generator), generator


@given(st.sampled_from(sorted(ALONE)), some_sizes, seeds, views)
def test_shapes_types_and_ranges_stay(name, sizes, seed, teacher_input):
    features, targets, _, result, _ = run(ALONE[name], sizes, seed, teacher_input)
    for view in (result.student, result.teacher):
        for before, after in ((features.mel, view.mel), (features.transformer, view.transformer)):
            assert (after.shape, after.dtype) == (before.shape, before.dtype)
            assert torch.isfinite(after).all()
    for field in ("strong", "weak", "pseudo"):
        before, after = getattr(targets, field), getattr(result.targets, field)
        assert (after.shape, after.dtype) == (before.shape, before.dtype)
        assert after.min() >= 0 and after.max() <= 1
    assert (result.targets.mask | ~targets.mask).all()  # masks only widen
    assert name.startswith("mixup") or torch.equal(result.targets.mask, targets.mask)


@given(st.sampled_from(sorted(ALONE)), some_sizes, seeds, views)
def test_the_generators_state_decides_everything(name, sizes, seed, teacher_input):
    torch.manual_seed(0)
    *_, first, generator = run(ALONE[name], sizes, seed, teacher_input)
    torch.manual_seed(1)
    *_, again, other = run(ALONE[name], sizes, seed, teacher_input)
    for one, two in zip((first.student, first.teacher), (again.student, again.teacher), strict=True):
        assert torch.equal(one.mel, two.mel) and torch.equal(one.transformer, two.transformer)
    assert torch.equal(first.targets.strong, again.targets.strong)
    assert torch.equal(first.targets.pseudo, again.targets.pseudo)
    assert torch.equal(generator.get_state(), other.get_state())


@given(some_sizes, seeds, views)
def test_probability_0_is_the_identity(sizes, seed, teacher_input):
    features, targets, _, result, _ = run(OFF, sizes, seed, teacher_input)
    assert result.student is result.teacher is features
    assert result.targets is targets


@given(st.sampled_from(sorted(WITHOUT_STRENGTH)), some_sizes, seeds, views)
def test_strength_0_is_the_identity(name, sizes, seed, teacher_input):
    features, targets, _, result, _ = run(WITHOUT_STRENGTH[name], sizes, seed, teacher_input)
    for view in (result.student, result.teacher):
        assert torch.equal(view.mel, features.mel)
        assert torch.equal(view.transformer, features.transformer)
    assert torch.equal(result.targets.strong, targets.strong)
    assert torch.equal(result.targets.pseudo, targets.pseudo)


@given(st.sampled_from(["mixup", "mixstyle"]), seeds)
def test_a_clip_alone_in_its_group_has_nobody_to_mix_with(name, seed):
    features, targets, _, result, _ = run(ALONE[name], {"synth": 1, "weak": 1, "unlabeled": 1}, seed)
    assert_close(result.student.mel, features.mel)
    assert_close(result.student.transformer, features.transformer)
    assert_close(result.targets.strong, targets.strong)


@given(st.sampled_from(["mixup", "mixup apart", "time_mask"]), some_sizes, seeds, views)
def test_labels_follow_the_sound(name, sizes, seed, teacher_input):
    *_, result, _ = run(ALONE[name], sizes, seed, teacher_input)
    expected = spelled(result.targets.strong)
    assert_close(result.student.mel, expected.mel)
    assert_close(result.student.transformer, expected.transformer)
    assert_close(result.targets.pseudo, result.targets.strong)


@given(some_sizes, seeds)
def test_shifted_labels_follow_the_sound_to_half_a_frame(sizes, seed):
    *_, result, _ = run(ALONE["frame_shift"], sizes, seed)
    assert torch.equal(result.targets.pseudo, result.targets.strong)
    for clip, labels in enumerate(result.targets.strong):
        mel = result.student.mel[clip, 0].reshape(CLASSES, FRAMES, 4)
        # A shift by s frames moves labels by s / 4, rounded: one of the two middle frames of each label still has it.
        assert torch.equal(mel[..., 1], labels) or torch.equal(mel[..., 2], labels)
        transformer = result.student.transformer[clip, 0].reshape(CLASSES, FRAMES, 3)
        assert any(torch.equal(transformer[..., frame], labels) for frame in range(3))


@given(st.sampled_from(sorted(COLOURS)), some_sizes, seeds, views)
def test_colouring_leaves_labels_alone(name, sizes, seed, teacher_input):
    _, targets, _, result, _ = run(ALONE[name], sizes, seed, teacher_input)
    assert result.targets is targets


@given(some_sizes, seeds, views)
def test_weak_labels_follow_the_mixture(sizes, seed, teacher_input):
    _, targets, _, result, _ = run(ALONE["mixup"], sizes, seed, teacher_input)
    share = result.mixing.coefficient[:, None]
    assert_close(result.targets.weak, share * targets.weak + (1 - share) * targets.weak[result.mixing.partner])


@pytest.mark.parametrize("name", ["mixstyle", "filter"])
def test_both_streams_are_coloured_by_draws_of_their_own(name):
    features, targets, rows = example(dict.fromkeys(DETECTION_GROUPS, 3), seed=0)
    same = Features(features.mel, features.mel.clone())
    result = augment(same, targets, rows, AugmentConfig(**ALONE[name]), torch.Generator().manual_seed(0)).student
    assert not torch.allclose(result.mel, result.transformer)


def test_each_group_is_warped_by_a_band_of_its_own():
    _, targets, rows = example(dict.fromkeys(DETECTION_GROUPS, 2), seed=0)
    ramp = torch.arange(64.0)[None, None, :, None].expand(10, 1, 64, 12)
    config = AugmentConfig(**ALONE["warp"])
    edges = set()
    for seed in range(5):
        warped = augment(Features(ramp, ramp), targets, rows, config, torch.Generator().manual_seed(seed)).student
        bands = [(float(clip[0, 0, 0]), float(clip[0, -1, 0])) for clip in warped.transformer]
        maestro, strong, synth, weak, unlabeled = (set(bands[group]) for group in rows.present().values())
        assert strong == synth and all(len(block) == 1 for block in (maestro, strong, weak, unlabeled))
        edges.add(len(maestro | strong | weak | unlabeled))
    assert max(edges) == 4
