"""The augmentations of pre-training in their order: shift, mixup, mixstyle, time mask, filter, warp.

Wavmix and gain come before, on waveforms (`feature_augmentation.augment_waveforms`). There is one stream of features
and no teacher network, every clip may be mixed with every other, and all classes of all clips are annotated.

Source: PretrainedSED, arXiv 2409.09546, and its public code.
Shape letters: B clips, F bins, C classes, T label frames.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from sedlab.audio.draws import coin
from sedlab.audio.filter_augment import draw_filters, filter_augment
from sedlab.audio.frame_shift import draw_shifts, roll_frames, scale_shifts
from sedlab.audio.frequency_warp import draw_band, warp_frequency
from sedlab.audio.mixstyle import draw_styles, mixstyle
from sedlab.audio.mixup import draw_mixing, mix, mix_targets
from sedlab.audio.time_mask import draw_time_span, mask_time
from sedlab.config.pretraining import PretrainAugmentConfig
from sedlab.data.batch import Targets


def augment_pretraining(
    features: Tensor, targets: Targets, config: PretrainAugmentConfig, generator: torch.Generator
) -> tuple[Tensor, Targets]:
    """Return augmented features (B, 1, F, frames) and their targets: labels, and what teachers said.

    Whether an augmentation runs is one coin for the whole batch; one that is off draws nothing. ``generator`` must be a
    CPU generator: the same state then gives the same augmentation on every device.
    """

    def fires(p: float) -> bool:
        return p > 0 and coin(p, generator)

    if fires(config.frame_shift.p):
        features, targets = _shift(features, targets, config.frame_shift.std_fraction, generator)
    if fires(config.mixup.p):
        features, targets = _mixup(features, targets, config.mixup.alpha, generator)
    if fires(config.mixstyle.p):
        everyone = [slice(0, len(features))]
        features = mixstyle(features, draw_styles(everyone, len(features), config.mixstyle.alpha, generator))
    if fires(config.time_mask.p):
        features, targets = _time_mask(features, targets, config, generator)
    if fires(config.filter.p):
        bands = config.filter.model_dump(exclude={"p"})
        features = filter_augment(features, draw_filters(len(features), features.shape[-2], generator, **bands))
    if fires(config.warp.p):
        band = draw_band(features.shape[-2], generator, min_ratio=config.warp.min_ratio)
        features = warp_frequency(features, band)
    return features, targets


def _shift(
    features: Tensor, targets: Targets, std_fraction: float, generator: torch.Generator
) -> tuple[Tensor, Targets]:
    num_clips, num_frames = len(features), features.shape[-1]
    shifts = draw_shifts(num_clips, num_frames, std_fraction, generator)
    label_shifts = scale_shifts(shifts, targets.strong.shape[-1] / num_frames)
    pseudo = None if targets.pseudo is None else roll_frames(targets.pseudo, label_shifts)
    strong = roll_frames(targets.strong, label_shifts)
    return roll_frames(features, shifts), replace(targets, strong=strong, pseudo=pseudo)


def _mixup(features: Tensor, targets: Targets, alpha: float, generator: torch.Generator) -> tuple[Tensor, Targets]:
    num_clips = len(features)
    mixing = draw_mixing([slice(0, num_clips)], num_clips, alpha, generator).to(features.device)
    pseudo = None if targets.pseudo is None else mix_targets(targets.pseudo, mixing)
    strong = mix_targets(targets.strong, mixing)
    return mix(features, mixing), replace(targets, strong=strong, pseudo=pseudo)


def _time_mask(
    features: Tensor, targets: Targets, config: PretrainAugmentConfig, generator: torch.Generator
) -> tuple[Tensor, Targets]:
    num_labels, everyone = targets.strong.shape[-1], slice(0, len(features))
    fractions = config.time_mask.model_dump(exclude={"p"})
    span = draw_time_span(num_labels, generator, **fractions)
    pseudo = None if targets.pseudo is None else mask_time(targets.pseudo, span, everyone)
    strong = mask_time(targets.strong, span, everyone)
    masked = mask_time(features, span, everyone, frames_per_label=features.shape[-1] / num_labels)
    return masked, replace(targets, strong=strong, pseudo=pseudo)
