"""The augmentations of a step in their order, and what student and mean teacher each get to see.

First waveforms: wavmix, device response, gain. Then features, any number of streams with the labels that belong to
them, in the order of `ORDER`. In stage 1 ("mixed") the teacher sees the student's features, but for a filter of its own
when there are two views. In stage 2 ("unmixed") it sees whole clips, copied before mixup, and interpolation consistency
mixes its predictions instead. PaSST's front-end moves its band edges itself while it is in training mode, which in
stage 1 it is not. Pre-training has one stream of features and no teacher network.

Order, groups, parameters and coins (one a batch; gain, wavmix and device response one a clip) are the published ones.
Four things differ on purpose:

- The time mask silences pseudo-labels together with the targets. The published code silences the targets twice and
  leaves the pseudo-labels as they were; where it masks, in stage 2, they have weight 0.
- The frame shift moves everything it is meant to. The published code loses the shift of one of its targets in a
  variable nobody reads; it is off there.
- Wavmix and device responses are drawn by the loader and in the step, and applied to the batch on its device rather
  than clip by clip in the loader.
- All numbers come from one generator of the step (those of wavmix from seed, epoch and clip), so that the experiment's
  seed decides them. The published code draws from three libraries, of which one is re-seeded with 42 in every run.

Sources: CP-JKU system for DCASE 2024 Task 4, arXiv 2408.00791, and PretrainedSED, arXiv 2409.09546, with their code.
Shape letters: B clips, N samples, R responses, F bins, C classes, T label frames.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Generator, Tensor

from sedlab.audio.device_response import draw_devices, record_with_devices
from sedlab.audio.draws import coin
from sedlab.audio.mixup import Mixing
from sedlab.audio.packing import moved
from sedlab.audio.waveform_augment import apply_gain, draw_gains_db, mix_waveforms
from sedlab.config.augmentation import AugmentConfig, PretrainAugmentConfig
from sedlab.data.batch import Batch, Partners, Rows, Targets
from sedlab.models.detector import Features
from sedlab.training.augmentation_steps import STEPS, Clips, Shapes, draw_stream_filters, filter_streams

#: Augmentations of features before and after the teacher's copy; a filter for each of both comes last.
ORDER = {
    "mixed": (("harden", "frame_shift", "mixup", "mixstyle", "time_mask", "warp"), ()),
    "unmixed": (("harden", "frame_shift", "time_mask"), ("mixup", "mixstyle", "warp")),
}
PRETRAINING_ORDER = ("frame_shift", "mixup", "mixstyle", "time_mask", "filter", "warp")


@dataclass(frozen=True)
class AugmentedBatch:
    """What one training step works on."""

    student: Features
    teacher: Features
    targets: Targets
    """Of the student's clips; class masks widened by mixup but not yet applied."""
    mixing: Mixing | None
    """How the student's clips were mixed; None when mixup did not fire."""


def augment_waveforms(
    batch: Batch,
    config: AugmentConfig | PretrainAugmentConfig,
    generator: Generator,
    *,
    responses: Tensor | None = None,
) -> Batch:
    """Return the batch after wavmix with its partners, device responses and gain; the partners are spent.

    ``generator`` must be on the CPU, here and below: the same state then gives the same augmentation on every device.
    ``responses`` (R, samples) are impulse responses of devices, see `align_responses`; None: no other microphones.
    """
    if batch.partners is not None:
        batch = _wavmix(batch, batch.partners)
    devices = None
    if responses is not None:
        devices = draw_devices(len(batch), len(responses), config.device_response.p, generator)
    gains_db = draw_gains_db(len(batch), config.gain.max_db, generator) if config.gain.max_db else None
    waveform = batch.waveform
    devices, gains_db = moved((devices, gains_db), waveform.device)
    if devices is not None:
        waveform = record_with_devices(waveform, responses, devices)
    if gains_db is not None:
        waveform = apply_gain(waveform, gains_db)
    return replace(batch, waveform=waveform)


def augment(
    features: Features, targets: Targets, rows: Rows, config: AugmentConfig, generator: Generator
) -> AugmentedBatch:
    """Return student's and teacher's view of a batch; whether an augmentation runs is one coin for the whole batch."""
    num_labels = targets.strong.shape[-1]
    # The CNN makes a label of a whole number of frames and drops what is left over.
    frames_per_label = round(features.mel.shape[-1] / num_labels), features.transformer.shape[-1] / num_labels
    plan = moved(plan_views(Shapes.of(features, targets, rows), config, generator), targets.strong.device)
    teacher = _in_order(plan.before, Clips(features, frames_per_label, targets, rows), config)
    student = _in_order(plan.after, teacher, config)
    if plan.student_filters is not None:
        # A teacher that hears the clips unmixed hears them unfiltered, also when nothing else has set them apart.
        shared = config.teacher_input == "mixed" and student is teacher
        student = filter_streams(student, config.filter, plan.student_filters)
        if plan.teacher_filters is not None:
            teacher = filter_streams(teacher, config.filter, plan.teacher_filters)
        elif shared:
            teacher = student
    return AugmentedBatch(student.streams, teacher.streams, student.targets, student.mixing)


@dataclass(frozen=True)
class ViewPlan:
    """What happens to the features of a batch: everything that is drawn, before anything is computed."""

    before: list[tuple[str, Any]]
    """Augmentations before the teacher's copy, by name, with what they drew."""
    after: list[tuple[str, Any]]
    student_filters: list[Tensor] | None
    teacher_filters: list[Tensor] | None


def plan_views(shapes: Shapes, config: AugmentConfig, generator: Generator) -> ViewPlan:
    """Draw the augmentations of a detector's batch, on the host."""
    before, after = (_drawn(names, shapes, config, generator) for names in ORDER[config.teacher_input])
    student = teacher = None
    if coin(config.filter.p, generator):
        student = draw_stream_filters(shapes, config.filter, generator)
        if config.filter.views == 2:
            teacher = draw_stream_filters(shapes, config.filter, generator)
    return ViewPlan(before, after, student, teacher)


def augment_pretraining(
    features: Tensor, targets: Targets, config: PretrainAugmentConfig, generator: Generator
) -> tuple[Tensor, Targets]:
    """Return augmented features (B, 1, F, frames) and their targets: labels, and what published teachers said.

    All clips may be mixed with each other. An augmentation that is off draws no coin.
    """
    order = [name for name in PRETRAINING_ORDER if getattr(config, name).p]
    frames_per_label = features.shape[-1] / targets.strong.shape[-1]
    clips = Clips((features,), (frames_per_label,), targets, Rows.of({"audioset": len(features)}))
    # What only a detector's streams and groups can choose has no effect here.
    config = AugmentConfig(**config.model_dump())
    drawn = _drawn(order, Shapes.of(clips.streams, targets, clips.rows), config, generator)
    clips = _in_order(moved(drawn, features.device), clips, config)
    return clips.streams[0], clips.targets


def _drawn(names: Iterable[str], shapes: Shapes, config: AugmentConfig, generator: Generator) -> list[tuple[str, Any]]:
    """Return the augmentations whose coin says so, in their order, with what they drew."""
    drawn = []
    for name in names:
        section, draw = getattr(config, name), STEPS[name][0]
        if coin(section.p, generator):
            drawn.append((name, draw(shapes, section, generator)))
    return drawn


def _in_order(drawn: Iterable[tuple[str, Any]], clips: Clips, config: AugmentConfig) -> Clips:
    for name, draws in drawn:
        clips = STEPS[name][1](clips, getattr(config, name), draws)
    return clips


def _wavmix(batch: Batch, partners: Partners) -> Batch:
    """Mix the partners in. Targets and pseudo-labels share the coefficient of the waveforms; masks are the same."""
    rows, share = partners.rows, partners.share
    sounds = mix_waveforms(batch.waveform[rows], partners.waveform, share)

    def mixed_labels(own: Tensor, partner: Tensor) -> Tensor:
        return own.index_copy(0, rows, torch.lerp(partner, own[rows], share[:, None, None]))

    targets = batch.targets.with_frames(mixed_labels, partners.targets)
    return replace(batch, waveform=batch.waveform.index_copy(0, rows, sounds), targets=targets, partners=None)
