"""The `paper` preset resolves to the published recipe: every value against a table transcribed from its sources.

Sources: README (iteration 2) and defaults (iteration 1) of the public CP-JKU DCASE 2024 Task 4 code.
"""

from __future__ import annotations

from functools import reduce

import pytest

from sedlab.config.loading import load_experiment
from sedlab.config.model import ARCHS

# (stage, iteration) -> option -> value for all, or one value each for passt, beats, atst
TABLE = {
    ("stage1", 1): {
        "train_transformer": False,
        "dropout": 0.3,
        "epochs": 200,
        "accumulation": (1, 4, 1),
        "batch.maestro": (12, 3, 12),
        "batch.strong": (10, 3, 10),
        "batch.synth": (10, 3, 10),
        "batch.weak": (20, 5, 20),
        "batch.unlabeled": (20, 5, 20),
        "loss.total_factor": 5,
        "loss.strong_divisor": 1,
        "loss.weak_divisor": 1,
        "loss.consistency_weak_divisor": 1,
        "loss.maestro": 0.08,
        "loss.strong": 0.05,
        "loss.synth": 0.08,
        "loss.weak": 0.21,
        "loss.self_supervised": 0.58,
        "loss.pseudo": 0.0,
        "loss.ramp_steps": 14000,
        "loss.ramp_max": 2.0,
        "loss.ict": False,
        "loss.ssl_no_class_mask": False,
        "loss.exclude_maestro_weak_ssl": False,
        "augment.teacher_input": "mixed",
        "augment.gain.max_db": 0,
        "augment.harden.p": 0.0,
        "augment.frame_shift.p": 0.0,
        "augment.wavmix.p": 0.5,
        "augment.wavmix.alpha": 0.2,
        "augment.device_response.p": 0.0,
        "augment.mixup.p": 0.5,
        "augment.mixup.alpha": 0.2,
        "augment.mixup.max_coefficient": True,
        "augment.mixup.joint": True,
        "augment.mixstyle.p": 0.5,
        "augment.mixstyle.alpha": 0.3,
        "augment.time_mask.p": 0.0,
        "augment.warp.p": 0.0,
        "augment.filter.p": 0.8,
        "augment.filter.views": 2,
        "augment.filter.streams": "crnn",
        "optim.optimizer": "adamw",
        "optim.lr_cnn": 1e-3,
        "optim.lr_rnn": 1e-3,
        "optim.lr_transformer": None,
        "optim.weight_decay": 1e-2,
        "optim.betas": (((0.9, 0.999),) * 3),
        "optim.warmup_steps": 4000,
        "optim.schedule": "cosine",
        "optim.final_factor": 0.0,
        "optim.clip_norm": None,
        "optim.ema_decay": 0.999,
        "validate_every": 10,
        "trainer.precision": "16-mixed",
        "trainer.eval_batch": 20,
    },
    ("stage1", 2): {
        "accumulation": (1, 4, 1),
        "batch.maestro": (12, 3, 12),
        "loss.maestro": 0.5,
        "loss.strong": 0.25,
        "loss.synth": (0.12, 0.08, 0.12),
        "loss.weak": 0.1,
        "loss.self_supervised": 0.1,
        "loss.pseudo": 1.5,
        "loss.pseudo_no_class_mask": False,
        "loss.ssl_no_class_mask": (False, True, True),
        "loss.exclude_maestro_weak_ssl": (True, False, False),
        "augment.wavmix.p": 0.5,
        "augment.mixup.p": 0.5,
        "augment.mixstyle.p": (0.0, 0.5, 0.0),
        "augment.filter.p": 0.0,
        "augment.device_response.p": 0.0,
        "optim.optimizer": "adamw",
        "optim.lr_cnn": 5e-4,
        "optim.lr_rnn": 5e-4,
        "optim.weight_decay": 1e-2,
        "optim.warmup_steps": 4000,
    },
    ("stage2", 1): {
        "train_transformer": True,
        "dropout": 0.5,
        "epochs": 250,
        "accumulation": 1,
        "batch.maestro": 7,
        "batch.strong": 5,
        "batch.synth": 5,
        "batch.weak": 9,
        "batch.unlabeled": 9,
        "loss.total_factor": 1,
        "loss.strong_divisor": 3,
        "loss.weak_divisor": 2,
        "loss.consistency_weak_divisor": 2,
        "loss.ict_divisor": 4,
        "loss.maestro": 2.0,
        "loss.strong": 1.0,
        "loss.synth": 1.0,
        "loss.weak": 1.0,
        "loss.self_supervised": 70.0,
        "loss.pseudo": 0.0,
        "loss.ramp_steps": 270,
        "loss.ramp_max": 1.0,
        "loss.ict": True,
        "augment.teacher_input": "unmixed",
        "augment.wavmix.p": 0.5,
        "augment.device_response.p": 0.5,
        "augment.mixup.p": 0.5,
        "augment.mixstyle.p": 0.5,
        "augment.time_mask.p": 1.0,
        "augment.time_mask.min_fraction": 0.05,
        "augment.time_mask.max_fraction": 0.3,
        "augment.warp.p": 0.5,
        "augment.warp.min_ratio": 0.6,
        "augment.warp.include_maestro": False,
        "augment.filter.p": 0.8,
        "augment.filter.bands": (((3, 5),) * 3),
        "augment.filter.db": (((-6.0, 6.0),) * 3),
        "augment.filter.min_bandwidth": 6,
        "augment.filter.views": 1,
        "augment.filter.streams": "both",
        "optim.optimizer": "adam",
        "optim.lr_cnn": 1e-4,
        "optim.lr_rnn": 1e-3,
        "optim.lr_transformer": 1e-4,
        "optim.layer_decay": 1.0,
        "optim.warmup_steps": 270,
        "validate_every": 10,
    },
    ("stage2", 2): {
        "accumulation": (8, 36, 8),
        "batch.maestro": (7, 3, 7),
        "batch.strong": (5, 2, 5),
        "batch.synth": (5, 2, 5),
        "batch.weak": (9, 3, 9),
        "batch.unlabeled": (9, 3, 9),
        "loss.maestro": 12.0,
        "loss.strong": 3.0,
        "loss.synth": 0.25,
        "loss.weak": 1.0,
        "loss.self_supervised": 60.0,
        "loss.pseudo": 0.0,
        "loss.ssl_no_class_mask": False,
        "loss.exclude_maestro_weak_ssl": (True, True, False),
        "augment.warp.p": (0.0, 0.5, 0.5),
        "augment.warp.include_maestro": (False, True, True),
        "augment.device_response.p": 0.5,
        "augment.filter.p": 0.8,
        "optim.optimizer": "adamw",
        "optim.lr_cnn": (5e-5, 5e-5, 1e-5),
        "optim.lr_rnn": (5e-4, 5e-4, 1e-4),
        "optim.lr_transformer": 1e-4,
        "optim.layer_decay": (1.0, 1.0, 0.5),
        "optim.weight_decay": 1e-3,
        "optim.warmup_steps": 270,
        "optim.clip_norm": None,
    },
}


@pytest.mark.parametrize(("stage", "iteration"), TABLE)
def test_resolved_values_are_the_published_ones(stage, iteration):
    experiment = load_experiment("paper")
    for option, published in TABLE[stage, iteration].items():
        values = published if isinstance(published, tuple) else (published,) * 3
        for arch, value in zip(ARCHS, values, strict=True):
            training = experiment.node(stage, arch, iteration).training
            assert reduce(getattr, option.split("."), training) == value, (option, arch)


def test_effective_batches_are_the_published_ones():
    experiment = load_experiment("paper")

    def effective(stage: str, arch: str) -> list[int]:
        training = experiment.node(stage, arch, 2).training
        return [size * training.accumulation for size in training.batch.model_dump().values()]

    assert effective("stage1", "atst") == [12, 10, 10, 20, 20]
    assert effective("stage1", "beats") == [12, 12, 12, 20, 20]
    assert effective("stage2", "passt") == effective("stage2", "atst") == [56, 40, 40, 72, 72]
    assert effective("stage2", "beats") == [108, 72, 72, 108, 108]


def test_models_are_the_published_ones():
    models = load_experiment("paper").models
    assert [models[arch].transformer.dim for arch in ARCHS] == [768] * 3
    assert [models[arch].transformer.depth for arch in ARCHS] == [12] * 3
    assert [models[arch].wrapper_dim for arch in ARCHS] == [527, None, 527]
    assert [models[arch].embed_pool for arch in ARCHS] == ["nearest-exact", "nearest-exact", "aap"]
    assert models["passt"].transformer.fmax_range == 2000
    assert models["atst"].transformer.top_db_scope == "batch"
    crnn = models["atst"].crnn
    assert crnn.channels == (16, 32, 64, 128, 128, 128, 128)
    assert (crnn.merge_dim, crnn.rnn_dim, crnn.rnn_layers, crnn.batchnorm_momentum) == (256, 256, 2, 0.99)


def test_transformers_start_from_the_published_weights():
    assert load_experiment("paper").weights == {
        "passt": "passt_as_strong",
        "beats": "beats_as",
        "atst": "atst_as_strong",
    }
