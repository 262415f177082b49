"""The augmentations of training and of pre-training, each with its strength.

Defaults are the published strengths, but only mixup is on; how often each acts is set in the presets, stage by stage
(`presets/paper.yaml`: as published).

Source: CP-JKU system for DCASE 2024 Task 4, arXiv 2408.00791, and PretrainedSED, arXiv 2409.09546; their code.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from sedlab.config.base import Config, Probability


class GainConfig(Config):
    """Random gain of each waveform."""

    max_db: NonNegativeInt = 0
    """Whole dB, uniform from -max_db to max_db - 1. 0: off."""


class FrameShiftConfig(Config):
    """Circular shift in time of features, targets and pseudo-labels together."""

    p: Probability = 0.0
    std_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.075
    """Standard deviation as a fraction of the clip."""


class ClipShiftConfig(FrameShiftConfig):
    """The same for a detector's batch."""

    include_maestro: bool = False
    """Whether MAESTRO clips are shifted too. Published: an option, off; switched on, its code loses the result."""


class WavmixConfig(Config):
    """Mix each waveform of a strongly labelled group with another of its group."""

    p: Probability = 0.0
    """Per clip; published value 0.5 in both stages."""
    alpha: PositiveFloat = 0.2


class DeviceResponseConfig(Config):
    """Record waveforms with another microphone: convolve them with a device's impulse response (arXiv 2305.07499)."""

    p: Probability = 0.0
    """Per clip, every group."""
    folder: str = "device_responses"
    """Sound files of responses, searched recursively; relative to the data root."""


class HardenConfig(Config):
    """Round soft targets: 1 above a half, else 0. Off in the published recipe."""

    p: Probability = 0.0
    """Per batch."""
    maestro: bool = True
    """Round the soft labels of MAESTRO clips."""
    pseudo: bool = False
    """Round the pseudo-labels of all clips."""


class ClipMixupConfig(Config):
    """Mix pairs of clips in the feature domain, each keeping the larger share."""

    p: Probability = 0.3
    """Per batch."""
    alpha: PositiveFloat = 0.2
    """Coefficients are Beta(alpha, alpha), one a clip."""


class MixupConfig(ClipMixupConfig):
    """The same for the groups of a detector's batch: weak, strongly labelled and unlabeled clips among themselves."""

    p: Probability = 0.5
    """Per batch, one coin for all groups."""
    max_coefficient: bool = True
    """Use max(c, 1 - c), so that a clip keeps the larger share."""
    joint: bool = True
    """Mix MAESTRO clips with the other strongly labelled ones; otherwise among themselves."""


class MixstyleConfig(Config):
    """Exchange the per-band statistics of clips (Freq-MixStyle, arXiv 2206.12513)."""

    p: Probability = 0.0
    """Per batch."""
    alpha: PositiveFloat = 0.3


class TimeMaskConfig(Config):
    """Silence one stretch of the strongly labelled DESED clips, labels included."""

    p: Probability = 0.0
    """Per batch."""
    min_fraction: Annotated[float, Field(ge=0, le=1)] = 0.05
    max_fraction: Annotated[float, Field(gt=0, le=1)] = 0.3

    @model_validator(mode="after")
    def _check(self) -> TimeMaskConfig:
        if self.min_fraction >= self.max_fraction:
            raise ValueError(f"min_fraction ({self.min_fraction}) must be below max_fraction ({self.max_fraction})")
        return self


class BandWarpConfig(Config):
    """Stretch a random band of the transformer's features over the whole mel axis."""

    p: Probability = 0.0
    """Per batch."""
    min_ratio: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Smallest height of the band as a fraction of the mel axis."""


class WarpConfig(BandWarpConfig):
    """The same for the groups of a detector's batch, each with a band of its own."""

    include_maestro: bool = True
    """Whether MAESTRO clips are warped too."""


class FilterBands(Config):
    """Multiply features by a random smooth gain over frequency (FilterAugment, arXiv 2110.03282)."""

    p: Probability = 0.0
    """Per batch."""
    # One band would be a plain gain, which the published code leaves out; two is the least that filters.
    bands: tuple[Annotated[int, Field(ge=2)], Annotated[int, Field(ge=2)]] = (3, 5)
    """Least and most bands, both included."""
    db: tuple[float, float] = (-6.0, 6.0)
    """Range of the gain at band edges."""
    min_bandwidth: PositiveInt = 6
    """Mel bins; reduced when the bands would not fit."""

    @model_validator(mode="after")
    def _check(self) -> FilterBands:
        if self.bands[0] > self.bands[1]:
            raise ValueError(f"bands must be (least, most), not {self.bands}")
        if self.db[0] > self.db[1]:
            raise ValueError(f"db must be (lowest, highest), not {self.db}")
        return self


class FilterConfig(FilterBands):
    """FilterAugment of a detector's two feature streams."""

    views: Literal[1, 2] = 1
    """2: the mean teacher's features get a filter of their own."""
    streams: Literal["crnn", "both"] = "both"
    """Filter the CRNN's features only, or with independent draws the transformer's as well."""


class AugmentConfig(Config):
    """The augmentations of a stage. ``p: 0`` turns one off."""

    teacher_input: Literal["mixed", "unmixed"] = "mixed"
    """mixed: the mean teacher sees what the student sees, but for a second filter view (stage 1).
    unmixed: it sees the clips as they were after the time mask, before mixup (stage 2)."""
    gain: GainConfig = GainConfig()
    wavmix: WavmixConfig = WavmixConfig()
    device_response: DeviceResponseConfig = DeviceResponseConfig()
    harden: HardenConfig = HardenConfig()
    frame_shift: ClipShiftConfig = ClipShiftConfig()
    mixup: MixupConfig = MixupConfig()
    mixstyle: MixstyleConfig = MixstyleConfig()
    time_mask: TimeMaskConfig = TimeMaskConfig()
    warp: WarpConfig = WarpConfig()
    filter: FilterConfig = FilterConfig()


class PretrainAugmentConfig(Config):
    """The augmentations of pre-training, in their order. ``p: 0`` turns one off."""

    wavmix: WavmixConfig = WavmixConfig()
    gain: GainConfig = GainConfig()
    frame_shift: FrameShiftConfig = FrameShiftConfig()
    mixup: ClipMixupConfig = ClipMixupConfig()
    mixstyle: MixstyleConfig = MixstyleConfig()
    time_mask: TimeMaskConfig = TimeMaskConfig()
    filter: FilterBands = FilterBands()
    warp: BandWarpConfig = BandWarpConfig()
