"""What a transformer learns in a step of AudioSet-strong pre-training: every class in every 40 ms frame.

Shape letters: B clips, C classes, T frames.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor

from sedlab.checkpoints.loading import load_transformer_into
from sedlab.checkpoints.own import save_networks
from sedlab.config.experiment import Node, PretrainConfig
from sedlab.config.model import TaggerConfig
from sedlab.data.batch import Batch, Targets
from sedlab.models.tagger import FrameTagger
from sedlab.training.augmentation import augment_pretraining, augment_waveforms
from sedlab.training.detection import joined, set_training
from sedlab.training.history import States
from sedlab.training.losses import LossTerms
from sedlab.training.optimizer import detector_optimizer
from sedlab.training.prior import set_prior


class PretrainingTask:
    """A transformer with a frame-level head, trained on strong labels and, on request, on what published teachers said.

    Parameters
    ----------
    classes : AudioSet ids
        In the order of the targets.
    init : path of a checkpoint
        Its transformer replaces the freshly initialised one; any format of `load_transformer_into`.
    """

    def __init__(self, node: Node, fabric: Fabric, *, classes: tuple[str, ...], init: Path | None = None):
        assert isinstance(node.training, PretrainConfig)
        self.node, self.config, self.fabric = node, node.training, fabric
        torch.manual_seed(node.seed)
        sizes = {"num_classes": len(classes), "rnn_dim": node.training.rnn_dim}
        tagger = FrameTagger(TaggerConfig(transformer=node.detector.transformer, **sizes), classes)
        set_prior(tagger.head, self.config.initial_probability)
        if init is not None:
            load_transformer_into(init, tagger)
        self.tagger = fabric.to_device(tagger)
        self.optimizer = detector_optimizer(self.tagger, self.config.optim)
        self.networks = {"student": self.tagger}

    def loss(self, batch: Batch, step: int, generator: torch.Generator) -> LossTerms:
        """Return the loss of one batch: mix and augment, score each frame, compare with labels and teachers."""
        (terms,) = self.compare(self.prepare(batch, step, generator))
        return terms

    def prepare(self, batch: Batch, step: int | Tensor, generator: torch.Generator) -> TaggedFeatures:
        """Return augmented features and what is known about them; nothing in it depends on ``step``."""
        set_training(self.networks)
        config = self.config
        with torch.no_grad():
            batch = augment_waveforms(batch, config.augment, generator)
            features = self.tagger.features(batch.waveform, generator)
            return TaggedFeatures(*augment_pretraining(features, batch.targets, config.augment, generator))

    def for_recording(self, inputs: TaggedFeatures) -> TaggedFeatures:
        """Return ``inputs``, whose numbers alone differ from batch to batch."""
        return inputs

    def compare(self, *batches: TaggedFeatures) -> list[LossTerms]:
        """Return the loss of each batch; the network listens to all of them at once."""
        with self.fabric.autocast():
            logits = self.tagger(joined([batch.features for batch in batches])).float()
        weight = self.config.distillation.weight
        parts = logits.chunk(len(batches)) if batches[1:] else [logits]
        return [
            pretraining_loss(part, batch.targets, distillation=weight)
            for part, batch in zip(parts, batches, strict=True)
        ]

    def before_backward(self, step: int) -> None:
        """Do nothing: no network follows this one."""

    def save(self, path: Path, *, states: States | None = None) -> None:
        """Write the tagger as a pre-training checkpoint, with its weights or other ``states``."""
        save_networks(path, self.networks, node=self.node, states=states)


class TaggedFeatures(NamedTuple):
    """What the network is asked about one batch."""

    features: Tensor
    """(B, 1, F, frames), augmented."""
    targets: Targets


def pretraining_loss(logits: Tensor, targets: Targets, *, distillation: float = 0.0) -> LossTerms:
    """Return (1 - d) times the cross-entropy of ``logits`` (B, C, T) with the labels plus d times that with teachers.

    Both are means over clips, classes and frames. d is ``distillation``, in [0, 1]; above 0, what the teachers said is
    in ``targets.pseudo``. Source: PretrainedSED, arXiv 2409.09546: 0.9 for the released networks, 0 for their teachers.
    """
    labels = F.binary_cross_entropy_with_logits(logits, targets.strong)
    if not distillation:
        return LossTerms(labels, {"audioset": labels.detach()})
    teachers = F.binary_cross_entropy_with_logits(logits, targets.pseudo)
    total = torch.lerp(labels, teachers, distillation)
    return LossTerms(total, {"audioset": labels.detach(), "teachers": teachers.detach()})
