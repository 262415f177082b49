"""Ways are tried against the plain one: wrong, failing and slow ones are found out."""

from __future__ import annotations

import runpy
import sys
import time
from pathlib import Path

import pytest
import torch

from sedlab.config.loading import load_experiment
from sedlab.models.kernels import grouped_convolution
from sedlab.models.kernels.choice import WAYS, ways
from sedlab.models.trials import TrialOutcome, fastest, try_ways

CPU = torch.device("cpu")


def verdicts(tiny, dtype, tried, **options):
    found = try_ways(tiny("beats"), clips=1, device=CPU, dtype=dtype, ways=tried, repeats=1, **options)
    return {(verdict.layer, verdict.way): verdict for verdict in found}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_way_that_runs_here_is_right(tiny, dtype):
    elsewhere = ("compile", "flex", "triton", "triton_shares")  # on a card; Triton's interpreter has tests of its own
    tried = {layer: [way for way in known[1:] if way not in elsewhere] for layer, known in WAYS.items()}
    found = verdicts(tiny, dtype, tried)
    for key, verdict in found.items():
        assert verdict.is_right, (key, verdict)
    assert {layer for layer, _ in found} == set(WAYS)
    assert set(ways("cpu").values()) == {"plain"}


def test_a_wrong_way_and_one_that_fails_are_not_taken(tiny, monkeypatch):
    right = grouped_convolution._banded
    monkeypatch.setattr(grouped_convolution, "_banded", lambda *arguments: 1.02 * right(*arguments))
    tried = {"position_convolution": ("blocks", "fft"), "gated_attention": ("flex",)}
    found = verdicts(tiny, torch.float32, tried)
    assert not found["position_convolution", "blocks"].is_right
    assert found["position_convolution", "blocks"].error == pytest.approx(0.02, rel=0.05)
    assert "NotImplementedError" in found["gated_attention", "flex"].remark
    assert fastest(found.values())["gated_attention"] == "plain"
    assert fastest(found.values())["position_convolution"] in ("plain", "fft")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_every_automatic_way_is_right_on_the_card_and_can_be_captured(dtype):
    config = load_experiment("paper", ["archs=[beats]"]).node("stage2", "beats", 1).detector
    for verdict in try_ways(config, clips=5, device=torch.device("cuda"), dtype=dtype, repeats=1):
        assert verdict.is_right, verdict
        assert verdict.graph_seconds is not None, verdict


def test_no_way_is_begun_after_the_deadline(tiny):
    found = verdicts(tiny, torch.float32, {"gru": ("directions",)}, deadline=time.monotonic() - 1)
    assert {verdict.remark for verdict in found.values()} == {"not tried: no time left"}
    assert fastest(found.values()) == {"gru": "plain"}


def test_the_fastest_right_way_wins_by_its_graph():
    times = [("plain", 3.0, 1.0), ("triton", 4.0, 0.5), ("directions", 0.1, None)]
    found = [TrialOutcome("gru", way, 0.0, 1.0, eager, graph) for way, eager, graph in times[:2]]
    found.append(TrialOutcome("gru", "directions", 0.5, 0.1, 0.1, 0.1))  # wrong
    assert fastest(found) == {"gru": "triton"}


def test_the_benchmark_prints_a_row_for_every_way(monkeypatch, capsys):
    script = Path(__file__).parents[2] / "benchmarks" / "layers.py"
    options = ["--device", "cpu", "--precision", "32-true", "--small", "--clips", "1", "--repeats", "1"]
    monkeypatch.setattr(sys, "argv", [str(script), *options])
    runpy.run_path(str(script), run_name="__main__")
    table = capsys.readouterr().out.split("predicted", 1)[1]
    for layer, known in WAYS.items():
        for way in set(known) - {"compile", "flex"}:
            assert f"{layer:20} {way:20}" in table
    assert "WRONG" not in table
