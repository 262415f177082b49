"""`sedlab.load_detector`: a file in, somebody to ask out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import sedlab
from sedlab.checkpoints.own import save_detector
from sedlab.inference.predictor import Predictor


@pytest.mark.parametrize("arch", ["passt", "atst"])
def test_a_file_becomes_a_predictor_with_its_network(tmp_path, make_detector, noise, arch):
    detector = make_detector(arch)
    save_detector(tmp_path / "a.pt", detector)
    loaded = sedlab.load_detector(tmp_path / "a.pt", embed_pool="linear")
    assert loaded.network.config.embed_pool == "linear"
    assert not loaded.network.training
    loaded = sedlab.load_detector(tmp_path / "a.pt").to("cpu")
    assert loaded.device == torch.device("cpu")
    assert loaded.classes == detector.classes
    waveform = noise(2, 3)
    assert np.array_equal(loaded.predict(waveform).probabilities, Predictor(detector).predict(waveform).probabilities)
