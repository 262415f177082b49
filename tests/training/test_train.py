"""What a node is given besides its batches."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from sedlab.config.loading import load_experiment
from sedlab.errors import SedlabError
from sedlab.training.node import device_responses


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
