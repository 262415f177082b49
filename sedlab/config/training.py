"""How a stage trains: batch sizes, losses, augmentations, optimiser. A stage is these values, not code.

Defaults are those of stage 1 before any pseudo-labels exist (losses, optimiser) and the published strengths
(augmentations); only mixup is on by default. Presets set the rest for each stage and architecture.

Source: CP-JKU system for DCASE 2024 Task 4, arXiv 2408.00791, and its public code and README.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from sedlab.config.base import Config

Probability = Annotated[float, Field(ge=0, le=1)]


class BatchSizes(Config):
    """Clips of each group in a batch. 0 leaves the group out."""

    # Stage 1 of the published system; stage 2 uses 7, 5, 5, 9, 9 and accumulates 8 batches.
    maestro: NonNegativeInt = 12
    strong: NonNegativeInt = 10
    synth: NonNegativeInt = 10
    weak: NonNegativeInt = 20
    unlabeled: NonNegativeInt = 20

    @model_validator(mode="after")
    def _check(self) -> BatchSizes:
        if not self.total:
            raise ValueError("at least one group must have a batch size above 0")
        return self

    @property
    def total(self) -> int:
        """Clips in a batch."""
        return self.maestro + self.strong + self.synth + self.weak + self.unlabeled


#: What `form` stood for before its numbers had keys of their own.
_FORMS: dict[str, dict[str, float]] = {
    "stage1": {},
    "stage2": {"total_factor": 1.0, "strong_divisor": 3.0, "weak_divisor": 2.0, "consistency_weak_divisor": 2.0},
}


class LossConfig(Config):
    """What each term of the loss weighs, and how the self-supervised ones are formed."""

    # Published: stage 1 in iteration 1 .08 .05 .08 .21 .58 0, in iteration 2 .5 .25 .12 .1 .1 1.5;
    # stage 2 in iteration 1 2 1 1 1 70 0, in iteration 2 12 3 .25 1 60 0.
    maestro: NonNegativeFloat = 0.08
    strong: NonNegativeFloat = 0.05
    synth: NonNegativeFloat = 0.08
    weak: NonNegativeFloat = 0.21
    self_supervised: NonNegativeFloat = 0.58
    """Weight of the self-supervised term at the end of its ramp when ramp_max is 1."""
    pseudo: NonNegativeFloat = 0.0
    """Weight of the pseudo-label term; 0: pseudo-labels are not needed."""

    # The numbers around the weights are those of the public code's two training scripts.
    strong_divisor: PositiveFloat = 1.0
    """The sum of the weighted maestro, strong and synth terms is divided by this (stage 2: 3)."""
    weak_divisor: PositiveFloat = 1.0
    """The weighted weak term is divided by this (stage 2: 2)."""
    consistency_weak_divisor: PositiveFloat = 1.0
    """The clip-level half of the mean teacher's distance is divided by this (stage 2: 2)."""
    ict_divisor: PositiveFloat = 4.0
    """In a step of interpolation consistency, self_supervised is divided by this."""
    total_factor: PositiveFloat = 5.0
    """The sum of all terms is multiplied by this (stage 1: 5, the number of weights but the last; stage 2: 1)."""
    ramp_steps: PositiveInt = 14_000
    """Optimiser steps over which the self-supervised weight reaches its nominal value (stage 2: 270)."""
    ramp_max: PositiveFloat = 2.0
    """The ramp goes on to this multiple of the nominal weight (stage 2: 1)."""
    ict: bool = False
    """Interpolation consistency whenever mixup fired; needs the teacher to see unmixed clips."""
    ssl_no_class_mask: bool = False
    """Self-supervise all classes, not only those that the clip's corpus labels."""
    include_maestro_ssl: bool = True
    """Whether MAESTRO clips enter the self-supervised term."""
    exclude_maestro_weak_ssl: bool = False
    """Leave MAESTRO clips out of its clip-level half (with joint mixup: MAESTRO's own classes)."""
    self_supervised_criterion: Literal["mse", "bce", "both"] = "mse"
    """both: (4 mse + bce) / 2."""
    pseudo_no_class_mask: bool = False
    """Learn pseudo-labels of all classes, not only of those that the clip's corpus labels."""
    pseudo_criterion: Literal["bce", "mse"] = "bce"

    @model_validator(mode="before")
    @classmethod
    def _numbers_of_a_form(cls, values: Any) -> Any:
        """Read runs and presets that still name a stage's `form` in place of its numbers."""
        if not isinstance(values, dict) or values.get("form") not in _FORMS:
            return values
        rest = {name: value for name, value in values.items() if name != "form"}
        return _FORMS[values["form"]] | rest


class GainConfig(Config):
    """Random gain of each waveform."""

    max_db: NonNegativeInt = 0
    """Whole dB, uniform from -max_db to max_db - 1. 0: off."""


class FrameShiftConfig(Config):
    """Circular shift in time of features, targets and pseudo-labels together."""

    p: Probability = 0.0
    std_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.075
    """Standard deviation as a fraction of the clip."""


class WavmixConfig(Config):
    """Mix each waveform of a strongly labelled group with another of its group."""

    p: Probability = 0.0
    """Per clip; published value 0.5 in both stages."""
    alpha: PositiveFloat = 0.2


class DeviceResponseConfig(Config):
    """Record waveforms with another microphone: convolve them with a device's impulse response (arXiv 2305.07499)."""

    p: Probability = 0.0
    """Per clip, every group; published value 0.5 in stage 2."""
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


class MixupConfig(Config):
    """Mix pairs of clips in the feature domain: weak, strongly labelled and unlabeled clips each among themselves."""

    p: Probability = 0.5
    """Per batch, one coin for all groups."""
    alpha: PositiveFloat = 0.2
    """Coefficients are Beta(alpha, alpha), one a clip."""
    max_coefficient: bool = True
    """Use max(c, 1 - c), so that a clip keeps the larger share."""
    joint: bool = True
    """Mix MAESTRO clips with the other strongly labelled ones; otherwise among themselves."""


class MixstyleConfig(Config):
    """Exchange the per-band statistics of clips (Freq-MixStyle, arXiv 2206.12513)."""

    p: Probability = 0.0
    """Per batch; published value 0.5 in stage 2, and in stage 1 for BEATs."""
    alpha: PositiveFloat = 0.3


class TimeMaskConfig(Config):
    """Silence one stretch of the strongly labelled DESED clips, labels included."""

    p: Probability = 0.0
    """Per batch; published value 1 in stage 2."""
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
    """Per batch; published value 0.5 in stage 2 for ATST and BEATs, and 0.8 in pre-training."""
    min_ratio: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Smallest height of the band as a fraction of the mel axis."""


class WarpConfig(BandWarpConfig):
    """The same for the groups of a detector's batch, each with a band of its own."""

    include_maestro: bool = True
    """Whether MAESTRO clips are warped too."""


class FilterBands(Config):
    """Multiply features by a random smooth gain over frequency (FilterAugment, arXiv 2110.03282)."""

    p: Probability = 0.0
    """Per batch; published value 0.8 in stage 2."""
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
    """2: the teacher's features get a filter of their own."""
    streams: Literal["crnn", "both"] = "both"
    """Filter the CRNN's features only, or with independent draws the transformer's as well."""


class AugmentConfig(Config):
    """The augmentations of a stage. ``p: 0`` turns one off."""

    teacher_input: Literal["mixed", "unmixed"] = "mixed"
    """mixed: the teacher sees what the student sees, but for a second filter view (stage 1).
    unmixed: it sees the clips as they were after the time mask, before mixup (stage 2)."""
    gain: GainConfig = GainConfig()
    wavmix: WavmixConfig = WavmixConfig()
    device_response: DeviceResponseConfig = DeviceResponseConfig()
    harden: HardenConfig = HardenConfig()
    frame_shift: FrameShiftConfig = FrameShiftConfig()
    mixup: MixupConfig = MixupConfig()
    mixstyle: MixstyleConfig = MixstyleConfig()
    time_mask: TimeMaskConfig = TimeMaskConfig()
    warp: WarpConfig = WarpConfig()
    filter: FilterConfig = FilterConfig()


class OptimConfig(Config):
    """Optimiser, learning rates and their schedule, teacher decay."""

    # Published, iteration 2: AdamW in both stages; stage 1 rate 5e-4, weight decay 1e-2, 4000 warm-up steps;
    # stage 2 weight decay 1e-3, 270 warm-up steps.
    optimizer: Literal["adam", "adamw"] = "adamw"
    lr_cnn: NonNegativeFloat = 1e-3
    lr_rnn: NonNegativeFloat = 1e-3
    """Rate of everything that is neither CNN nor transformer: merge, recurrent layers, heads."""
    lr_transformer: NonNegativeFloat | None = None
    """Rate of the transformer's final norm (stage 2: 1e-4); None: the transformer is not trained."""
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Each layer of the transformer below trains at this fraction of the rate above it (0.5 for ATST in stage 2)."""
    weight_decay: NonNegativeFloat = 1e-2
    """Used by adamw only; the published stage-2 default, adam, does without."""
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.999)
    warmup_steps: NonNegativeInt = 4000
    """Optimiser steps of linear warm-up."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """What follows the warm-up, until the last step."""
    final_factor: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Fraction of each rate that is left at the last step."""
    clip_norm: PositiveFloat | None = None
    """Largest norm of all gradients together; None: not clipped, as published."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay of the teacher's running mean. Tarvainen & Valpola 2017, arXiv 1703.01780."""
