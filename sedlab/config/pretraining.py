"""How clips of AudioSet strong are labelled, augmented and distilled in pre-training.

Only mixup is on by default; the published strengths stand in the `paper` preset.

Source: PretrainedSED, arXiv 2409.09546, and its public code.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, model_validator

from sedlab.config.base import Config
from sedlab.config.training import (
    BandWarpConfig,
    FilterBands,
    FrameShiftConfig,
    GainConfig,
    MixstyleConfig,
    Probability,
    TimeMaskConfig,
    WavmixConfig,
)

LabelSpace = Literal["present", "train447", "all456"]


class ClipMixupConfig(Config):
    """Mix pairs of clips in the feature domain, each keeping the larger share."""

    p: Probability = 0.3
    """Per batch."""
    alpha: PositiveFloat = 0.2
    """Coefficients are Beta(alpha, alpha), one a clip."""


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


class DistillationConfig(Config):
    """Learn from what an ensemble of teachers said, beside the labels."""

    weight: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the teachers' part of the loss; the labels' part has the rest. 0: no teacher."""
    logits: str | None = None
    """HDF5 file with the ensemble's logits of the training clips (see `sedlab.data.teacher_logits`), or its name in the
    weights registry."""

    @model_validator(mode="after")
    def _check(self) -> DistillationConfig:
        if self.weight and self.logits is None:
            raise ValueError("a weight above 0 needs logits: the file with what the teachers said")
        return self
