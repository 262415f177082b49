"""Training of a detector: stage 1 and stage 2 of every iteration, which differ by configuration alone.

Shape letters: B clips, N samples, C classes, T output frames.
"""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from sedlab.config.experiment import Node, StageConfig
from sedlab.data.batch import Batch
from sedlab.models.checkpoints import load_networks, load_transformer_weights, save_networks
from sedlab.models.detector import Detector, Scores
from sedlab.training.feature_augmentation import AugmentedBatch, augment
from sedlab.training.losses import LossTerms, stage_loss
from sedlab.training.optimizer import detector_optimizer
from sedlab.training.teacher import update_teacher


class DetectionTask:
    """A student that learns and a teacher that is its running mean.

    In stage 1 the transformer is frozen: both networks hold the same one, so its embedding is computed once for both
    wherever they see the same features.
    """

    def __init__(self, node: Node, fabric: Fabric, *, init: Path | None = None, pretrained: Path | None = None):
        assert isinstance(node.training, StageConfig)
        self.node, self.config, self.fabric = node, node.training, fabric
        student, teacher = _initial_networks(node, init, pretrained)
        teacher.requires_grad_(False)
        if not self.config.train_transformer:
            student.freeze_transformer()
        self.teacher = fabric.to_device(teacher)
        self.student = fabric.to_device(student)
        self.optimizer = fabric.setup_optimizers(detector_optimizer(self.student, self.config.optim))
        self.networks = {"student": self.student, "teacher": self.teacher}
