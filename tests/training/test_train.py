"""What a node is given besides its batches."""

from __future__ import annotations

import re

import numpy as np
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


def test_what_a_training_lacks_can_be_done_without_as_the_message_says(tmp_path, nano):
    corpus, cache = nano
    trained = corpus.subset(*(name for name in corpus.subsets if not name.startswith("maestro")))
    settings = ["stage1.epochs=1"]
    for lacks in ("no training clips of the group 'maestro'", "the pseudo-label loss has weight"):
        configuration = load_experiment("nano", settings).node("stage1", "atst", 2)
        with pytest.raises(SedlabError, match=lacks) as caught:
            train_node(TrainingInputs(configuration, trained, cache, tmp_path))
        (advised,) = re.findall(r"set (stage1[\w.]+) to 0\.$", str(caught.value))
        settings.append(f"{advised}=0")
    configuration = load_experiment("nano", settings).node("stage1", "atst", 2)
    assert train_node(TrainingInputs(configuration, trained, cache, tmp_path)).best.is_file()
