"""Which way a layer is computed: chosen for a kind of device, for a while or for good."""

from __future__ import annotations

import pytest
import torch
from passes import relative_error
from small_detectors import scored

from sedlab.errors import SedlabError
from sedlab.models.kernels.choice import WAYS, choose, chosen, way, ways

#: Ways that need neither a card nor a compiler.
ON_A_CPU = {
    "position_convolution": "blocks",
    "gated_attention": "half",
    "cnn_block": "channels_last",
    "gru": "directions",
    "pool_time": "matrix",
    "weights": "kept_casts",
}


def test_a_choice_holds_for_its_device_and_its_while():
    x = torch.zeros(1)
    with chosen("cuda", gru="triton"):
        assert way("gru", x) == "plain"
        assert ways("cuda")["gru"] == "triton"
        with chosen("cpu", gru="directions"):
            assert way("gru", x) == "directions"
    assert {*ways("cpu").values(), *ways("cuda").values()} == {"plain"}


def test_a_choice_for_good_is_undone_by_plain():
    choose("meta", gru="directions")
    assert way("gru", torch.zeros(1, device="meta")) == "directions"
    choose("meta", gru="plain")
    assert way("gru", torch.zeros(1, device="meta")) == "plain"


@pytest.mark.parametrize("wrong", [{"rnn": "plain"}, {"gru": "fast"}])
def test_unknown_layers_and_ways_are_refused(wrong):
    with pytest.raises(SedlabError, match="choose"):
        choose("cpu", **wrong)


@pytest.mark.parametrize("arch", ["beats", "atst"])
@pytest.mark.parametrize("layer", ON_A_CPU)
def test_a_whole_detector_learns_the_same_in_every_way(make_detector, noise, arch, layer):
    assert ON_A_CPU[layer] in WAYS[layer]
    detector = make_detector(arch)
    features = detector.features(noise(2, 10))

    def passes():
        detector.zero_grad()
        (scores,) = scored(detector, features)
        loss = scores.logits.square().mean() + scores.weak.square().mean()
        loss.backward()
        gradients = [parameter.grad for parameter in detector.parameters() if parameter.grad is not None]
        return [loss.detach(), torch.cat([gradient.flatten() for gradient in gradients])]

    plain = passes()
    with chosen("cpu", **{layer: ON_A_CPU[layer]}):
        found = passes()
    assert max(relative_error(a, b) for a, b in zip(found, plain, strict=True)) < 1e-4
