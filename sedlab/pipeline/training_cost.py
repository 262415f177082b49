"""What a training will take: optimiser steps from the clips there are, GPU memory from the size of its networks.

Steps are exact. Memory is an estimate for networks of the published size in mixed precision, from what was counted on a
CPU with `benchmarks/memory.py`; no GPU has been measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sedlab.config.experiment import Node, StageConfig
from sedlab.config.model import AtstConfig, BeatsConfig, CrnnConfig, PasstConfig

#: Libraries and their workspaces on the GPU: assumed, not measured.
CONTEXT_BYTES = 2**30
_FLOAT_BYTES = 4
_ADAM_MOMENTS = 2
_PUBLISHED = {"passt": PasstConfig(), "beats": BeatsConfig(), "atst": AtstConfig()}
_SIZES = ("dim", "depth", "heads", "mlp_dim", "num_mels")


@dataclass(frozen=True)
class NetworkSize:
    """Counted of one network of the published size in one stage."""

    parameters: int
    trained: int
    """Parameters with a gradient."""
    kept_once: float
    """MB that the forward pass keeps for the backward pass whatever the batch: weights in half precision."""
    kept_per_clip: float
    """MB that it keeps for each clip of 10 s."""


#: (stage, arch) -> size; pre-training with recurrent layers of width 2048 and 447 classes.
BASE_SIZES = {
    ("stage1", "passt"): NetworkSize(91_607_445, 2_780_550, 5.5, 34.2),
    ("stage1", "beats"): NetworkSize(93_154_038, 2_842_246, 5.6, 34.4),
    ("stage1", "atst"): NetworkSize(88_605_077, 2_780_550, 5.5, 34.2),
    ("stage2", "passt"): NetworkSize(91_607_445, 91_202_182, 182.5, 127.3),
    ("stage2", "beats"): NetworkSize(93_154_038, 93_154_038, 197.8, 363.4),
    ("stage2", "atst"): NetworkSize(88_605_077, 88_199_814, 176.2, 118.5),
    ("pretrain", "passt"): NetworkSize(200_402_623, 200_402_623, 396.4, 134.8),
    ("pretrain", "beats"): NetworkSize(202_292_783, 202_292_783, 412.4, 365.4),
    ("pretrain", "atst"): NetworkSize(197_400_255, 197_400_255, 390.1, 125.8),
}


@dataclass(frozen=True)
class TrainingCost:
    """What one training node takes."""

    node: str
    batch_clips: int
    accumulation: int
    steps_per_epoch: int
    """0: a group has fewer clips than a batch takes of it."""
    epochs: int
    gpu_bytes: int | None
    """Estimate; None for other sizes and precisions than the published ones."""
    checkpoint_bytes: int | None
    """Of best.pt, best_so_far.pt and last.pt together; None as above."""
    short_group: str = ""
    """The group that has too few clips."""

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole training."""
        return self.steps_per_epoch * self.epochs


def training_cost(node: Node, clips: Mapping[str, int]) -> TrainingCost:
    """Return what a node takes, from the number of training clips of each group."""
    config, size = node.training, _published_size(node)
    if isinstance(config, StageConfig):
        shares = {group: share for group, share in config.batch.model_dump().items() if share}
        # As in the training itself: a group of which there are no clips is left out.
        shares = {group: share for group, share in shares.items() if clips.get(group)} or shares
        batches = {group: clips.get(group, 0) // share for group, share in shares.items()}
        networks = 2  # student and teacher
    else:
        shares, networks = {"audioset": config.batch_size}, 1
        drawn = min(clips.get("audioset", 0), config.samples_per_epoch or clips.get("audioset", 0))
        batches = {"audioset": -(-drawn // config.batch_size)}
    smallest = min(batches, key=batches.__getitem__)
    batch_clips = sum(shares.values())
    at_once = batch_clips * min(config.trainer.micro_batches_together, config.accumulation)
    return TrainingCost(
        node=node.name,
        batch_clips=batch_clips,
        accumulation=config.accumulation,
        steps_per_epoch=-(-batches[smallest] // config.accumulation),
        epochs=config.epochs,
        gpu_bytes=None if size is None else _gpu_bytes(size, networks, at_once),
        checkpoint_bytes=None if size is None else _checkpoint_bytes(size, networks),
        short_group=smallest if batches[smallest] == 0 else "",
    )


def _published_size(node: Node) -> NetworkSize | None:
    config, detector = node.training, node.detector
    published, transformer = _PUBLISHED[node.arch], detector.transformer
    same = all(getattr(transformer, name) == getattr(published, name) for name in _SIZES)
    if node.stage == "pretrain":
        same &= config.rnn_dim == 2048
    else:
        same &= detector.crnn.model_copy(update={"dropout": CrnnConfig().dropout}) == CrnnConfig()
        same &= config.train_transformer == (node.stage == "stage2")
    return BASE_SIZES[node.stage, node.arch] if same and config.trainer.precision != "32-true" else None


def _gpu_bytes(size: NetworkSize, networks: int, clips: int) -> int:
    weights = _FLOAT_BYTES * networks * size.parameters
    gradients_and_moments = _FLOAT_BYTES * (1 + _ADAM_MOMENTS) * size.trained
    kept = 1e6 * (size.kept_once + clips * size.kept_per_clip)
    return round(weights + gradients_and_moments + kept) + CONTEXT_BYTES


def _checkpoint_bytes(size: NetworkSize, networks: int) -> int:
    in_files = 3 * networks * size.parameters  # best.pt, best_so_far.pt and last.pt
    return _FLOAT_BYTES * (in_files + _ADAM_MOMENTS * size.trained)
