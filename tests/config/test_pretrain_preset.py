"""The pre-training of the `paper` preset is the published one: its values against a table transcribed from the sources.

Source: PretrainedSED, arXiv 2409.09546, and its public code (teachers).
"""

from functools import reduce

import pytest

from sedlab.config.loading import load_experiment
from sedlab.errors import SedlabError

TEACHERS = {
    "label_space": "train447",
    "sampler": "balanced",
    "samples_per_epoch": 100_000,
    "epochs": 30,
    "batch_size": 256,
    "accumulation": 1,
    "rnn_dim": 2048,
    "augment.wavmix.p": 1.0,
    "augment.wavmix.alpha": 2.0,
    "augment.gain.max_db": 0,
    "augment.frame_shift.p": 1.0,
    "augment.frame_shift.std_fraction": 0.125,
    "augment.mixup.p": 0.3,
    "augment.mixup.alpha": 0.2,
    "augment.mixstyle.p": 0.3,
    "augment.mixstyle.alpha": 0.4,
    "augment.time_mask.p": 0.0,
    "augment.filter.p": 0.8,
    "augment.warp.p": 0.8,
    "distillation.weight": 0.0,
    "optim.optimizer": "adam",
    "optim.lr_rnn": 7e-5,
    "optim.lr_transformer": 7e-5,
    "optim.layer_decay": 1.0,
    "optim.warmup_steps": 20_000,
    "optim.schedule": "cosine",
    "optim.clip_norm": None,
    "trainer.precision": "16-mixed",
}
STUDENTS = {
    "sampler": "uniform",
    "epochs": 120,
    "rnn_dim": None,
    "augment.wavmix.p": 0.5,
    "augment.mixstyle.p": 0.0,
    "augment.filter.p": 0.0,
    "augment.warp.p": 0.0,
    "distillation.weight": 0.9,
    "distillation.logits": "audioset-strong-ensemble",
    "optim.lr_rnn": 1e-4,
    "optim.lr_transformer": 1e-4,
}


def pretraining(*options: str):
    return load_experiment("paper", ["pretrain.archs=[passt,beats,atst]", *options]).nodes()[:3]


def test_resolved_values_are_the_published_ones():
    for node in pretraining():
        for option, value in TEACHERS.items():
            assert reduce(getattr, option.split("."), node.training) == value, option


def test_students_differ_by_options_alone():
    options = [f"pretrain.{option}={'null' if value is None else value}" for option, value in STUDENTS.items()]
    for node in pretraining(*options):
        for option, value in (TEACHERS | STUDENTS).items():
            assert reduce(getattr, option.split("."), node.training) == value, option


def test_transformers_start_from_weights_trained_on_clip_labels():
    assert [node.weights for node in pretraining()] == ["fpasst_weak", "BEATs_weak", "ATST-F_weak"]


def test_it_is_off_because_its_results_are_published():
    experiment = load_experiment("paper")
    assert [node.stage for node in experiment.nodes()] == ["stage1"] * 3 + ["stage2"] * 3 + ["stage1"] * 3 + [
        "stage2"
    ] * 3
    for node in experiment.nodes():
        published = {"passt": "passt_as_strong", "beats": "beats_as", "atst": "atst_as_strong"}[node.arch]
        assert node.weights == (published if node.stage == "stage1" else None)
        assert not node.pretrained


def test_what_contradicts_itself_is_refused():
    with pytest.raises(SedlabError, match="needs logits"):
        load_experiment("mini", ["pretrain.distillation.weight=0.9"])
    with pytest.raises(SedlabError, match="lr_transformer must be set"):
        load_experiment("mini", ["pretrain.optim.lr_transformer=null"])
