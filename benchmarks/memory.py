"""Count what a training step keeps in memory, without a GPU and without computing anything.

    python benchmarks/memory.py

Runs the forward pass of each network of the paper preset on tensors without content (torch's fake tensors), under
autocast to a 16-bit type, and adds up the storage that the backward pass will need, parameters left out. Prints the
table of `sedlab/pipeline/training_cost.py`. Kernels of a GPU may keep more or less; temporary buffers are not counted.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call

from sedlab.config.experiment import Node
from sedlab.config.loading import load_experiment
from sedlab.config.model import ARCHS, TaggerConfig
from sedlab.data.corpora.audioset_classes import label_space
from sedlab.models.detector import Detector
from sedlab.models.tagger import FrameTagger

CLIP_SAMPLES = 160_000  # 10 s
#: Two batch sizes tell what is kept once from what is kept for each clip.
FEW, MANY = 2, 10


class _Called(nn.Module):
    """Call a function with a network whose tensors `functional_call` has replaced."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, function: Callable[[nn.Module], object]) -> object:
        return function(self.network)


def main() -> None:
    """Print the table."""
    experiment = load_experiment("paper", [f"pretrain.archs=[{', '.join(ARCHS)}]"])
    for stage in ("stage1", "stage2", "pretrain"):
        for arch in ARCHS:
            network, once, per_clip = measure(experiment.node(stage, arch, 0 if stage == "pretrain" else 1))
            total, trained = num_parameters(network)
            print(
                f"{stage:8} {arch:5} {total:_} parameters, {trained:_} trained; {once:.1f} + {per_clip:.1f} MB a clip"
            )


def measure(node: Node) -> tuple[nn.Module, float, float]:
    """Return the network of a node, the MB that its forward pass keeps once, and those that it keeps for each clip."""
    with torch.device("meta"):
        network = build(node)
    # One mode for both: networks keep tensors that depend on shapes alone.
    mode = FakeTensorMode()
    few, many = (kept_bytes(node, network, clips, mode) for clips in (FEW, MANY))
    per_clip = (many - few) / (MANY - FEW)
    return network, (few - FEW * per_clip) / 1e6, per_clip / 1e6


def build(node: Node) -> nn.Module:
    """Return the network that a node trains."""
    if node.stage == "pretrain":
        classes = len(label_space(node.training.label_space))
        sizes = {"num_classes": classes, "rnn_dim": node.training.rnn_dim}
        return FrameTagger(TaggerConfig(transformer=node.detector.transformer, **sizes))
    detector = Detector(node.detector)
    return detector if node.training.train_transformer else detector.freeze_transformer()


def kept_bytes(node: Node, network: nn.Module, clips: int, mode: FakeTensorMode) -> int:
    """Return the bytes of all storage, other than parameters and buffers, that is kept for the backward pass."""
    called, kept = _Called(network), {}
    tensors = called.state_dict(keep_vars=True) | dict(called.named_buffers())

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage
        return tensor

    with mode:
        own = {
            name: torch.empty(tensor.shape, dtype=tensor.dtype).requires_grad_(tensor.requires_grad)
            for name, tensor in tensors.items()
        }

        def call(function: Callable[[nn.Module], object]) -> object:
            return functional_call(called, own, (function,))

        network.eval()  # no band edges are drawn
        features = call(lambda net: net.features(torch.zeros(clips, CLIP_SAMPLES)))
        network.train()
        with (
            torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
            torch.autocast("cpu", torch.bfloat16),
        ):
            if node.stage == "pretrain":
                output = call(lambda net: net(features))
            else:
                output = call(lambda net: net(features.mel, net.embed(features.transformer)))
        parameters = {tensor.untyped_storage()._cdata for tensor in own.values()}
        del output  # kept alive until here, and all that it needs
    return sum(storage.nbytes() for key, storage in kept.items() if key not in parameters)


def num_parameters(network: nn.Module) -> tuple[int, int]:
    """Return the number of parameters, and of those that are trained."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in network.parameters()]
    return sum(size for size, _ in sizes), sum(size for size, trained in sizes if trained)


if __name__ == "__main__":
    main()
