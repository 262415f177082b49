from __future__ import annotations

import json

import pytest
import torch
from golden_batch import GOLDEN
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision
from torch import nn
from torch.optim import Adam, AdamW

from sedlab.config.model import AtstConfig, BeatsConfig, DetectorConfig, PasstConfig
from sedlab.config.training import OptimConfig
from sedlab.models.detector import Detector
from sedlab.training.optimizer import clip_gradients, detector_optimizer, parameter_groups

GROUPS = json.loads((GOLDEN / "optim.json").read_text())["groups"]
PUBLISHED = {
    "passt": OptimConfig(lr_cnn=5e-5, lr_rnn=5e-4, lr_transformer=1e-4, weight_decay=1e-3),
    "atst": OptimConfig(lr_cnn=1e-5, lr_rnn=1e-4, lr_transformer=1e-4, layer_decay=0.5, weight_decay=1e-3),
    "beats": OptimConfig(lr_cnn=5e-5, lr_rnn=5e-4, lr_transformer=1e-4, weight_decay=1e-3),
}


class Layers(nn.Module):
    def __init__(self, depth: int):
        super().__init__()
        self.embedding, self.norm = nn.Linear(2, 3), nn.LayerNorm(3)
        self.blocks = nn.ModuleList(nn.Linear(3, 3) for _ in range(depth))

    def layer_groups(self) -> list[list[nn.Parameter]]:
        modules = [self.norm, *reversed(self.blocks), self.embedding]
        return [list(module.parameters()) for module in modules]


class Small(nn.Module):
    def __init__(self, depth: int = 3):
        super().__init__()
        self.transformer, self.cnn = Layers(depth), nn.Conv2d(1, 2, 3)
        self.wrapper = nn.Linear(3, 4).requires_grad_(False)
        self.head = nn.Linear(4, 5)


def test_every_trainable_parameter_is_in_one_group():
    model = Small()
    groups = parameter_groups(model, OptimConfig(lr_transformer=1e-4))
    grouped = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(grouped) == sorted(id(parameter) for parameter in model.parameters() if parameter.requires_grad)
    assert [group["name"] for group in groups] == ["cnn", "rnn", *(f"transformer.{i}" for i in range(5))]


def test_rates_halve_from_the_output_side_down():
    groups = parameter_groups(Small(), OptimConfig(lr_transformer=1e-4, layer_decay=0.5))
    assert [group["lr"] for group in groups[2:]] == [1e-4 / 2**depth for depth in range(5)]
    assert groups[2]["params"][0].shape == (3,)  # the final norm learns fastest


@pytest.mark.parametrize("freeze", [True, False])
def test_without_a_rate_the_transformer_does_not_train(freeze):
    model = Small()
    model.transformer.requires_grad_(not freeze)
    groups = parameter_groups(model, OptimConfig(lr_transformer=None))
    assert [group["name"] for group in groups] == ["cnn", "rnn"]


def test_a_model_without_cnn_has_a_transformer_and_a_rest():
    model = Small()
    del model.cnn
    names = [group["name"] for group in parameter_groups(model, OptimConfig(lr_transformer=1e-4))]
    assert names[:2] == ["rnn", "transformer.0"]


def test_weight_decay_belongs_to_adamw():
    adam = detector_optimizer(Small(), OptimConfig(optimizer="adam"))
    assert isinstance(adam, Adam)
    assert {group["weight_decay"] for group in adam.param_groups} == {0}
    adamw = detector_optimizer(Small(), OptimConfig(weight_decay=0.2))
    assert isinstance(adamw, AdamW)
    assert {group["weight_decay"] for group in adamw.param_groups} == {0.2}


@pytest.mark.parametrize("is_finite", [True, False])
def test_scaled_gradients_are_clipped_as_unscaled_ones(is_finite):
    """By the fused optimiser, which leaves out a step whose gradients are not finite."""

    def trained(fabric: Fabric) -> list[torch.Tensor]:
        torch.manual_seed(0)
        model = nn.Linear(3, 1)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)
        wrapped = fabric.setup_optimizers(optimizer)
        x = torch.ones(2, 3) if is_finite else torch.full((2, 3), torch.inf)
        fabric.backward(10 * model(x).sum())
        clip_gradients(fabric, optimizer, 0.5)
        if is_finite:
            total = torch.stack([parameter.grad.norm() for parameter in model.parameters()]).norm()
            assert total.item() == pytest.approx(0.5)
        wrapped.step()
        return list(model.parameters())

    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    scaled = trained(Fabric(accelerator="cpu", plugins=[MixedPrecision("16-mixed", "cpu", scaler)]))
    plain = trained(Fabric(accelerator="cpu"))
    assert scaler.get_scale() == (2.0**10 if is_finite else 2.0**9)
    if is_finite:
        torch.testing.assert_close(scaled, plain)
    assert all(torch.isfinite(parameter).all() for parameter in scaled)


def test_blocks_of_beats_are_as_deep_as_those_of_the_others():
    """It has no final norm, and the published code still gives its last block the second rate."""
    with torch.device("meta"):
        model = Detector(
            DetectorConfig(transformer=BeatsConfig(dim=16, depth=3, heads=2, mlp_dim=16), wrapper_dim=None)
        )
    groups = parameter_groups(model, OptimConfig(lr_transformer=1e-4, layer_decay=0.5))
    rates = {group["name"]: group["lr"] for group in groups if group["name"].startswith("transformer")}
    assert rates == {f"transformer.{depth}": 1e-4 / 2**depth for depth in (1, 2, 3, 4)}


@pytest.mark.parametrize("arch", PUBLISHED)
def test_groups_of_the_full_size_detectors_agree_with_the_published_code(arch):
    detector_module = pytest.importorskip("sedlab.models.detector")
    transformer = {"passt": PasstConfig, "atst": AtstConfig, "beats": BeatsConfig}[arch]()
    config = DetectorConfig(transformer=transformer, wrapper_dim=None if arch == "beats" else 527)
    with torch.device("meta"):
        model = detector_module.Detector(config)
    sizes = {group["index"]: group["n_elements"] for group in GROUPS[arch]["stage2"]}
    if arch == "beats":
        # The bias table that all blocks share is listed with the first block there; here it is with the embeddings.
        sizes[14] -= 320 * 12
        sizes[15] += 320 * 12
    else:
        sizes[1] -= 768 * 527 + 527  # the frozen wrapper layer is listed there, without ever getting a gradient
    if arch == "passt":
        sizes |= dict.fromkeys(
            (3, 4, 13), sizes[5]
        )  # found by substring, blocks 10 and 11 are in block 1's group there
    # Empty groups (BEATs has no final norm) are left out here.
    expected = [
        (sizes[group["index"]], pytest.approx(group["lr"])) for group in GROUPS[arch]["stage2"] if sizes[group["index"]]
    ]
    groups = parameter_groups(model, PUBLISHED[arch])
    assert [(sum(p.numel() for p in group["params"]), group["lr"]) for group in groups] == expected
