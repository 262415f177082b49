"""The transformers at small sizes: shapes, positions, invariances, layer groups, gradient checkpointing."""

from __future__ import annotations

import pytest
import torch

from sedlab.audio.frontends import build_frontend
from sedlab.config.model import ARCHS, AtstConfig, BeatsConfig, PasstConfig
from sedlab.models.beats import relative_buckets
from sedlab.models.build import build_transformer


@pytest.fixture
def build(tiny):
    def transformer(arch, **changes):
        torch.manual_seed(0)
        return build_transformer(tiny(arch).transformer.model_copy(update=changes)).eval()

    return transformer


def features_of(transformer, waveform):
    return build_frontend(transformer.config).eval()(waveform)


@pytest.mark.parametrize(
    ("arch", "tokens"),
    [
        ("passt", {10: 250, 5: 125, 1: 25}),
        ("beats", {10: 62 * 4, 5: 31 * 4, 1: 6 * 4}),
        ("atst", {10: 250, 5: 125, 1: 25}),
    ],
)
def test_number_of_tokens(build, noise, arch, tokens):
    transformer = build(arch)
    for seconds, expected in tokens.items():
        embedding = transformer(features_of(transformer, noise(2, seconds)))
        assert embedding.shape == (2, expected, transformer.dim)


@pytest.mark.parametrize("arch", ARCHS)
def test_tiny_and_base_are_the_same_class(build, arch):
    with torch.device("meta"):
        base = build_transformer({"passt": PasstConfig, "beats": BeatsConfig, "atst": AtstConfig}[arch]())
    assert type(base) is type(build(arch))
    assert base.dim == 768
    assert len(base.blocks) == 12


@pytest.mark.parametrize("arch", ARCHS)
def test_a_clip_does_not_depend_on_its_batch(build, noise, arch):
    transformer = build(arch)
    features = features_of(transformer, noise(3, 2))
    together = transformer(features)
    for clip in range(3):
        torch.testing.assert_close(together[clip], transformer(features[clip : clip + 1])[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("arch", ARCHS)
def test_layer_groups_hold_every_parameter_once_from_the_output_down(build, arch):
    transformer = build(arch)
    groups = transformer.layer_groups()
    flat = [id(parameter) for group in groups for parameter in group]
    assert len(flat) == len(set(flat))
    assert set(flat) == {id(parameter) for parameter in transformer.parameters()}
    names = {id(parameter): name for name, parameter in transformer.named_parameters()}
    norm, *blocks = groups[:-1]
    tops = [names[id(group[0])] for group in blocks]
    assert [names[id(parameter)].split(".")[0] for parameter in norm] == ["final_norm"] * (0 if arch == "beats" else 2)
    assert [name.split(".")[:2] for name in tops] == [["blocks", "1"], ["blocks", "0"]]
    assert any(names[id(parameter)].startswith("patch") for parameter in groups[-1])


def test_passt_positions_are_the_first_in_evaluation_and_drawn_in_training(build, noise):
    transformer = build("passt")
    features = features_of(transformer, noise(1, 1))
    with torch.no_grad():
        transformer.time_position[..., 25:] += 10.0  # behind the first second
        still = transformer.tokens(features)
        assert torch.equal(still, transformer.tokens(features))
        transformer.train()
        drawn = [transformer.tokens(features)[:, 2:].mean() for _ in range(5)]
    assert all(abs(value - still[:, 2:].mean()) > 1.0 for value in drawn)


def test_atst_takes_frames_in_fours(build):
    transformer = build("atst")
    features = torch.randn(1, 1, 64, 103)
    whole = transformer.tokens(features)
    assert whole.shape[1] == 25
    assert torch.equal(whole, transformer.tokens(features[..., :100]))


def test_beats_bias_depends_on_the_distance_alone_and_follows_the_length(build):
    transformer = build("beats")
    for length in (7, 12, 7):
        bias = transformer.position_bias(length)
        expected = torch.empty_like(bias)
        for query in range(length):
            for key in range(length):
                bucket = relative_buckets(torch.tensor(key - query), 320, 800)
                expected[:, query, key] = transformer.relative_bias.weight[bucket]
        assert torch.equal(bias, expected)


def test_relative_buckets_are_exact_nearby_and_coarse_far_away():
    distance = torch.arange(-900, 901)
    bucket = relative_buckets(distance, 320, 800)
    near = distance.abs() < 80
    assert torch.equal(bucket[near], torch.where(distance > 0, 160 + distance, -distance)[near])
    assert bucket.min() == 0
    assert bucket.max() == 319
    assert (bucket[distance > 0].diff() >= 0).all()


def test_layer_drop_skips_layers_in_training_only(build, noise):
    transformer = build("beats", layer_drop=0.999)
    features = features_of(transformer, noise(1, 1))
    assert not torch.equal(transformer(features), transformer.tokens(features))
    assert torch.equal(transformer.train()(features), transformer.tokens(features))


def test_beats_trains_after_it_has_scored(build, noise):
    """What it keeps of a length serves both, and stays where a recorded step has found it."""
    transformer = build("beats")
    features = features_of(transformer, noise(1, 5))
    with torch.inference_mode():
        transformer(features)
        kept = {key: buckets.data_ptr() for key, buckets in transformer._buckets.items()}
        transformer(features_of(transformer, noise(1, 1)))
    transformer.train()(features).sum().backward()
    assert transformer.relative_bias.weight.grad is not None
    assert kept.items() <= {key: buckets.data_ptr() for key, buckets in transformer._buckets.items()}.items()
