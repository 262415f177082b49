"""The detector at small sizes: shapes, masks, what is frozen, sharing of embeddings."""

from __future__ import annotations

import copy

import pytest
import torch
from small_detectors import scored

from sedlab.config.model import ARCHS
from sedlab.models.detector import Detector, Features


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize(("seconds", "frames"), [(10, 156), (5, 78), (1, 15)])
def test_shapes(make_detector, noise, arch, seconds, frames):
    detector = make_detector(arch)
    (scores,) = scored(detector, detector.features(noise(2, seconds)))
    assert scores.strong.shape == scores.logits.shape == (2, 27, frames)
    assert scores.weak.shape == (2, 27)
    torch.testing.assert_close(scores.strong, scores.logits.sigmoid())
    assert scores.weak.min() >= scores.strong.amin() - 1e-6
    assert scores.weak.max() <= scores.strong.amax() + 1e-6


@pytest.mark.parametrize("arch", ARCHS)
def test_masked_classes_are_zero_and_get_no_gradient(make_detector, noise, arch):
    detector = make_detector(arch).train()
    mask = torch.zeros(2, 27, dtype=torch.bool)
    mask[:, :10] = True
    free, masked = scored(detector, detector.features(noise(2, 1)), masks=(None, mask))
    assert (masked.strong[:, 10:] == 0).all()
    assert (masked.weak[:, 10:] == 0).all()
    assert torch.equal(masked.strong[:, :10], free.strong[:, :10])
    assert torch.equal(masked.logits, free.logits)
    assert not torch.allclose(masked.weak[:, :10], free.weak[:, :10])  # attention is shared among fewer classes

    (masked.strong.sum() + masked.weak.sum()).backward()
    for layer in (detector.head.events, detector.head.attention):
        assert (layer.weight.grad[10:] == 0).all()
        assert layer.weight.grad[:10].abs().sum() > 0


@pytest.mark.parametrize("arch", ARCHS)
def test_a_batch_may_be_split(make_detector, noise, arch):
    detector = make_detector(arch)
    mel, transformer = detector.features(noise(4, 2))
    (together,) = scored(detector, Features(mel, transformer))
    for half in (slice(0, 1), slice(1, 4)):
        (part,) = scored(detector, Features(mel[half], transformer[half]))
        torch.testing.assert_close(together.strong[half], part.strong, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(together.weak[half], part.weak, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("arch", ["passt", "beats"])
def test_a_waveform_batch_may_be_split(make_detector, noise, arch):
    # not for ATST, whose published features refer to the loudest cell of the batch
    detector, waveform = make_detector(arch), noise(3, 2)
    (together,) = scored(detector, detector.features(waveform))
    (alone,) = scored(detector, detector.features(waveform[1:2]))
    torch.testing.assert_close(together.strong[1:2], alone.strong, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("arch", ["passt", "atst"])
def test_the_wrapper_is_never_trained(make_detector, noise, arch):
    detector = make_detector(arch).train().requires_grad_(True)  # even when someone asks for it
    (scores,) = scored(detector, detector.features(noise(2, 1)))
    scores.strong.sum().backward()
    assert detector.wrapper.weight.grad is None
    assert detector.transformer.patch.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("arch", ARCHS)
def test_a_frozen_transformer_stays_in_evaluation_mode_and_gets_no_gradient(make_detector, noise, arch):
    detector = make_detector(arch).freeze_transformer().train()
    assert detector.training
    assert detector.cnn.training
    assert not any(module.training for module in detector.transformer.modules())
    assert not detector.transformer_frontend.training
    features = detector.features(noise(2, 1))
    assert not detector.embed(features.transformer).requires_grad
    (scores,) = scored(detector, features)
    scores.strong.sum().backward()
    assert all(parameter.grad is None for parameter in detector.transformer.parameters())
    assert detector.cnn.layers[0].convolution.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("arch", ARCHS)
def test_every_trainable_parameter_gets_a_gradient(make_detector, noise, arch):
    detector = make_detector(arch).train()
    (scores,) = scored(detector, detector.features(noise(2, 2)))
    (scores.strong.square().sum() + scores.weak.sum()).backward()
    without = {name for name, p in detector.named_parameters() if p.requires_grad and p.grad is None}
    assert without == ({"transformer.mask_token"} if arch == "atst" else set())


def test_dropout_is_active_in_training_only(make_detector, noise, tiny):
    detector = make_detector("atst")
    features = detector.features(noise(2, 1))
    assert torch.equal(scored(detector, features)[0].logits, scored(detector, features)[0].logits)
    detector.train()
    assert not torch.equal(scored(detector, features)[0].logits, scored(detector, features)[0].logits)


def test_batch_norm_momentum_is_the_share_of_the_newest_batch(make_detector, noise):
    detector = make_detector("passt").train()
    features = detector.features(noise(2, 1))
    norm = detector.cnn.layers[0].norm
    seen = []
    norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].mean(dim=(0, 2, 3)).detach()))
    before = norm.running_mean.clone()
    scored(detector, features)
    torch.testing.assert_close(norm.running_mean, 0.01 * before + 0.99 * seen[0], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("arch", ARCHS)
def test_a_copy_computes_the_same(make_detector, noise, arch):
    detector = make_detector(arch)
    features = detector.features(noise(1, 1))
    (scores,) = scored(detector, features)
    (copied,) = scored(copy.deepcopy(detector), features)
    assert torch.equal(scores.logits, copied.logits)


def test_scores_are_float32_under_autocast(make_detector, noise):
    detector = make_detector("beats")
    features = detector.features(noise(2, 1))
    (expected,) = scored(detector, features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (scores,) = scored(detector, features)
    assert scores.strong.dtype == scores.weak.dtype == scores.logits.dtype == torch.float32
    torch.testing.assert_close(scores.strong, expected.strong, atol=0.05, rtol=0)


def test_the_class_is_the_same_for_every_size(make_detector):
    assert type(make_detector("passt")) is Detector
