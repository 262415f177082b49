"""What each augmentation of features does to a batch: streams, labels and pseudo-labels change together.

The arithmetic is that of `sedlab.audio`; here are the groups that it concerns and the scale between a stream's frames
and label frames. Which step runs when is decided in `augmentation`.

Source: CP-JKU system for DCASE 2024 Task 4, arXiv 2408.00791, and its public code.
Shape letters: B clips, F bins.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from torch import Generator, Tensor

from sedlab.audio.filter_augment import draw_filters, filter_augment
from sedlab.audio.frame_shift import draw_shifts, roll_frames, scale_shifts
from sedlab.audio.frequency_warp import draw_band, warp_frequency
from sedlab.audio.mixstyle import mixstyle
from sedlab.audio.mixup import Mixing, draw_mixing, mix, mix_targets, widen_mask
from sedlab.audio.time_mask import draw_time_span, mask_time
from sedlab.config.augmentation import (
    FilterConfig,
    FrameShiftConfig,
    HardenConfig,
    MixstyleConfig,
    MixupConfig,
    TimeMaskConfig,
    WarpConfig,
)
from sedlab.data.batch import Rows, Targets, has_clips
from sedlab.labels import SOFT_THRESHOLD


@dataclass(frozen=True)
class Clips:
    """Features and the labels that belong to them, between two augmentations."""

    streams: tuple[Tensor, ...]
    """(B, 1, F, frames) each, the transformer's last: a detector's `Features`, or one stream."""
    frames_per_label: tuple[float, ...]
    """Of each stream."""
    targets: Targets
    rows: Rows
    mixing: Mixing | None = None

    def __len__(self) -> int:
        return len(self.streams[0])

    def change(self, streams: Iterable[Tensor], **others: Any) -> Clips:
        """Return the clips with these streams, and other fields by name."""
        # A detector's stay `Features`.
        make = getattr(self.streams, "_make", tuple)
        return replace(self, streams=make(streams), **others)


def _harden(clips: Clips, config: HardenConfig, generator: Generator) -> Clips:
    strong, pseudo = clips.targets.strong, clips.targets.pseudo
    if config.maestro:
        rows, strong = clips.rows.maestro, strong.clone()
        strong[rows] = (strong[rows] > SOFT_THRESHOLD).to(strong.dtype)
    if config.pseudo and pseudo is not None:
        pseudo = (pseudo > SOFT_THRESHOLD).to(pseudo.dtype)
    return replace(clips, targets=replace(clips.targets, strong=strong, pseudo=pseudo))


def _frame_shift(clips: Clips, config: FrameShiftConfig, generator: Generator) -> Clips:
    num_frames = clips.streams[0].shape[-1]
    shifts = draw_shifts(len(clips), num_frames, config.std_fraction, generator)
    # Pre-training has no such clips, and its shift no such option.
    if not getattr(config, "include_maestro", True):
        shifts[clips.rows.maestro] = 0
    label_shifts = scale_shifts(shifts, 1 / clips.frames_per_label[0])
    return clips.change(
        (roll_frames(stream, scale_shifts(shifts, stream.shape[-1] / num_frames)) for stream in clips.streams),
        targets=clips.targets.with_frames(lambda labels: roll_frames(labels, label_shifts)),
    )


def _mixup(clips: Clips, config: MixupConfig, generator: Generator) -> Clips:
    mixing = draw_mixing(
        clips.rows.mixing_blocks(joint=config.joint),
        len(clips),
        config.alpha,
        generator,
        max_coefficient=config.max_coefficient,
        joint=config.joint,
    ).to(clips.streams[0].device)
    streams = (mix(stream, mixing) for stream in clips.streams)
    return clips.change(streams, targets=mixed(clips.targets, mixing), mixing=mixing)


def mixed(targets: Targets, mixing: Mixing) -> Targets:
    """Return the targets of mixed clips: labels in proportion, and a clip's mask with what the partner brings."""
    mask = widen_mask(targets.mask, targets.strong, mixing)
    frames = targets.with_frames(lambda labels: mix_targets(labels, mixing))
    return replace(frames, weak=mix_targets(targets.weak, mixing), mask=mask)


def _mixstyle(clips: Clips, config: MixstyleConfig, generator: Generator) -> Clips:
    """Change each stream by draws of its own."""
    blocks = clips.rows.mixing_blocks()
    return clips.change(
        mixstyle(stream, draw_mixing(blocks, len(clips), config.alpha, generator)) for stream in clips.streams
    )


def _time_mask(clips: Clips, config: TimeMaskConfig, generator: Generator) -> Clips:
    rows = clips.rows.hard_labelled
    if not has_clips(rows):
        return clips
    fractions = config.model_dump(exclude={"p"})
    span = draw_time_span(clips.targets.strong.shape[-1], generator, **fractions)
    return clips.change(
        (
            mask_time(stream, span, rows, frames_per_label=frames)
            for stream, frames in zip(clips.streams, clips.frames_per_label, strict=True)
        ),
        targets=clips.targets.with_frames(lambda labels: mask_time(labels, span, rows)),
    )


def _warp(clips: Clips, config: WarpConfig, generator: Generator) -> Clips:
    """Warp the transformer's features, each block by a band of its own, which an absent one draws as well."""
    *others, features = clips.streams
    blocks = [clips.rows.hard_labelled, clips.rows.weak, clips.rows.unlabeled]
    if config.include_maestro:
        blocks.append(clips.rows.maestro)
    warped = features.clone()
    for rows in blocks:
        band = draw_band(features.shape[-2], generator, min_ratio=config.min_ratio)
        if has_clips(rows):
            warped[rows] = warp_frequency(features[rows], band)
    return clips.change([*others, warped])


def filter_streams(clips: Clips, config: FilterConfig, generator: Generator) -> Clips:
    """Filter each stream, or the CRNN's alone, by draws of its own."""

    def filtered(stream: Tensor) -> Tensor:
        return filter_augment(stream, draw_filters(len(stream), stream.shape[-2], config, generator))

    first, *others = clips.streams
    return clips.change([filtered(first), *(map(filtered, others) if config.streams == "both" else others)])


#: What each augmentation does to a batch, by the name of its section in `AugmentConfig`.
STEPS = {
    "harden": _harden,
    "frame_shift": _frame_shift,
    "mixup": _mixup,
    "mixstyle": _mixstyle,
    "time_mask": _time_mask,
    "warp": _warp,
    "filter": filter_streams,
}
