"""How a stage trains: batch sizes, losses, optimiser, and what pre-training learns. A stage is these values, not code.

Defaults are those of stage 1 before any pseudo-labels exist. Presets set the rest for each stage and architecture.

Source: CP-JKU system for DCASE 2024 Task 4, arXiv 2408.00791, its code and README; PretrainedSED, arXiv 2409.09546.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from sedlab.config.base import Config, Probability

LabelSpace = Literal["present", "train447", "all456"]


class BatchSizes(Config):
    """Clips of each group in a batch. 0 leaves the group out."""

    # Stage 1 of the published system; stage 2 uses 7, 5, 5, 9, 9 (presets/paper.yaml has every stage).
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
    """Interpolation consistency whenever mixup fired; needs the mean teacher to see unmixed clips."""
    ssl_no_class_mask: bool = False
    """Self-supervise all classes, not only those that the clip's corpus labels."""
    include_maestro_ssl: bool = True
    """Whether MAESTRO clips enter the self-supervised term. Under joint mixup they stay inside the others' mixtures.
    The published code asks this only where nothing was mixed: its interpolation consistency always has MAESTRO."""
    exclude_maestro_weak_ssl: bool = False
    """Leave MAESTRO clips out of its clip-level half; with joint mixup, classes that DESED's labels do not speak of."""
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


class OptimConfig(Config):
    """Optimiser, learning rates and their schedule, decay of the mean teacher."""

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
    final_factor: Probability = 0.0
    """Fraction of each rate that is left at the last step."""
    clip_norm: PositiveFloat | None = None
    """Largest norm of all gradients together; None: not clipped, as published."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay of the mean teacher, the student's running mean. Tarvainen & Valpola 2017, arXiv 1703.01780."""


class DistillationConfig(Config):
    """Learn from what an ensemble of published teachers said, beside the labels (pre-training)."""

    weight: Probability = 0.0
    """Share of the published teachers' part of the loss; the labels' part has the rest. 0: none is asked."""
    logits: str | None = None
    """HDF5 file with the ensemble's logits of the training clips (see `sedlab.data.teacher_logits`), or its name in the
    weights registry."""

    @model_validator(mode="after")
    def _check(self) -> DistillationConfig:
        if self.weight and self.logits is None:
            raise ValueError("a weight above 0 needs logits: the file with what the published teachers said")
        return self
