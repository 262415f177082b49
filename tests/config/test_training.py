from __future__ import annotations

import pytest
from pydantic import ValidationError

from sedlab.config.augmentation import AugmentConfig, FilterConfig, TimeMaskConfig
from sedlab.config.training import BatchSizes, LossConfig, OptimConfig


@pytest.mark.parametrize(
    ("config", "values"),
    [
        (BatchSizes, {"maestro": 0, "strong": 0, "synth": 0, "weak": 0, "unlabeled": 0}),
        (BatchSizes, {"weak": -1}),
        (LossConfig, {"form": "stage3"}),
        (LossConfig, {"strong_divisor": 0}),
        (LossConfig, {"ramp_steps": 0}),
        (LossConfig, {"pseudo": -1.0}),
        (TimeMaskConfig, {"min_fraction": 0.5, "max_fraction": 0.4}),
        (FilterConfig, {"bands": (5, 3)}),
        (FilterConfig, {"bands": (1, 3)}),
        (FilterConfig, {"db": (3.0, -3.0)}),
        (AugmentConfig, {"mixup": {"p": 1.5}}),
        (AugmentConfig, {"mixup": {"probability": 0.5}}),
        (OptimConfig, {"layer_decay": 0.0}),
        (OptimConfig, {"ema_decay": 1.0}),
    ],
)
def test_impossible_values_are_refused(config, values):
    with pytest.raises(ValidationError):
        config(**values)


def test_configs_survive_a_round_trip_through_json():
    for config in (BatchSizes(), LossConfig(), AugmentConfig(), OptimConfig(lr_transformer=1e-4)):
        assert type(config).model_validate_json(config.model_dump_json()) == config


def test_every_option_of_a_loss_has_a_description():
    for name, field in LossConfig.model_fields.items():
        if name not in ("maestro", "strong", "synth", "weak", "pseudo_criterion"):
            assert field.description, name


def test_a_form_of_earlier_runs_stands_for_its_numbers():
    assert LossConfig.model_validate({"form": "stage1", "weak": 1.0}) == LossConfig(weak=1.0)
    stage2 = LossConfig.model_validate({"form": "stage2", "weak": 1.0})
    assert (stage2.total_factor, stage2.strong_divisor, stage2.weak_divisor, stage2.weak) == (1.0, 3.0, 2.0, 1.0)
