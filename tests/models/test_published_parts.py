"""Small parts against the golden fixtures: CRNN, pooling, head, wrapper, tagger, buckets, keys and parameter counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from golden_weights import (
    batch,
    generator,
    golden,
    manifest,
    own_detector_key,
    own_transformer_key,
    state,
    weight,
)

from sedlab.audio.frontends import CrnnMel
from sedlab.config.model import ARCHS, AtstConfig, BeatsConfig, CrnnConfig, DetectorConfig, PasstConfig, TaggerConfig
from sedlab.errors import SedlabError
from sedlab.models.beats import relative_buckets
from sedlab.models.crnn import GatedCnn
from sedlab.models.detector import Detector
from sedlab.models.head import AttentionHead, pool_scores
from sedlab.models.layers import BiGru
from sedlab.models.pooling import TimeConvolution, pool_time
from sedlab.models.tagger import FrameTagger

BASE = {"passt": PasstConfig(), "beats": BeatsConfig(), "atst": AtstConfig()}


@pytest.fixture(scope="module")
def base_detectors():
    """Return the base-size detectors without memory for their weights."""
    with torch.device("meta"):
        return {
            arch: Detector(DetectorConfig(transformer=config, wrapper_dim=None if arch == "beats" else 527))
            for arch, config in BASE.items()
        }


def test_golden_weights_follow_their_recipe():
    shapes = {arch: manifest(f"{arch}_detector") for arch in ARCHS}
    for name, (first, last, total, magnitude) in golden("weights_check").items():
        arch, key = name.split("|")
        tensor = weight(key, shapes[arch][key]).astype(np.float64).ravel()
        found = [tensor[0], tensor[-1], tensor.sum(), np.abs(tensor).sum()]
        np.testing.assert_allclose(found, [first, last, total, magnitude], rtol=1e-9, err_msg=name)


def test_golden_waveforms_follow_their_recipe():
    inputs = golden("inputs")
    for name, seconds in (("x1", 1), ("xshort", 5), ("x10", 10), ("xlong", 12)):
        waveform = batch(seconds)
        np.testing.assert_array_equal(waveform.shape, inputs[f"{name}.shape"])
        np.testing.assert_allclose(waveform[:, ::501], inputs[f"{name}.every501"], atol=1e-7, err_msg=name)


@pytest.mark.parametrize(
    ("arch", "transformer", "detector", "stage1", "stage2"),
    [
        ("passt", 88_421_632, 91_607_445, 2_780_550, 91_202_182),
        ("beats", 90_311_792, 93_154_038, 2_842_246, 93_154_038),
        ("atst", 85_419_264, 88_605_077, 2_780_550, 88_199_814),
    ],
)
def test_base_sizes_have_the_published_numbers_of_parameters(
    base_detectors, arch, transformer, detector, stage1, stage2
):
    def count(module, trainable=False):
        return sum(p.numel() for p in module.parameters() if p.requires_grad or not trainable)

    network = base_detectors[arch]
    assert count(network.transformer) == transformer
    assert count(network) == detector
    assert count(network, trainable=True) == stage2
    assert count(network, trainable=True) - count(network.transformer) == stage1


@pytest.mark.parametrize("arch", ARCHS)
def test_every_published_key_has_its_place(base_detectors, arch):
    own = {key: tuple(value.shape) for key, value in base_detectors[arch].state_dict().items()}
    published = manifest(f"{arch}_detector")
    assert {own_detector_key(arch, key): shape for key, shape in published.items()} == own
    for key in manifest(f"{arch}_transformer"):
        assert f"transformer.{own_transformer_key(arch, key)}" in own


def test_original_names_of_weight_normalisation_are_understood():
    prefix = "encoder.pos_conv.0."
    assert own_transformer_key("beats", prefix + "weight_g") == "position_conv.gain"
    assert own_transformer_key("beats", prefix + "weight_v") == "position_conv.direction"


@torch.no_grad()
def test_crnn_alone_gives_the_published_scores():
    expected, shapes = golden("crnn"), manifest("crnn_alone")
    weights = state(shapes)
    config = CrnnConfig()
    cnn, head = GatedCnn(config).eval(), AttentionHead(512, 27)
    rnn = BiGru(128, 256, num_layers=2)
    own = {own_detector_key("atst", key): value for key, value in weights.items()}
    for name, module in (("cnn.", cnn), ("rnn.", rnn), ("head.", head)):
        module.load_state_dict({k.removeprefix(name): v for k, v in own.items() if k.startswith(name)})

    layers: list[torch.Tensor] = []
    for layer in cnn.layers:
        layer.register_forward_hook(lambda _, __, output: layers.append(output))
    frames = cnn(CrnnMel(config)(torch.from_numpy(batch(10))))
    assert len(layers) == 7
    for i, layer in enumerate(layers):
        np.testing.assert_allclose(layer[:, ::8, ::20, ::4], expected[f"cnn_layer{i}"], atol=1e-4, err_msg=str(i))
    np.testing.assert_allclose(frames[:, ::10, ::16], expected["cnn_out"], atol=1e-4)
    recurrent = rnn(frames)
    np.testing.assert_allclose(recurrent[:, ::10, ::16], expected["rnn_out"], atol=1e-4)
    scores, masked = head(recurrent, (None, torch.from_numpy(expected["class_mask"])))
    for name, value in (
        ("strong", scores.strong),
        ("weak", scores.weak),
        ("strong_mask", masked.strong),
        ("weak_mask", masked.weak),
    ):
        np.testing.assert_allclose(value, expected[name], atol=3e-5, err_msg=name)


def test_pooling_modes_are_the_published_ones():
    expected = golden("pooling")
    compared = 0
    for name, values in expected.items():
        if "->" not in name or name.startswith("conv"):
            continue
        before, after = name.split("->")
        mode = next(m for m in ("nearest-exact", "nearest", "linear", "aap") if before.startswith(m))
        embedding = torch.from_numpy(expected[f"in{before.removeprefix(mode)}"]).transpose(1, 2)
        pooled = pool_time(embedding, int(after), mode).transpose(1, 2)
        np.testing.assert_allclose(pooled, values, atol=1e-6, err_msg=name)
        compared += 1
    assert compared == 36


def test_learnt_pooling_begins_as_the_published_moving_average():
    expected = golden("pooling")
    embedding = torch.from_numpy(expected["in250"]).transpose(1, 2)
    pooled = TimeConvolution(embedding.shape[2])(embedding, 156).transpose(1, 2)
    np.testing.assert_allclose(pooled.detach(), expected["conv250->156"], atol=1e-6)
    with pytest.raises(SedlabError, match="496 tokens to 156 frames, only 250 to 156"):
        TimeConvolution(5)(torch.zeros(1, 496, 5), 156)


def test_head_gives_the_published_scores_with_and_without_mask():
    fixture = {name: torch.from_numpy(values) for name, values in golden("head").items()}
    logits, attention = fixture["strong_logits"], fixture["att_logits"]
    for name, mask in (("nomask", None), ("mask", fixture["class_mask"])):
        scores = pool_scores(logits, logits.sigmoid(), attention, mask)
        torch.testing.assert_close(scores.strong, fixture[f"strong_{name}"], atol=1e-6, rtol=0)
        torch.testing.assert_close(scores.weak, fixture[f"weak_{name}"], atol=1e-6, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("length", [60, 250, 496])
def test_wrapper_gives_the_published_logits(length):
    detector = Detector(DetectorConfig(transformer=AtstConfig(depth=1)))
    detector.wrapper.load_state_dict(
        {
            name: torch.from_numpy(weight(f"asw:head_linear_layer.{name}", shape))
            for name, shape in (("weight", (527, 768)), ("bias", (527,)))
        }
    )
    embedding = torch.from_numpy(generator("sedlab-golden-1", "asw", length).standard_normal((2, length, 768)))
    logits = detector.wrap(embedding.float())
    np.testing.assert_allclose(logits[:, ::10, ::16], golden("audioset_wrapper")[f"{length}.logits"], atol=1e-4)


def load_golden(prefix: str, parts: dict[str, torch.nn.Module]) -> None:
    """Fill modules with the golden weights of their published names."""
    for name, module in parts.items():
        module.load_state_dict(
            {
                key: torch.from_numpy(weight(f"{prefix}:{name}.{key}", tuple(value.shape)))
                for key, value in module.state_dict().items()
            }
        )


def embedding_of(name: str, length: int) -> torch.Tensor:
    return torch.from_numpy(generator("sedlab-golden-1", name, length).standard_normal((2, length, 768))).float()


@torch.no_grad()
@pytest.mark.parametrize(("head", "rnn"), [("linear", False), ("linear", True), ("attention", False)])
@pytest.mark.parametrize("length", [62, 250, 496])
def test_tagger_gives_the_published_scores(length, head, rnn):
    config = TaggerConfig(
        transformer=AtstConfig(depth=1),
        num_classes=447,
        rnn_dim=32 if rnn else None,
        clip_head=head,
        num_clip_classes=447 if head == "linear" else None,
    )
    tagger = FrameTagger(config).eval()
    load_golden("pw", {"strong_head": tagger.head, "weak_head": tagger.clip_head})
    if rnn:
        load_golden("pw", {"seq_model.rnn": tagger.rnn})
    embedding = embedding_of("predwrap", length)
    logits = tagger.classify(embedding)[:, ::16, ::10]
    weak = tagger.classify_clips(embedding)[:, ::4]
    expected = golden("predictions_wrapper")
    strong = torch.from_numpy(expected[f"{length}.{head}.{'rnn' if rnn else None}.strong"])
    clip = torch.from_numpy(expected[f"{length}.{head}.{'rnn' if rnn else None}.weak"])
    if head == "linear":  # logits; with attention the published network gives probabilities
        np.testing.assert_allclose(logits, strong, atol=1e-4)
        np.testing.assert_allclose(weak, clip.sigmoid(), atol=3e-5)
    else:
        np.testing.assert_allclose(logits.sigmoid(), strong, atol=3e-5)
        np.testing.assert_allclose(weak, clip, atol=3e-5)


@torch.no_grad()
@pytest.mark.parametrize("length", [62, 250, 496])
def test_tagger_without_head_brings_embeddings_to_250_frames(length):
    tagger = FrameTagger(TaggerConfig(transformer=AtstConfig(depth=1), num_classes=1))
    frames = tagger._frames(embedding_of("predwrap", length))
    expected = golden("predictions_wrapper")[f"{length}.None.None.seq"]
    np.testing.assert_allclose(frames[:, ::10, ::32], expected, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("length", [60, 250, 496])
def test_wrapper_with_attention_head_gives_the_published_scores(length):
    sizes = {"num_classes": 527, "clip_head": "attention", "short_clips": "average"}
    tagger = FrameTagger(TaggerConfig(transformer=AtstConfig(depth=1), **sizes)).eval()
    load_golden("asw", {"head_linear_layer": tagger.head, "att_linear_layer": tagger.clip_head})
    embedding, expected = embedding_of("asw", length), golden("audioset_wrapper")
    probabilities = tagger.classify(embedding).sigmoid()
    np.testing.assert_allclose(probabilities[:, ::16, ::10], expected[f"{length}.strong"], atol=3e-5)
    np.testing.assert_allclose(tagger.classify_clips(embedding), expected[f"{length}.weak"], atol=3e-5)


def test_relative_buckets_are_the_published_ones():
    expected = golden("beats_transformer")
    buckets = relative_buckets(torch.from_numpy(expected["bucket_rel"]), num_buckets=320, max_distance=800)
    np.testing.assert_array_equal(buckets, expected["bucket"])
