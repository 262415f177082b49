"""What a transformer learns in a step of AudioSet-strong pre-training: every class in every 40 ms frame.

Shape letters: B clips, C classes, L tokens.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric

from sedlab.audio.draws import coin
from sedlab.audio.mixup import draw_mixing, mix, mix_targets
from sedlab.config.experiment import Node, PretrainConfig
from sedlab.data.batch import Batch
from sedlab.models.checkpoints import save_tagger
from sedlab.models.pretraining import FrameTagger
from sedlab.training.losses import LossTerms
from sedlab.training.optimizer import detector_optimizer
from sedlab.training.prior import set_prior


class PretrainingTask:
    """A transformer with a frame-level head, trained on strong labels alone.

    ``classes`` are AudioSet MIDs, in the order of the targets.
    """

    def __init__(self, node: Node, fabric: Fabric, *, classes: tuple[str, ...]):
        assert isinstance(node.training, PretrainConfig)
        self.node, self.config, self.fabric, self.classes = node, node.training, fabric, classes
        torch.manual_seed(node.seed)
        tagger = FrameTagger(node.detector.transformer, num_classes=len(classes), rnn_dim=node.training.rnn_dim)
        set_prior(tagger.head, self.config.initial_probability)
        self.tagger = fabric.to_device(tagger)
        self.optimizer = detector_optimizer(self.tagger, node.training.optim)
        self.networks = {"student": self.tagger}

    def loss(self, batch: Batch, step: int, generator: torch.Generator) -> LossTerms:
        """Return the mean binary cross-entropy over clips, classes and frames."""
        self.tagger.train()
        with torch.no_grad():
            features = self.tagger.features(batch.waveform)
        targets = batch.strong
        if coin(self.config.mixup_probability, generator):
            num_clips = len(features)
            mixing = draw_mixing([slice(0, num_clips)], num_clips, self.config.mixup_alpha, generator)
            mixing = mixing.to(features.device)
            features, targets = mix(features, mixing), mix_targets(targets, mixing)
        with self.fabric.autocast():
            logits = self.tagger(features)
        total = F.binary_cross_entropy_with_logits(logits.float(), targets)
        return LossTerms(total, {"audioset": total.detach()})

    def before_backward(self, step: int) -> None:
        """Do nothing: there is no teacher."""

    def save(self, path: Path) -> None:
        """Write the tagger as a pre-training checkpoint."""
        save_tagger(path, self.tagger, node=self.node, classes=self.classes)
