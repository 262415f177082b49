"""Ways of layers are tried in processes of their own, once; one that fails costs itself alone."""

from __future__ import annotations

import json
import sys
import tempfile

import pytest

from sedlab.config.loading import load_experiment
from sedlab.config.trainer import TrainerConfig
from sedlab.errors import warn_once
from sedlab.models.trials import TrialOutcome, fastest
from sedlab.system.home import writable_home
from sedlab.training.device import layers, trying
from sedlab.training.device.hardware import choose
from sedlab.training.device.trying import Question, verdicts


@pytest.fixture
def asked(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    warn_once.cache_clear()
    return load_experiment("nano").node("stage2", "atst", 1), choose(TrainerConfig(accelerator="cpu"))


#: Stands for Python: one way of a layer ends its process, another never comes to an end.
BAD_KERNELS = """#!{python}
import os, runpy, sys, time
from sedlab.models.kernels import gru_directions, pool_matrix
gru_directions.bidirectional_gru = lambda *_: os.abort()
pool_matrix.resample = lambda *_: time.sleep(600)
_, module, *sys.argv[1:] = sys.argv[1:]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


@pytest.mark.slow
def test_a_way_that_crashes_or_hangs_costs_itself_alone_and_the_others_are_remembered(asked, tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.write_text(BAD_KERNELS.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setattr(trying.sys, "executable", str(program))
    ways = {"gru": ("directions",), "cnn_block": ("channels_last",), "pool_time": ("matrix",)}
    ways["weights"] = ("kept_casts",)
    question = Question(asked[0].detector, 1, "32-true", device="cpu", ways=ways, repeats=1)
    found = {(verdict.layer, verdict.way): verdict for verdict in verdicts(question, seconds=100, way_seconds=15)}
    assert found.keys() == {(layer, way) for layer, tried in ways.items() for way in ("plain", *tried)}
    assert "signal 6" in found["gru", "directions"].remark and not found["gru", "directions"].is_right
    assert found["pool_time", "matrix"].remark == "not finished after 15 s"
    for layer, way in (("gru", "plain"), ("cnn_block", "channels_last"), ("weights", "kept_casts")):
        assert found[layer, way].is_right, "what comes before and behind them is tried"
    assert fastest(found.values())["gru"] == "plain"


def test_layers_that_were_tried_are_remembered(asked, tmp_path, monkeypatch):
    told = [TrialOutcome("gru", "plain", 0.0, 1.0, 2.0), TrialOutcome("gru", "directions", 0.0, 1.0, 1.0)]
    monkeypatch.setattr(layers, "verdicts", lambda *_, **__: iter(told))
    ways = layers.fastest_layers(*asked)
    assert ways == {"gru": "directions"}
    (kept,) = tmp_path.rglob("*.json")
    assert json.loads(kept.read_text()) == ways
    monkeypatch.setattr(layers, "verdicts", None)
    assert layers.fastest_layers(*asked) == ways


@pytest.mark.parametrize("program", ["/bin/false", "/nothing/there"])
def test_a_process_that_fails_leaves_the_plain_ways(asked, program, monkeypatch, capsys):
    monkeypatch.setattr(trying.sys, "executable", program)
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
