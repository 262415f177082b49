"""torch.compile on the transformers and on the complete detector, at small sizes."""

from __future__ import annotations

import pytest
import torch

from sedlab.audio.frontends import build_frontend
from sedlab.config.model import ARCHS
from sedlab.models.build import build_transformer


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
    assert compiled[1].keys() == eager[1].keys()
    for name, gradient in eager[1].items():
        scale = gradient.abs().max().item()
        torch.testing.assert_close(compiled[1][name], gradient, atol=1e-4 * scale, rtol=0, msg=name)


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


@pytest.mark.parametrize("arch", ARCHS)
def test_a_detector_gives_the_same_scores_and_gradients(make_detector, noise, arch):
    detector = make_detector(arch)  # in evaluation mode: the compiler draws other dropout masks
    inputs = detector.features(noise(2, 10))
    compiled = torch.compile(detector, backend="aot_eager")
    assert_same(
        outputs_and_gradients(detector, lambda *given: compiled(*given)[0].strong, *inputs),
        outputs_and_gradients(detector, lambda *given: detector(*given)[0].strong, *inputs),
    )


def test_training_mode_compiles(make_detector, noise):
    detector = make_detector("beats").train()
    inputs = detector.features(noise(2, 10))
    strong, gradients = outputs_and_gradients(
        detector, lambda *given: torch.compile(detector, backend="aot_eager")(*given)[0].strong, *inputs
    )
    assert strong.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients.values())


@pytest.mark.slow
def test_machine_code_gives_the_same_probabilities(make_detector, noise, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    detector = make_detector("atst")
    inputs = detector.features(noise(2, 10))
    with torch.no_grad():
        compiled, eager = torch.compile(detector)(*inputs)[0], detector(*inputs)[0]
    torch.testing.assert_close(compiled.strong, eager.strong, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(compiled.weak, eager.weak, atol=1e-5, rtol=1e-5)
