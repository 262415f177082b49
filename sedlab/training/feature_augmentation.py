"""The augmentations of a stage in their order, and what student and teacher each get to see.

Waveforms: wavmix, device response, gain. Labels: hardening. Features, stage 1 ("mixed"): shift, mixup, mixstyle, time
mask, warp, filter; the teacher sees the student's features, but for a filter of its own when there are two views.
Stage 2 ("unmixed"): shift, time mask, *the teacher's copy*, mixup, mixstyle, warp, filter; the teacher sees whole
clips, and interpolation consistency mixes its predictions instead. PaSST's front-end moves its band edges itself while
it is in training mode, which in stage 1 it is not.

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

Source: CP-JKU system for DCASE 2024 Task 4, arXiv 2408.00791, and its public code.
Shape letters: B clips, N samples, R responses, F bins, C classes, T label frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sedlab.audio.device_response import draw_devices, record_with_devices
from sedlab.audio.draws import coin
from sedlab.audio.filter_augment import draw_filters, filter_augment
from sedlab.audio.frame_shift import draw_shifts, roll_frames, scale_shifts
from sedlab.audio.frequency_warp import draw_band, warp_frequency
from sedlab.audio.mixstyle import draw_styles, mixstyle
from sedlab.audio.mixup import Mixing, draw_mixing, mix, mix_targets, widen_mask
from sedlab.audio.time_mask import draw_time_span, mask_time
from sedlab.audio.waveform_augment import apply_gain, draw_gains_db, mix_waveforms
from sedlab.config.pretraining import PretrainAugmentConfig
from sedlab.config.training import AugmentConfig, FilterConfig, HardenConfig, WarpConfig
from sedlab.data.batch import Partners, Rows, Targets, has_clips
from sedlab.labels import SOFT_THRESHOLD


@dataclass(frozen=True)
class Features:
    """Both inputs of a detector."""

    mel: Tensor
    """(B, 1, F, frames) linear magnitude, for the CRNN."""
    transformer: Tensor
    """(B, 1, F', frames') normalised log-mel."""


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
    waveform: Tensor,
    targets: Targets,
    config: AugmentConfig | PretrainAugmentConfig,
    generator: torch.Generator,
    *,
    partners: Partners | None = None,
    responses: Tensor | None = None,
) -> tuple[Tensor, Targets]:
    """Return waveforms (B, N) and targets after wavmix, device responses and gain.

    Parameters
    ----------
    generator
        On the CPU.
    partners
        The clips to mix in, drawn with the batch; None: no wavmix.
    responses : (R, samples) Tensor
        Device impulse responses, see `align_responses`; None: no other microphones.
    """
    if partners is not None:
        waveform, targets = _wavmix(waveform, targets, partners)
    if responses is not None:
        devices = draw_devices(len(waveform), len(responses), config.device_response.p, generator)
        waveform = record_with_devices(waveform, responses, devices)
    return apply_gain(waveform, draw_gains_db(len(waveform), config.gain.max_db, generator)), targets


def augment(
    features: Features, targets: Targets, rows: Rows, config: AugmentConfig, generator: torch.Generator
) -> AugmentedBatch:
    """Return student's and teacher's view of a batch; whether an augmentation runs is one coin for the whole batch.

    ``generator`` must be a CPU generator: the same state then gives the same augmentation on every device.
    """
    if coin(config.harden.p, generator):
        targets = _harden(targets, rows, config.harden)
    if coin(config.frame_shift.p, generator):
        features, targets = _shift(features, targets, config, generator)
    unmixed = config.teacher_input == "unmixed"
    if unmixed:
        features, targets = _time_mask(features, targets, rows, config, generator)
    teacher = features

    mixing = None
    if coin(config.mixup.p, generator):
        features, targets, mixing = _mixup(features, targets, rows, config, generator)
    if coin(config.mixstyle.p, generator):
        features = _mixstyle(features, rows, config, generator)
    if not unmixed:
        features, targets = _time_mask(features, targets, rows, config, generator)
    if coin(config.warp.p, generator):
        features = replace(features, transformer=_warp(features.transformer, rows, config.warp, generator))
    if not unmixed:
        teacher = features
    if coin(config.filter.p, generator):
        shared = features is teacher and config.filter.views == 1
        features = _filter(features, config.filter, generator)
        if shared:
            teacher = features
        elif config.filter.views == 2:
            teacher = _filter(teacher, config.filter, generator)
    return AugmentedBatch(features, teacher, targets, mixing)


def _wavmix(waveform: Tensor, targets: Targets, partners: Partners) -> tuple[Tensor, Targets]:
    """Mix the partners in. Targets and pseudo-labels share the coefficient of the waveforms; masks are the same."""
    rows, share = partners.rows, partners.share
    mixed = mix_waveforms(waveform[rows], partners.waveform, share)

    def mixed_labels(own: Tensor, partner: Tensor) -> Tensor:
        return own.index_copy(0, rows, torch.lerp(partner, own[rows], share[:, None, None]))

    return waveform.index_copy(0, rows, mixed), targets.with_frames(mixed_labels, partners.targets)


def _harden(targets: Targets, rows: Rows, config: HardenConfig) -> Targets:
    strong, pseudo = targets.strong, targets.pseudo
    if config.maestro:
        strong = strong.clone()
        strong[rows.maestro] = (strong[rows.maestro] > SOFT_THRESHOLD).to(strong.dtype)
    if config.pseudo and pseudo is not None:
        pseudo = (pseudo > SOFT_THRESHOLD).to(pseudo.dtype)
    return replace(targets, strong=strong, pseudo=pseudo)


def _mixup(
    features: Features, targets: Targets, rows: Rows, config: AugmentConfig, generator: torch.Generator
) -> tuple[Features, Targets, Mixing]:
    mixing = draw_mixing(
        rows.mixing_blocks(joint=config.mixup.joint),
        len(features.mel),
        config.mixup.alpha,
        generator,
        max_coefficient=config.mixup.max_coefficient,
        joint=config.mixup.joint,
    ).to(features.mel.device)
    mixed = Targets(
        strong=mix_targets(targets.strong, mixing),
        weak=mix_targets(targets.weak, mixing),
        mask=widen_mask(targets.mask, targets.strong, mixing),
        pseudo=None if targets.pseudo is None else mix_targets(targets.pseudo, mixing),
    )
    return Features(mix(features.mel, mixing), mix(features.transformer, mixing)), mixed, mixing


def _mixstyle(features: Features, rows: Rows, config: AugmentConfig, generator: torch.Generator) -> Features:
    blocks, num_clips, alpha = rows.mixing_blocks(), len(features.mel), config.mixstyle.alpha
    return Features(
        mixstyle(features.mel, draw_styles(blocks, num_clips, alpha, generator)),
        mixstyle(features.transformer, draw_styles(blocks, num_clips, alpha, generator)),
    )


def _time_mask(
    features: Features, targets: Targets, rows: Rows, config: AugmentConfig, generator: torch.Generator
) -> tuple[Features, Targets]:
    clips = rows.hard_labelled
    if not coin(config.time_mask.p, generator) or not has_clips(clips):
        return features, targets
    span = draw_time_span(
        targets.strong.shape[-1],
        generator,
        min_fraction=config.time_mask.min_fraction,
        max_fraction=config.time_mask.max_fraction,
    )
    mel_ratio, transformer_ratio = _frames_per_label(features, targets)
    pseudo = None if targets.pseudo is None else mask_time(targets.pseudo, span, clips)
    return Features(
        mask_time(features.mel, span, clips, frames_per_label=mel_ratio),
        mask_time(features.transformer, span, clips, frames_per_label=transformer_ratio),
    ), replace(targets, strong=mask_time(targets.strong, span, clips), pseudo=pseudo)


def _shift(
    features: Features, targets: Targets, config: AugmentConfig, generator: torch.Generator
) -> tuple[Features, Targets]:
    num_clips, num_frames = len(features.mel), features.mel.shape[-1]
    shifts = draw_shifts(num_clips, num_frames, config.frame_shift.std_fraction, generator)
    mel_ratio, _ = _frames_per_label(features, targets)
    label_shifts = scale_shifts(shifts, 1 / mel_ratio)
    transformer_shifts = scale_shifts(shifts, features.transformer.shape[-1] / num_frames)
    pseudo = None if targets.pseudo is None else roll_frames(targets.pseudo, label_shifts)
    return Features(roll_frames(features.mel, shifts), roll_frames(features.transformer, transformer_shifts)), replace(
        targets, strong=roll_frames(targets.strong, label_shifts), pseudo=pseudo
    )


def _warp(features: Tensor, rows: Rows, config: WarpConfig, generator: torch.Generator) -> Tensor:
    """Warp each block by a band of its own."""
    blocks = [rows.hard_labelled, rows.weak, rows.unlabeled]
    if config.include_maestro:
        blocks.append(rows.maestro)
    warped = features.clone()
    for block in blocks:
        band = draw_band(features.shape[-2], generator, min_ratio=config.min_ratio)
        if has_clips(block):
            warped[block] = warp_frequency(features[block], band)
    return warped


def _filter(features: Features, config: FilterConfig, generator: torch.Generator) -> Features:
    """Filter each stream by draws of its own."""

    def filtered(values: Tensor) -> Tensor:
        draws = draw_filters(
            len(values),
            values.shape[-2],
            generator,
            bands=config.bands,
            db=config.db,
            min_bandwidth=config.min_bandwidth,
        )
        return filter_augment(values, draws)

    mel = filtered(features.mel)
    return Features(mel, filtered(features.transformer) if config.streams == "both" else features.transformer)


def _frames_per_label(features: Features, targets: Targets) -> tuple[float, float]:
    """Return frames of the CRNN's (a whole number) and the transformer's features for each label frame."""
    num_labels = targets.strong.shape[-1]
    return round(features.mel.shape[-1] / num_labels), features.transformer.shape[-1] / num_labels
