"""Ways of layers are tried in a process of their own, once; one that fails leaves the plain ones."""

from __future__ import annotations

import json
import tempfile

import pytest

from sedlab.config.loading import load_experiment
from sedlab.config.trainer import TrainerConfig
from sedlab.errors import warn_once
from sedlab.models.kernels.choice import WAYS
from sedlab.system.home import writable_home
from sedlab.training.device import layers
from sedlab.training.device.hardware import choose


@pytest.fixture
def asked(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    warn_once.cache_clear()
    return load_experiment("nano").node("stage2", "atst", 1), choose(TrainerConfig(accelerator="cpu"))


@pytest.mark.slow
def test_layers_are_tried_once_and_remembered(asked, tmp_path, monkeypatch):
    ways = layers.fastest_layers(*asked)
    assert ways and all(way in WAYS[layer] for layer, way in ways.items())
    (kept,) = tmp_path.rglob("*.json")
    assert json.loads(kept.read_text()) == ways
    monkeypatch.setattr(layers.sys, "executable", "/bin/false")
    assert layers.fastest_layers(*asked) == ways


@pytest.mark.parametrize("program", ["/bin/false", "/nothing/there"])
def test_a_process_that_fails_leaves_the_plain_ways(asked, program, monkeypatch, capsys):
    monkeypatch.setattr(layers.sys, "executable", program)
    assert layers.fastest_layers(*asked) == {}
    told = capsys.readouterr().err
    assert told.startswith("warning: layers are computed in their plain ways") and told.count("\n") == 1


def test_without_a_home_they_are_remembered_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    for variable in ("XDG_CACHE_HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(variable, "/proc/nothing")
    writable_home.cache_clear()
    assert layers._cache_folder().is_relative_to(tmp_path)
    writable_home.cache_clear()
