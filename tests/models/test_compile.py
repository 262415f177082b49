"""torch.compile on the transformers and on the complete detector, at small sizes."""

from __future__ import annotations

import pytest
import torch
from small_detectors import scored

from sedlab.audio.frontends import build_frontend
from sedlab.config.model import ARCHS
from sedlab.models.build import build_transformer
from sedlab.models.detector import Features
from sedlab.models.kernels.choice import chosen

pytestmark = pytest.mark.slow


def outputs_and_gradients(network, compiled, *inputs):
    """Return what ``compiled``, a form of ``network``, gives, and the gradients of all its parameters."""
    network.zero_grad()
    torch.manual_seed(0)
    output = compiled(*inputs)
    # a random direction: the squared sum behind a layer norm would have next to no gradient
    (output * torch.randn_like(output)).sum().backward()
    return output.detach(), {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


def assert_same(compiled, eager):
    torch.testing.assert_close(compiled[0], eager[0], atol=1e-5, rtol=1e-5)
    largest = max(gradient.abs().max().item() for gradient in eager[1].values())
    # Some gradients are zero but for rounding, such as that of the bias of the keys.
    torch.testing.assert_close(compiled[1], eager[1], atol=1e-5 * largest, rtol=1e-3)


def strong_and_weak(detector):
    """Return ``detector`` as a function of its features with one output."""

    def run(*features):
        (scores,) = scored(detector, Features(*features))
        return torch.cat([scores.strong.flatten(1), scores.weak], dim=1)

    return run


@pytest.mark.parametrize("arch", ARCHS)
def test_a_transformer_is_one_graph_with_the_same_values_and_gradients(tiny, noise, arch):
    torch.manual_seed(0)
    transformer = build_transformer(tiny(arch).transformer).train()
    features = build_frontend(transformer.config).eval()(noise(2, 10))
    compiled = torch.compile(transformer, backend="aot_eager", fullgraph=True)
    assert_same(
        outputs_and_gradients(transformer, compiled, features),
        outputs_and_gradients(transformer, transformer, features),
    )


def test_layers_in_other_ways_are_part_of_the_graph_or_plain(tiny):
    torch.manual_seed(0)
    transformer, features = build_transformer(tiny("beats").transformer).train(), torch.randn(2, 1, 64, 200)
    eager = outputs_and_gradients(transformer, transformer, features)
    for attention in ("half", "triton"):
        with chosen("cpu", position_convolution="blocks", gated_attention=attention, residual_norm="triton"):
            compiled = torch.compile(transformer, backend="aot_eager", fullgraph=True)
            assert_same(outputs_and_gradients(transformer, compiled, features), eager)
        torch.compiler.reset()


@pytest.mark.parametrize("arch", ARCHS)
def test_a_detector_gives_the_same_scores_and_gradients(make_detector, noise, arch):
    detector = make_detector(arch)  # in evaluation mode: the compiler draws other dropout masks
    inputs = detector.features(noise(2, 10))
    compiled = torch.compile(strong_and_weak(detector), backend="aot_eager")
    assert_same(
        outputs_and_gradients(detector, compiled, *inputs),
        outputs_and_gradients(detector, strong_and_weak(detector), *inputs),
    )


def test_training_mode_compiles(make_detector, noise):
    detector = make_detector("atst").train()
    compiled = torch.compile(strong_and_weak(detector), backend="aot_eager")
    scores, gradients = outputs_and_gradients(detector, compiled, *detector.features(noise(2, 10)))
    assert scores.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients.values())


def test_machine_code_gives_the_same_embeddings(tiny, noise, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch.manual_seed(0)
    transformer = build_transformer(tiny("atst").transformer).eval()
    features = build_frontend(transformer.config).eval()(noise(2, 10))
    with torch.no_grad():
        torch.testing.assert_close(torch.compile(transformer)(features), transformer(features), atol=1e-5, rtol=1e-5)
