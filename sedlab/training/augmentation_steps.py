"""What each augmentation of features does to a batch: streams, labels and pseudo-labels change together.

Each is two functions: one draws on the host, from shapes alone, one applies what was drawn. The arithmetic is that of
`sedlab.audio`; here are the groups that it concerns and the scale between a stream's frames and label frames. Which
step runs when is decided in `augmentation`.

Source: CP-JKU system for DCASE 2024 Task 4, arXiv 2408.00791, and its public code.
Shape letters: B clips, F bins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from torch import Generator, Tensor

from sedlab.audio.draws import Span
from sedlab.audio.filter_augment import apply_filters, draw_filters, filter_gains
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


class Shapes(NamedTuple):
    """What draws depend on: no augmentation changes any of it."""

    num_clips: int
    bins: tuple[int, ...]
    """Of each stream."""
    frames: tuple[int, ...]
    num_labels: int
    """Label frames."""
    rows: Rows

    @classmethod
    def of(cls, streams: Sequence[Tensor], targets: Targets, rows: Rows) -> Shapes:
        """Return the shapes of a batch."""
        bins, frames = zip(*(stream.shape[-2:] for stream in streams), strict=True)
        return cls(len(streams[0]), bins, frames, targets.strong.shape[-1], rows)


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


def _draw_nothing(*_: object) -> None:
    return None


def _harden(clips: Clips, config: HardenConfig, _: None) -> Clips:
    strong, pseudo = clips.targets.strong, clips.targets.pseudo
    if config.maestro:
        rows, strong = clips.rows.maestro, strong.clone()
        strong[rows] = (strong[rows] > SOFT_THRESHOLD).to(strong.dtype)
    if config.pseudo and pseudo is not None:
        pseudo = (pseudo > SOFT_THRESHOLD).to(pseudo.dtype)
    return replace(clips, targets=replace(clips.targets, strong=strong, pseudo=pseudo))


def _draw_frame_shift(shapes: Shapes, config: FrameShiftConfig, generator: Generator) -> Tensor:
    shifts = draw_shifts(shapes.num_clips, shapes.frames[0], config.std_fraction, generator)
    # Pre-training has no such clips, and its shift no such option.
    if not getattr(config, "include_maestro", True):
        shifts[shapes.rows.maestro] = 0
    return shifts


def _frame_shift(clips: Clips, _: FrameShiftConfig, shifts: Tensor) -> Clips:
    num_frames = clips.streams[0].shape[-1]
    label_shifts = scale_shifts(shifts, 1 / clips.frames_per_label[0])
    return clips.change(
        (roll_frames(stream, scale_shifts(shifts, stream.shape[-1] / num_frames)) for stream in clips.streams),
        targets=clips.targets.with_frames(lambda labels: roll_frames(labels, label_shifts)),
    )


def _draw_mixup(shapes: Shapes, config: MixupConfig, generator: Generator) -> Mixing:
    return draw_mixing(
        shapes.rows.mixing_blocks(joint=config.joint),
        shapes.num_clips,
        config.alpha,
        generator,
        max_coefficient=config.max_coefficient,
        joint=config.joint,
    )


def _mixup(clips: Clips, _: MixupConfig, mixing: Mixing) -> Clips:
    streams = (mix(stream, mixing) for stream in clips.streams)
    return clips.change(streams, targets=mixed(clips.targets, mixing), mixing=mixing)


def mixed(targets: Targets, mixing: Mixing) -> Targets:
    """Return the targets of mixed clips: labels in proportion, and a clip's mask with what the partner brings."""
    mask = widen_mask(targets.mask, targets.strong, mixing)
    frames = targets.with_frames(lambda labels: mix_targets(labels, mixing))
    return replace(frames, weak=mix_targets(targets.weak, mixing), mask=mask)


def _draw_mixstyle(shapes: Shapes, config: MixstyleConfig, generator: Generator) -> list[Mixing]:
    """Each stream is changed by draws of its own."""
    blocks = shapes.rows.mixing_blocks()
    return [draw_mixing(blocks, shapes.num_clips, config.alpha, generator) for _ in shapes.frames]


def _mixstyle(clips: Clips, _: MixstyleConfig, mixings: list[Mixing]) -> Clips:
    return clips.change(map(mixstyle, clips.streams, mixings))


def _draw_time_mask(shapes: Shapes, config: TimeMaskConfig, generator: Generator) -> Span | None:
    if not has_clips(shapes.rows.hard_labelled):
        return None
    return draw_time_span(shapes.num_labels, generator, **config.model_dump(exclude={"p"}))


def _time_mask(clips: Clips, _: TimeMaskConfig, span: Span | None) -> Clips:
    rows = clips.rows.hard_labelled
    if span is None:
        return clips
    return clips.change(
        (
            mask_time(stream, span, rows, frames_per_label=frames)
            for stream, frames in zip(clips.streams, clips.frames_per_label, strict=True)
        ),
        targets=clips.targets.with_frames(lambda labels: mask_time(labels, span, rows)),
    )


def _draw_warp(shapes: Shapes, config: WarpConfig, generator: Generator) -> list[Span]:
    """Each block has a band of its own, which an absent one draws as well."""
    num_bins = shapes.bins[-1]
    return [draw_band(num_bins, generator, min_ratio=config.min_ratio) for _ in _warped_blocks(shapes.rows, config)]


def _warp(clips: Clips, config: WarpConfig, bands: list[Span]) -> Clips:
    """Warp the transformer's features."""
    *others, features = clips.streams
    warped = features.clone()
    for rows, band in zip(_warped_blocks(clips.rows, config), bands, strict=True):
        if has_clips(rows):
            warped[rows] = warp_frequency(features[rows], band)
    return clips.change([*others, warped])


def _warped_blocks(rows: Rows, config: WarpConfig) -> list[slice]:
    blocks = [rows.hard_labelled, rows.weak, rows.unlabeled]
    return [*blocks, rows.maestro] if config.include_maestro else blocks


def draw_stream_filters(shapes: Shapes, config: FilterConfig, generator: Generator) -> list[Tensor]:
    """Return the gains (B, F) of each stream, or of the CRNN's alone."""
    bins = shapes.bins if config.streams == "both" else shapes.bins[:1]
    return [filter_gains(draw_filters(shapes.num_clips, num_bins, config, generator)) for num_bins in bins]


def filter_streams(clips: Clips, _: FilterConfig, gains: list[Tensor]) -> Clips:
    """Filter the streams that gains were drawn for, the first ones."""
    filtered = [apply_filters(stream, gain) for stream, gain in zip(clips.streams, gains, strict=False)]
    return clips.change([*filtered, *clips.streams[len(gains) :]])


#: How each augmentation draws and what it does to a batch, by the name of its section in `AugmentConfig`.
STEPS: dict[str, tuple[Callable[[Shapes, Any, Generator], Any], Callable[[Clips, Any, Any], Clips]]] = {
    "harden": (_draw_nothing, _harden),
    "frame_shift": (_draw_frame_shift, _frame_shift),
    "mixup": (_draw_mixup, _mixup),
    "mixstyle": (_draw_mixstyle, _mixstyle),
    "time_mask": (_draw_time_mask, _time_mask),
    "warp": (_draw_warp, _warp),
    "filter": (draw_stream_filters, filter_streams),
}
