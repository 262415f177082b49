"""The optimiser of a stage: which parameters train, and how fast each layer moves."""

from __future__ import annotations

from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim import Adam, AdamW, Optimizer

from sedlab.config.training import OptimConfig


def parameter_groups(model: nn.Module, config: OptimConfig) -> list[dict[str, Any]]:
    """Return optimiser groups ``{"params", "lr", "name"}`` of the parameters that train.

    ``cnn`` is ``model.cnn`` where there is one; ``transformer.0``, ``transformer.1``, ... are the layers from
    ``model.transformer.layer_groups()``, from the output side down, each at ``layer_decay`` times the rate above it;
    ``rnn`` is all the rest. Frozen parameters are in no group, nor is the transformer when its rate is None.

    The published code finds PaSST's layers by substring, which puts blocks 10 and 11 into the group of block 1. Layers
    here come from the model itself; at PaSST's layer decay of 1 the rates are the same.
    """
    named = [(name.split(".")[0], parameter) for name, parameter in model.named_parameters()]
    cnn = [parameter for part, parameter in named if part == "cnn"]
    rest = [parameter for part, parameter in named if part not in ("cnn", "transformer")]
    groups = [_group("cnn", cnn, config.lr_cnn), _group("rnn", rest, config.lr_rnn)]
    if config.lr_transformer is not None:
        layers = model.transformer.layer_groups()
        groups += [
            _group(f"transformer.{depth}", layer, config.lr_transformer * config.layer_decay**depth)
            for depth, layer in enumerate(layers)
        ]
    return [group for group in groups if group["params"]]


def detector_optimizer(model: nn.Module, config: OptimConfig) -> Optimizer:
    """Return the optimiser over ``parameter_groups``, at the base rates; a schedule multiplies them."""
    groups = parameter_groups(model, config)
    # Fused: one kernel for all tensors, which also undoes the scaling of float16 gradients and leaves out a step whose
    # gradients are not finite, all without the host.
    if config.optimizer == "adam":
        return Adam(groups, betas=config.betas, fused=True)
    return AdamW(groups, betas=config.betas, weight_decay=config.weight_decay, fused=True)


def clip_gradients(fabric: Fabric, optimizer: Optimizer, max_norm: float) -> None:
    """Scale the gradients down to ``max_norm``, all of them together; the host does not wait for their norm.

    Fabric's own refuses fused optimisers with scaled gradients. torch's scaler knows that they are unscaled already.
    """
    scaler = getattr(fabric.strategy.precision, "scaler", None)
    if scaler is not None:
        scaler.unscale_(optimizer)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    torch.nn.utils.clip_grad_norm_(parameters, max_norm, error_if_nonfinite=False)


def _group(name: str, parameters: list[nn.Parameter], lr: float) -> dict[str, Any]:
    return {"name": name, "params": [parameter for parameter in parameters if parameter.requires_grad], "lr": lr}
