from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.audio.device_response import convolve_responses
from sedlab.config.augmentation import AugmentConfig
from sedlab.data.batch import Batch, Partners, Rows, Targets
from sedlab.models.detector import Features
from sedlab.training.augmentation import augment, augment_waveforms

SIZES = {"maestro": 2, "strong": 2, "synth": 2, "weak": 3, "unlabeled": 2}
OFF = {"mixup": {"p": 0.0}}


def example(sizes=SIZES, seed=0):
    """Return features, targets and rows at the real frame rates: 626 and 1001 frames for 156 labels."""
    generator = torch.Generator().manual_seed(seed)
    rows, num_clips = Rows.of(sizes), sum(sizes.values())
    strong = (torch.rand(num_clips, 27, 156, generator=generator) > 0.9).float()
    strong[rows.weak] = strong[rows.unlabeled] = 0
    mask = torch.zeros(num_clips, 27, dtype=torch.bool)
    mask[:, :13] = True
    targets = Targets(
        strong, (torch.rand(num_clips, 27, generator=generator) > 0.5).float(), mask, torch.rand(strong.shape)
    )
    mel, transformer = torch.rand(num_clips, 1, 16, 626), torch.randn(num_clips, 1, 8, 1001)
    return Features(mel + 0.1, transformer), targets, rows


def run(config: dict, *, seed: int = 0, sizes=SIZES):
    features, targets, rows = example(sizes)
    generator = torch.Generator().manual_seed(seed)
    return features, targets, rows, augment(features, targets, rows, AugmentConfig(**config), generator)


def changed_clips(before: torch.Tensor, after: torch.Tensor) -> list[int]:
    return [clip for clip in range(len(before)) if not torch.equal(before[clip], after[clip])]


def test_everything_off_is_the_identity():
    features, targets, _, result = run(OFF)
    assert result.student is features
    assert result.teacher is features
    assert result.targets is targets
    assert result.mixing is None


def test_equal_generators_give_equal_batches():
    config = {
        "teacher_input": "unmixed",
        "mixstyle": {"p": 0.5},
        "time_mask": {"p": 0.5},
        "warp": {"p": 0.5},
        "filter": {"p": 0.5},
        "frame_shift": {"p": 0.5},
    }
    features, targets, rows = example()
    for seed in range(5):
        first, again = (
            augment(features, targets, rows, AugmentConfig(**config), torch.Generator().manual_seed(seed))
            for _ in range(2)
        )
        assert torch.equal(first.student.mel, again.student.mel)
        assert torch.equal(first.student.transformer, again.student.transformer)
        assert torch.equal(first.targets.strong, again.targets.strong)


def test_a_mixed_teacher_sees_the_students_features():
    _, _, _, result = run({"mixup": {"p": 1.0}, "mixstyle": {"p": 1.0}, "filter": {"p": 1.0, "views": 1}})
    assert result.teacher is result.student


@pytest.mark.parametrize(("teacher_input", "is_filtered"), [("mixed", True), ("unmixed", False)])
def test_a_filter_alone_is_heard_by_a_mixed_teacher_only(teacher_input, is_filtered):
    features, _, _, result = run({"teacher_input": teacher_input, "filter": {"p": 1.0, "views": 1}})
    assert not torch.equal(result.student.mel, features.mel)
    assert torch.equal(result.teacher.mel, result.student.mel if is_filtered else features.mel)


def test_two_views_differ_in_the_crnn_stream_only():
    config = {"mixup": {"p": 1.0}, "filter": {"p": 1.0, "views": 2, "streams": "crnn"}}
    features, _, _, result = run(config)
    assert changed_clips(result.student.mel, result.teacher.mel) == list(range(11))
    assert torch.equal(result.student.transformer, result.teacher.transformer)
    ratio = result.student.mel / result.teacher.mel  # both are the same mixture times a gain for each bin
    assert torch.allclose(ratio, ratio[..., :1].expand_as(ratio), rtol=1e-4)
    assert changed_clips(features.mel, result.student.mel) == list(range(11))


def test_an_unmixed_teacher_sees_the_clips_after_the_time_mask_only():
    config = {
        "teacher_input": "unmixed",
        "mixup": {"p": 1.0},
        "mixstyle": {"p": 1.0},
        "time_mask": {"p": 1.0},
        "warp": {"p": 1.0},
        "filter": {"p": 1.0},
    }
    features, _, rows, result = run(config)
    masked = list(range(rows.strong.start, rows.synth.stop))
    assert changed_clips(features.mel, result.teacher.mel) == masked
    assert changed_clips(features.transformer, result.teacher.transformer) == masked
    assert changed_clips(features.mel, result.student.mel) == list(range(11))
    silent = result.teacher.mel[masked] == 0
    assert torch.equal(silent | (result.teacher.mel[masked] == features.mel[masked]), torch.ones_like(silent))


@given(st.integers(0, 2**31))
@settings(max_examples=20)
def test_the_time_mask_silences_features_targets_and_pseudo_labels_together(seed):
    config = OFF | {"teacher_input": "unmixed", "time_mask": {"p": 1.0}}
    _, targets, rows, result = run(config, seed=seed)
    rows = slice(rows.strong.start, rows.synth.stop)
    silent = (result.student.mel[rows] == 0).all(dim=(0, 1, 2))
    frames = silent[:624].reshape(156, 4)
    assert torch.equal(frames.any(1), frames.all(1))
    masked = frames.all(1)
    assert 7 <= masked.sum() <= 45
    assert (result.targets.strong[rows][..., masked] == 0).all()
    assert (result.targets.pseudo[rows][..., masked] == 0).all()
    assert torch.equal(result.targets.strong[rows][..., ~masked], targets.strong[rows][..., ~masked])
    first, last = masked.nonzero()[[0, -1]].flatten().tolist()
    zeros = (result.student.transformer[rows] == 0).all(dim=(0, 1, 2)).nonzero().flatten()
    assert abs(zeros[0] / 1001 - first / 156) < 1 / 1001
    assert abs((zeros[-1] + 1) / 1001 - (last + 1) / 156) < 1 / 1001


@pytest.mark.parametrize("joint", [True, False])
def test_mixup_keeps_to_its_blocks(joint):
    _, targets, rows, result = run({"mixup": {"p": 1.0, "joint": joint}}, sizes=dict.fromkeys(SIZES, 6))
    assert result.mixing.joint == joint
    partner = result.mixing.partner
    names = [("maestro", "strong", "synth")] if joint else [("maestro",), ("strong", "synth")]
    for block in [*names, ("weak",), ("unlabeled",)]:
        inside = set(range(getattr(rows, block[0]).start, getattr(rows, block[-1]).stop))
        assert set(partner[min(inside) : max(inside) + 1].tolist()) == inside
    if joint:
        assert (partner[rows.maestro] >= 6).any()
    assert result.targets.strong.min() >= 0
    assert result.targets.strong.max() <= 1
    unmixed = partner == torch.arange(len(partner))
    assert torch.equal(result.targets.strong[unmixed], targets.strong[unmixed])


def test_mixup_widens_the_mask_by_active_classes():
    _, targets, _, result = run({"mixup": {"p": 1.0}})
    active = (targets.strong != 0).any(-1)
    assert torch.equal(result.targets.mask, targets.mask | active[result.mixing.partner])
    assert (result.targets.mask != targets.mask).any()


@pytest.mark.parametrize("include", [True, False])
def test_the_warp_leaves_the_crnn_stream_and_on_request_maestro_alone(include):
    config = OFF | {"warp": {"p": 1.0, "min_ratio": 0.3, "include_maestro": include}}
    for seed in range(3):
        features, _, _, result = run(config, seed=seed)
        assert result.student.mel is features.mel
        changed = changed_clips(features.transformer, result.student.transformer)
        assert include or not {0, 1} & set(changed)
        assert changed


@pytest.mark.parametrize("include", [True, False])
def test_the_frame_shift_moves_labels_with_features(include):
    features, targets, rows = example()
    features.mel[..., 0] = 5.0  # a marker that the roll carries along
    config = AugmentConfig(**OFF, frame_shift={"p": 1.0, "include_maestro": include})
    result = augment(features, targets, rows, config, torch.Generator().manual_seed(3))
    shifts = (result.student.mel[:, 0, 0] == 5.0).float().argmax(-1)
    shifts = torch.where(shifts > 313, shifts - 626, shifts)
    assert shifts[rows.desed].abs().max() > 4
    assert bool(shifts[rows.maestro].any()) == include
    for clip, shift in enumerate(shifts.tolist()):
        assert torch.equal(result.targets.strong[clip], targets.strong[clip].roll(round(shift / 4), -1))
        assert torch.equal(result.targets.pseudo[clip], targets.pseudo[clip].roll(round(shift / 4), -1))


@pytest.mark.parametrize("absent", SIZES)
@pytest.mark.parametrize("teacher_input", ["mixed", "unmixed"])
def test_absent_groups_and_missing_pseudo_labels_are_no_problem(absent, teacher_input):
    sizes = {name: size for name, size in SIZES.items() if name != absent}
    features, targets, rows = example(sizes)
    targets = Targets(targets.strong, targets.weak, targets.mask)
    everything = {"p": 1.0}
    config = AugmentConfig(
        teacher_input=teacher_input,
        frame_shift=everything,
        mixup=everything,
        mixstyle=everything,
        time_mask=everything,
        warp=everything,
        filter=everything,
    )
    result = augment(features, targets, rows, config, torch.Generator().manual_seed(0))
    assert result.student.mel.shape == features.mel.shape
    assert torch.isfinite(result.student.transformer).all()
    assert result.targets.pseudo is None


def test_probabilities_are_met():
    features, targets, rows = example({"weak": 2})
    config = AugmentConfig(mixup={"p": 0.3})
    generator = torch.Generator().manual_seed(0)
    fired = sum(augment(features, targets, rows, config, generator).mixing is not None for _ in range(400))
    assert 90 < fired < 150


# Waveforms: zero-mean clips that are orthogonal to their partners tell how much of each a mixture holds.


def partners_of(rows, generator, *, num_samples=400, pseudo=True):
    strong = (torch.rand(len(rows), 27, 156, generator=generator) > 0.9).float()
    return Partners(
        rows=torch.tensor(rows),
        share=0.5 + 0.5 * torch.rand(len(rows), generator=generator),
        waveform=torch.randn(len(rows), num_samples, generator=generator),
        targets=Targets(
            strong=strong,
            weak=torch.zeros(len(rows), 27),
            mask=torch.ones(len(rows), 27, dtype=torch.bool),
            pseudo=torch.rand(strong.shape, generator=generator) if pseudo else None,
        ),
    )


def batch_of(waveform, partners=None, device="cpu") -> Batch:
    _, targets, rows = example()
    ids = [str(row) for row in range(len(waveform))]
    return Batch(waveform, targets, rows, ["synth_train"] * len(ids), ids, partners).to(device)


@given(st.integers(0, 2**31), st.sets(st.integers(0, 5), min_size=1))
@settings(max_examples=20)
def test_wavmix_mixes_sounds_and_labels_in_the_same_proportion(seed, rows):
    generator = torch.Generator().manual_seed(seed)
    rows = sorted(rows)
    waveform, partners = torch.randn(11, 400, generator=generator), partners_of(rows, generator)
    batch = batch_of(waveform, partners)
    after = augment_waveforms(batch, AugmentConfig(), generator)
    targets, mixed, new = batch.targets, after.waveform, after.targets
    assert after.partners is None
    assert changed_clips(waveform, mixed) == changed_clips(targets.strong, new.strong) == rows
    assert new.mask is targets.mask and new.weak is targets.weak
    for place, row in enumerate(rows):
        share = float(partners.share[place])
        sounds = torch.stack([waveform[row], partners.waveform[place]], dim=1)
        sounds = sounds - sounds.mean(0)
        found = torch.linalg.lstsq(sounds, mixed[row][:, None]).solution[:, 0]
        assert found.tolist() == pytest.approx([share, 1 - share], abs=1e-4)
        for name in ("strong", "pseudo"):
            expected = share * getattr(targets, name)[row] + (1 - share) * getattr(partners.targets, name)[place]
            torch.testing.assert_close(getattr(new, name)[row], expected)


def test_waveforms_without_partners_responses_and_gain_are_left_alone():
    batch = batch_of(torch.rand(11, 400))
    config = AugmentConfig(wavmix={"p": 1.0}, device_response={"p": 1.0})
    after = augment_waveforms(batch, config, torch.Generator())
    assert torch.equal(after.waveform, batch.waveform)
    assert after.targets is batch.targets


def test_devices_record_what_was_mixed_and_gain_comes_last():
    generator = torch.Generator().manual_seed(1)
    batch = batch_of(torch.rand(11, 400), partners_of([0, 3], generator))
    config = AugmentConfig(device_response={"p": 1.0}, gain={"max_db": 3})
    responses = torch.tensor([[0.0, 1.0, 0.5]])
    done = augment_waveforms(batch, config, generator, responses=responses)
    assert changed_clips(batch.targets.strong, done.targets.strong) == [0, 3]
    mixed = augment_waveforms(batch, AugmentConfig(), generator)
    recorded = convolve_responses(mixed.waveform, responses[0])
    gains_db = 20 * (done.waveform / recorded).median(dim=-1).values.log10()
    torch.testing.assert_close(gains_db, gains_db.round(), atol=1e-3, rtol=0)
    torch.testing.assert_close(
        done.waveform, recorded * torch.pow(10.0, gains_db.round() / 20)[:, None], atol=1e-4, rtol=1e-3
    )
    assert set(gains_db.round().tolist()) <= set(range(-3, 3))


@pytest.mark.parametrize(("maestro", "pseudo"), [(True, False), (False, True), (True, True)])
def test_hardening_rounds_what_it_is_asked_to(maestro, pseudo):
    features, targets, rows = example()
    soft = Targets(targets.strong * 0.7 + 0.05, targets.weak, targets.mask, targets.pseudo)
    config = AugmentConfig(**OFF, harden={"p": 1.0, "maestro": maestro, "pseudo": pseudo})
    result = augment(features, soft, rows, config, torch.Generator().manual_seed(0)).targets
    rows = rows.maestro
    expected = (soft.strong[rows] > 0.5).float() if maestro else soft.strong[rows]
    assert torch.equal(result.strong[rows], expected)
    assert torch.equal(result.strong[rows.stop :], soft.strong[rows.stop :])
    assert torch.equal(result.pseudo, (soft.pseudo > 0.5).float() if pseudo else soft.pseudo)
    assert soft.strong[rows].max() == pytest.approx(0.75)  # what came in is not written to


def test_draws_from_the_host_reach_the_device_of_the_features():
    """Tensors of the meta device refuse to meet those of the CPU, as an accelerator's do."""
    features, targets, rows = example()
    features = Features(features.mel.to("meta"), features.transformer.to("meta"))
    targets = targets.map(lambda values: values.to("meta"))
    everything = {"p": 1.0}
    config = AugmentConfig(
        frame_shift=everything,
        mixup=everything,
        mixstyle=everything,
        time_mask=everything,
        warp=everything,
        filter=everything,
        device_response=everything,
        harden=everything,
        gain={"max_db": 5},
    )
    generator = torch.Generator().manual_seed(0)
    result = augment(features, targets, rows, config, generator)
    assert result.student.mel.is_meta
    assert result.targets.strong.is_meta
    batch = batch_of(torch.rand(11, 400), partners_of([0, 2], generator), "meta")
    after = augment_waveforms(batch, config, generator, responses=torch.ones(2, 5, device="meta"))
    assert after.waveform.is_meta
    assert after.targets.pseudo.is_meta
