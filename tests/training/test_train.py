"""What a node is given besides its batches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import soundfile

from sedlab.config.loading import load_experiment
from sedlab.errors import SedlabError
from sedlab.training.node import TrainingInputs, device_responses, train_node


def node(stage: str):
    return load_experiment("nano").node(stage, "atst", 1)


def test_a_stage_that_records_with_devices_needs_their_responses(tmp_path):
    with pytest.raises(SedlabError, match="no such folder of device impulse responses"):
        device_responses(node("stage2"), tmp_path)
    assert device_responses(node("stage1"), tmp_path) is None


def test_responses_of_different_lengths_become_rows_of_one_tensor(tmp_path):
    (tmp_path / "device_responses").mkdir()
    for name, length in (("a", 100), ("b", 33)):
        soundfile.write(tmp_path / "device_responses" / f"{name}.wav", np.full(length, 0.5), 16_000)
    responses = device_responses(node("stage2"), tmp_path)
    assert responses.shape == (2, 101)
    assert [int(row.count_nonzero()) for row in responses] == [100, 33]


def without_maestro(corpus):
    return corpus.subset(*(name for name in corpus.subsets if not name.startswith("maestro")))


def test_a_training_without_pseudo_labels_says_what_to_set(tmp_path, nano):
    corpus, cache = nano
    configuration = load_experiment("nano").node("stage1", "atst", 2)
    with pytest.raises(SedlabError, match=r"the pseudo-label loss has weight .*set stage1\.loss\.pseudo to 0\.$"):
        train_node(TrainingInputs(configuration, corpus, cache, tmp_path))


def test_batches_do_without_groups_that_have_no_clips_and_a_line_says_so(tmp_path, nano, capsys):
    corpus, cache = nano
    configuration = load_experiment("nano", ["stage1.epochs=1"]).node("stage1", "atst", 1)
    result = train_node(TrainingInputs(configuration, without_maestro(corpus), cache, tmp_path))
    assert "iteration1_stage1_atst: no training clips of maestro in " in capsys.readouterr().err
    losses = read_history(result.history)
    assert (losses["loss/maestro"] == 0).all() and (losses["loss/synth"] > 0).all()
    fewer = load_experiment("nano", ["stage1.epochs=1", "stage1.batch.maestro=0"]).node("stage1", "atst", 1)
    trained = train_node(TrainingInputs(fewer, without_maestro(corpus), cache, tmp_path / "told"))
    pd.testing.assert_frame_equal(losses, read_history(trained.history))


@pytest.mark.parametrize("left", [(), ("unlabeled_train", "devtest"), ("audioset_train", "synth_val")])
def test_without_labelled_clips_there_is_nothing_to_learn_and_the_sets_are_named(tmp_path, nano, left):
    corpus, cache = nano
    with pytest.raises(SedlabError, match=r"no labelled training clips .*synth_train, strong_train"):
        train_node(TrainingInputs(node("stage1"), corpus.subset(*left), cache, tmp_path))


def read_history(path):
    return pd.read_csv(path).drop(columns=["seconds"], errors="ignore")
