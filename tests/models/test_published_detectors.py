"""The base-size networks compute what the published ones do: layer by layer, on the golden fixtures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from golden_weights import batch, golden, own_state
from small_detectors import scored

from sedlab.config.model import AtstConfig, BeatsConfig, DetectorConfig, PasstConfig
from sedlab.errors import SedlabError
from sedlab.models.detector import Detector

pytestmark = pytest.mark.slow

CONFIG = {
    "passt": DetectorConfig(transformer=PasstConfig()),
    "beats": DetectorConfig(transformer=BeatsConfig(), wrapper_dim=None),
    "atst": DetectorConfig(transformer=AtstConfig(), embed_pool="aap"),
}
POOL_MODES = {
    "aap": "aap",
    "int:nearest": "nearest",
    "int:nearest-exact": "nearest-exact",
    "int:linear": "linear",
}
# Noise of the front-ends' FFT, which BEATs' steep logarithm of almost empty bins enlarges, sits on top of 1e-5.
FEATURES = {"atol": 1.5e-4, "rtol": 5e-5}
PROBABILITIES = {"atol": 3e-5, "rtol": 0.0}


def whole(output: torch.Tensor | tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Return what a block gives: one with its norms in front leaves the last sum to the next one's norm."""
    return output if isinstance(output, torch.Tensor) else sum(output)


class Published:
    """A detector with the golden weights and what its layers gave for the 10 s clips."""

    def __init__(self, arch: str):
        self.arch = arch
        self.transformer = golden(f"{arch}_transformer")
        self.complete = golden(f"{arch}_detector")
        self.detector = Detector(CONFIG[arch]).eval()
        self.detector.load_state_dict(own_state(arch))
        self.seen: dict[str, torch.Tensor] = {}
        hooks = self._watch()
        with torch.no_grad():
            waveform = torch.from_numpy(batch(10))
            self.features = self.detector.features(waveform)
            self.seen["final"] = self.detector.transformer(self.features.transformer)
            self.seen["as_out"] = self.embedding = self.detector.wrap(self.seen["final"])
            mask = torch.from_numpy(self.complete["class_mask"])
            self.scores, self.masked = self.detector(self.features.mel, self.embedding, masks=(None, mask))
        for hook in hooks:
            hook.remove()

    def _watch(self) -> list[torch.utils.hooks.RemovableHandle]:
        detector, transformer = self.detector, self.detector.transformer

        def output_of(module, name, view=lambda output: output):
            return module.register_forward_hook(lambda _, __, output: self.seen.update({name: view(output)}))

        def input_of(module, name):
            return module.register_forward_pre_hook(lambda _, inputs: self.seen.update({name: inputs[0]}))

        hooks = [output_of(transformer.blocks[i - 1], f"block{i:02}", whole) for i in (1, 2, 6, 12)]
        hooks += [
            input_of(transformer.blocks[0], "tokens"),
            output_of(detector.cnn, "cnn_out"),
            input_of(detector.merge, "merge_in"),
            output_of(detector.merge, "merge_out"),
            output_of(detector.rnn, "rnn_out"),
            output_of(detector.head.attention, "att_logits"),
        ]
        if self.arch == "passt":
            hooks.append(output_of(transformer.stem[2], "conv_stem"))
        if self.arch in ("passt", "atst"):
            hooks.append(output_of(transformer.patch, "patch"))
        else:
            hooks.append(output_of(transformer.patch_norm, "patch_norm"))
            hooks.append(output_of(transformer.projection, "proj"))
            hooks.append(output_of(transformer.position_conv, "pos_conv", F.gelu))
        return hooks


@pytest.fixture(scope="module", params=["passt", "beats", "atst"])
def published(request):
    return Published(request.param)


def thinned(name: str, values: torch.Tensor) -> np.ndarray:
    """Return what the fixtures keep of an activation."""
    if name == "conv_stem":
        return values[:, ::8, ::4, ::25].numpy()
    return values[:, ::10, ::16].numpy()


def test_every_layer_gives_the_published_activations(published):
    recorded = {**published.transformer, **published.complete}
    compared = 0
    for name, values in published.seen.items():
        expected = recorded[name]
        ours = values.numpy() if values.shape == expected.shape else thinned(name, values)
        np.testing.assert_allclose(ours, expected, **FEATURES, err_msg=name)
        compared += 1
    assert compared >= 13


def test_scores_with_and_without_mask_are_the_published_ones(published):
    expected = published.complete
    logits = published.scores.logits.transpose(1, 2)
    np.testing.assert_allclose(logits, expected["strong_logits"], **FEATURES)
    for name, scores in (("strong", published.scores), ("strong_mask", published.masked)):
        np.testing.assert_allclose(scores.strong, expected[name], **PROBABILITIES)
        np.testing.assert_allclose(scores.weak, expected[name.replace("strong", "weak")], **PROBABILITIES)


@pytest.mark.parametrize("name", POOL_MODES)
def test_every_pooling_mode_gives_the_published_logits(published, name):
    detector = published.detector
    detector.config = CONFIG[published.arch].model_copy(update={"embed_pool": POOL_MODES[name]})
    with torch.no_grad():
        (scores,) = detector(published.features.mel, published.embedding)
    detector.config = CONFIG[published.arch]
    ours = scores.logits.transpose(1, 2)[:, ::6]
    np.testing.assert_allclose(ours, published.complete[f"strong_logits[{name}]"], **FEATURES)


@torch.no_grad()
def test_five_seconds(published):
    features = published.detector.features(torch.from_numpy(batch(5)))
    embedding = published.detector.transformer(features.transformer)
    np.testing.assert_allclose(thinned("", embedding), published.transformer["short.final"], **FEATURES)
    (scores,) = published.detector(features.mel, published.detector.wrap(embedding))
    np.testing.assert_allclose(scores.strong[:, :, ::3], published.complete["short.strong"], **PROBABILITIES)
    np.testing.assert_allclose(scores.weak, published.complete["short.weak"], **PROBABILITIES)


@torch.no_grad()
def test_a_clip_alone(published):
    features = published.detector.features(torch.from_numpy(batch(10)[1:]))
    (scores,) = scored(published.detector, features)
    np.testing.assert_allclose(scores.strong[:, :, ::3], published.complete["clip1_alone.strong"], **PROBABILITIES)
    np.testing.assert_allclose(scores.weak, published.complete["clip1_alone.weak"], **PROBABILITIES)


@torch.no_grad()
def test_twelve_seconds_are_cut_refused_or_taken(published):
    features = published.detector.transformer_frontend(torch.from_numpy(batch(12)))
    transformer = published.detector.transformer
    if published.arch == "atst":
        with pytest.raises(SedlabError, match="at most 250"):
            transformer(features)
        return
    if published.arch == "passt":
        with pytest.warns(UserWarning, match="first 250"):
            embedding = transformer(features)
    else:
        embedding = transformer(features)
    np.testing.assert_allclose(thinned("", embedding), published.transformer["long.final"], **FEATURES)


@torch.no_grad()
def test_norms_have_the_published_epsilon(published):
    probe = {
        name.split("|")[1]: torch.from_numpy(values)
        for name, values in golden("norm_probe").items()
        if name.startswith(published.arch)
    }
    inputs = {
        768: torch.from_numpy(golden("norm_probe")["in768"]),
        512: torch.from_numpy(golden("norm_probe")["in512"]),
    }
    transformer, block = published.detector.transformer, published.detector.transformer.blocks[0]
    if published.arch == "beats":
        names = {
            "encoder.layers.0.self_attn_layer_norm": block.attention_norm,
            "encoder.layers.0.final_layer_norm": block.output_norm,
            "encoder.layer_norm": transformer.input_norm,
            "layer_norm": transformer.patch_norm,
        }
        probed = block(inputs[768], transformer.position_bias(2))
    else:
        final = "norm" if published.arch == "passt" else "norm_frame"
        names = {"blocks.0.norm1": block.norm1, "blocks.0.norm2": block.norm2, final: transformer.final_norm}
        probed = whole(block(inputs[768]))
    prefix = "as_model.model.atst." if published.arch == "atst" else "as_model.model."
    for name, norm in names.items():
        # With ε off by a factor of ten the result differs by several per cent.
        expected = probe.pop(prefix + name)
        torch.testing.assert_close(norm(inputs[norm.normalized_shape[0]]), expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(probed, probe.pop("block01_on_tiny"), atol=1e-6, rtol=1e-4)
    assert not probe


@pytest.mark.parametrize("published", ["beats"], indirect=True)
@torch.no_grad()
def test_beats_position_bias_and_gate_are_the_published_ones(published):
    transformer, expected = published.detector.transformer, published.transformer
    block = transformer.blocks[0]
    bias = transformer.position_bias(496)[[0, 7], ::31, ::31]
    np.testing.assert_allclose(bias, expected["pos_bias_head0_head7"], atol=1e-7)
    query = block.query(published.seen["tokens"]).unflatten(-1, (12, 64)).transpose(1, 2)
    np.testing.assert_allclose(block.position_gate(query)[:, :, ::10, 0], expected["gate_layer0"], atol=1e-4)
    np.testing.assert_allclose(block.residual_scale, expected["alpha"], rtol=1e-7)
