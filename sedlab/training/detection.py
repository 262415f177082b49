"""What a detector learns in a step: stage 1 and stage 2 of every iteration, which differ by configuration alone.

Shape letters: B clips, N samples, C classes, T output frames, L tokens, D width, R responses.
"""

from __future__ import annotations

from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor

from sedlab.checkpoints.loading import load_networks, load_transformer_into
from sedlab.checkpoints.own import save_networks
from sedlab.config.experiment import Node, StageConfig
from sedlab.data.batch import Batch
from sedlab.models.detector import Detector
from sedlab.training.augmentation import augment, augment_waveforms
from sedlab.training.losses import LossTerms, prediction_masks, stage_loss
from sedlab.training.optimizer import detector_optimizer
from sedlab.training.prior import set_prior
from sedlab.training.teacher import make_teacher, update_teacher


class DetectionTask:
    """A student that learns, and a teacher that is its running mean.

    Parameters
    ----------
    init : path of a detector checkpoint
        Student and teacher start from the networks of the same name (stage 2).
    pretrained : path of a pre-training checkpoint
        Its transformer replaces the freshly initialised one (stage 1).
    responses : (R, samples) Tensor
        Device impulse responses, aligned; None: that augmentation is left out.
    """

    def __init__(
        self,
        node: Node,
        fabric: Fabric,
        *,
        init: Path | None = None,
        pretrained: Path | None = None,
        responses: Tensor | None = None,
    ):
        assert isinstance(node.training, StageConfig)
        self.node, self.config, self.fabric = node, node.training, fabric
        torch.manual_seed(node.seed)
        student = Detector(node.detector)
        set_prior(student.head.events, self.config.initial_probability)
        teacher = make_teacher(student)
        if init is not None:
            for network, weights in zip((student, teacher), load_networks(init, "student", "teacher"), strict=True):
                network.load_state_dict(weights)
        elif pretrained is not None:
            for network in (student, teacher):
                load_transformer_into(pretrained, network)
        if not self.config.train_transformer:
            student.freeze_transformer()
            teacher.freeze_transformer()
        self.teacher = fabric.to_device(teacher)
        self.student = fabric.to_device(student)
        self.responses = None if responses is None else responses.to(fabric.device)
        self.optimizer = detector_optimizer(self.student, self.config.optim, precision=self.config.trainer.precision)
        self.networks = {"student": self.student, "teacher": self.teacher}

    def loss(self, batch: Batch, step: int, generator: torch.Generator) -> LossTerms:
        """Return the loss of one batch: augment, ask student and teacher, compare with what is known."""
        # The teacher's dropout and batch norm are active as well, as in the published system.
        self.student.train()
        self.teacher.train()
        config = self.config
        batch = augment_waveforms(batch, config.augment, generator, responses=self.responses)
        features = self.student.features(batch.waveform, generator)
        views = augment(features, batch.targets, batch.rows, config.augment, generator)
        masks = prediction_masks(views.targets.mask, config.loss)

        with self.fabric.autocast():
            embedding = self.student.embed(views.student.transformer)
            student = self.student(views.student.mel, embedding, masks=masks)
            teacher = None
            if config.loss.self_supervised:
                with torch.no_grad():
                    # A frozen transformer is the same in both networks, so it listens once if both hear the same.
                    if config.train_transformer or views.student.transformer is not views.teacher.transformer:
                        embedding = self.teacher.embed(views.teacher.transformer)
                    teacher = self.teacher(views.teacher.mel, embedding, masks=masks)
        return stage_loss(
            student,
            teacher,
            targets=views.targets,
            rows=batch.rows,
            step=step,
            config=config.loss,
            mixing=views.mixing,
            aliased=self.node.data.alias_labels,
        )

    def before_backward(self, step: int) -> None:
        """Move the teacher: after the forward pass and before the student's step, as the published system does."""
        update_teacher(self.teacher, self.student, step=step, decay=self.config.optim.ema_decay)

    def save(self, path: Path) -> None:
        """Write both networks as a detector checkpoint."""
        save_networks(path, self.networks, node=self.node)
