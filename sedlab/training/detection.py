"""What a detector learns in a step: stage 1 and stage 2 of every iteration, which differ by configuration alone.

Shape letters: B clips, N samples, C classes, T output frames, L tokens, D width, R responses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from sedlab.audio.mixup import Mixing
from sedlab.audio.packing import map_tensors, moved
from sedlab.checkpoints.loading import load_networks, load_transformer_into, read_checkpoint
from sedlab.checkpoints.own import save_networks
from sedlab.config.experiment import Node, StageConfig
from sedlab.data.batch import Batch, Rows
from sedlab.errors import SedlabError
from sedlab.labels import DCASE, LabelSpace, difference
from sedlab.models.detector import Detector, Features
from sedlab.models.head import Scores
from sedlab.training.augmentation import AugmentedBatch, augment, augment_waveforms
from sedlab.training.device.side_stream import SideStream
from sedlab.training.history import States
from sedlab.training.losses import LossTerms, prediction_masks, stage_loss
from sedlab.training.optimizer import detector_optimizer
from sedlab.training.prior import set_prior
from sedlab.training.teacher import RunningMean, make_teacher


class DetectionTask:
    """A student that learns, and a mean teacher: its running mean, called teacher here.

    Parameters
    ----------
    init : path of a detector checkpoint
        Student and teacher start from the networks of the same name (stage 2).
    pretrained : path of a pre-training checkpoint
        Its transformer replaces the freshly initialised one (stage 1).
    responses : (R, samples) Tensor
        Device impulse responses, aligned; None: that augmentation is left out.
    space : LabelSpace
        The classes that the networks tell apart: those of the corpus. Their number wins over the configuration's.

    Raises
    ------
    SedlabError
        When ``init`` tells other classes apart.
    """

    def __init__(
        self,
        node: Node,
        fabric: Fabric,
        *,
        init: Path | None = None,
        pretrained: Path | None = None,
        responses: Tensor | None = None,
        space: LabelSpace = DCASE,
    ):
        assert isinstance(node.training, StageConfig)
        self.node, self.config, self.fabric, self.space = node, node.training, fabric, space
        torch.manual_seed(node.seed)
        sizes = node.detector.model_copy(update={"num_classes": len(space.classes)})
        student = Detector(sizes, space.classes)
        set_prior(student.head.events, self.config.initial_probability)
        teacher = make_teacher(student)
        if init is not None:
            for network, weights in zip((student, teacher), _networks_of(init, space), strict=True):
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
        self.optimizer = detector_optimizer(self.student, self.config.optim)
        self.networks = {"student": self.student, "teacher": self.teacher}
        self._mean = RunningMean(self.teacher, self.student)
        self.side_stream = SideStream(fabric.device)
        """Where the teacher listens, beside the student; in the same queue unless enabled."""

    def loss(self, batch: Batch, step: int, generator: torch.Generator) -> LossTerms:
        """Return the loss of one batch: augment, ask student and teacher, compare with what is known."""
        (terms,) = self.compare(self.prepare(batch, step, generator))
        return terms

    def prepare(self, batch: Batch, step: int | Tensor, generator: torch.Generator) -> StepInputs:
        """Return what student and teacher are asked: features, augmented by draws of ``generator``, and what is known.

        All that depends on draws in more than numbers, or on the host's mood, is decided here.
        """
        set_training(self.networks)
        config = self.config
        batch = augment_waveforms(batch, config.augment, generator, responses=self.responses)
        features = self.student.features(batch.waveform, generator)
        views = augment(features, batch.targets, batch.rows, config.augment, generator)
        # A frozen transformer is the same in both networks, so it listens once if both hear the same.
        listens_once = not config.train_transformer and views.student.transformer is views.teacher.transformer
        return StepInputs(views, batch.rows, step, listens_once)

    def for_recording(self, inputs: StepInputs) -> StepInputs:
        """Return ``inputs`` in a form whose numbers alone differ from batch to batch, all of them on the device."""
        mixing, clips = inputs.views.mixing, len(inputs.views.targets.mask)
        told = torch.tensor(float(inputs.step)), torch.tensor(mixing is not None)
        idle = Mixing.nothing(clips, joint=self.config.augment.mixup.joint) if mixing is None else None
        (step, fired), idle = moved((told, idle), self.fabric.device)
        # Nothing but interpolation asks how clips were mixed.
        mixing = replace(mixing or idle, fired=fired) if self.config.loss.ict else None
        return inputs._replace(views=replace(inputs.views, mixing=mixing), step=step)

    def compare(self, *batches: StepInputs) -> list[LossTerms]:
        """Return the loss of each batch; the same work for all batches whose mixing and sizes are alike.

        The transformer listens to all of them at once. Batch norm sees each by itself, as if they came one by one.
        """
        config, num = self.config, len(batches)
        views = [batch.views for batch in batches]
        masks = [prediction_masks(view.targets.mask, config.loss) for view in views]
        masks = tuple(None if of_all[0] is None else joined(of_all) for of_all in zip(*masks, strict=True))
        hears = {
            name: Features(*map(joined, zip(*(getattr(view, name) for view in views), strict=True)))
            for name in ("student", "teacher")
        }
        listens_once = all(batch.listens_once for batch in batches)

        with self.fabric.autocast():
            start = None if listens_once else self.side_stream.mark()
            embedding = self.student.embed(hears["student"].transformer)
            start = start or self.side_stream.mark()
            student = self.student(hears["student"].mel, embedding, masks=masks, batches=num)
            teacher = None
            if config.loss.self_supervised:
                with torch.no_grad(), self.side_stream.beside(start):
                    heard = embedding if listens_once else self.teacher.embed(hears["teacher"].transformer)
                    teacher = self.teacher(hears["teacher"].mel, heard, masks=masks, batches=num)
        students, teachers = _of_each(student, num), _of_each(teacher, num) if teacher else [None] * num
        return [
            stage_loss(
                student,
                teacher,
                targets=batch.views.targets,
                rows=batch.rows,
                step=batch.step,
                config=config.loss,
                mixing=batch.views.mixing,
                aliased=self.node.data.alias_labels,
                space=self.space,
            )
            for batch, student, teacher in zip(batches, students, teachers, strict=True)
        ]

    def before_backward(self, step: int) -> None:
        """Move the teacher: after the forward pass and before the student's step, as the published system does."""
        self._mean.update(step, self.config.optim.ema_decay)

    def save(self, path: Path, *, states: States | None = None) -> None:
        """Write both networks as a detector checkpoint, with their weights or other ``states``."""
        save_networks(path, self.networks, node=self.node, states=states)


class StepInputs(NamedTuple):
    """What student and teacher are asked about one batch."""

    views: AugmentedBatch
    rows: Rows
    step: int | Tensor
    """Optimiser steps done so far."""
    listens_once: bool
    """Whether the transformer is asked the same for student and teacher."""


def set_training(networks: Mapping[str, nn.Module]) -> None:
    """Set training mode where it is not set; the teacher's dropout and batch norm are active too, as published."""
    for network in networks.values():
        if not network.training:
            network.train()


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Return tensors one after the other; a single one as it is."""
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))


def _networks_of(init: Path, space: LabelSpace) -> tuple[dict[str, Tensor], ...]:
    """Return the weights of student and teacher in a checkpoint of the same classes; SedlabError for one of others."""
    classes = read_checkpoint(init).classes
    if classes != space.classes:
        raise SedlabError(f"{init}: {difference(classes, space.classes)}. Train stage 1 on this corpus first.")
    return load_networks(init, "student", "teacher")


def _of_each(scores: Sequence[Scores], num: int) -> list[tuple[Scores, ...]]:
    """Return the scores of each of ``num`` batches, under each of the masks."""
    if num == 1:
        return [tuple(scores)]
    parts = [map_tensors(of_all, lambda tensor: tensor.chunk(num)) for of_all in scores]
    return [tuple(Scores(part.strong[i], part.weak[i], part.logits[i]) for part in parts) for i in range(num)]
