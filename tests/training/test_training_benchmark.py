"""The benchmark of training ends by itself, with a table; so does the self-test of doctor."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sedlab.config.trainer import TrainerConfig
from sedlab.training.device.hardware import choose
from sedlab.training.device.self_test import self_test

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "training.py"


@pytest.mark.slow
def test_every_variant_gets_a_line_and_the_table_comes_last(tmp_path):
    options = ["--preset", "nano", "--archs", "atst", "--seconds", "250", "--step-seconds", "0.05"]
    # The most that can go wrong with one measurement; the others are made all the same.
    settings = ["--set", "stage2.accumulation=3", "--set", "pretrain.rnn_dim=100000000"]
    result = tmp_path / "training.json"
    command = [sys.executable, str(BENCHMARK), *options, *settings, "--json", str(result)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=580, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = json.loads(result.read_text())["rows"]
    made = {(row["kind"], row["node"], row["variant"]): row for row in rows}
    assert {
        ("train", "iteration2_stage2_atst", "plain"),
        ("train", "iteration2_stage2_atst", "together 4"),
        ("train", "iteration2_stage1_atst", "plain"),
        ("score", "iteration2_stage2_atst", "plain"),
    } <= made.keys()
    for (kind, node, _), row in made.items():
        if "pretrain" in node:
            assert row["problem"]
        elif kind == "train":
            assert row["clips_per_second"] > 0 and 0 < row["matrix_share"] < 1 and 0 <= row["waiting"] < 1
            assert row["starts"] > 100
            assert row["is_right"] and row["loss_distance"] < 1e-5 and row["gradient_distance"] < 1e-5
    *_, table = done.stdout.partition("\n\n")
    assert all(line.split()[0] in table for line in done.stdout.splitlines() if line.startswith("iteration2"))


def test_the_self_test_measures_what_a_training_would_use():
    trainer = TrainerConfig(accelerator="cpu")
    found = self_test(0.05, trainer=trainer)
    assert found.hardware == choose(trainer)
    assert found.matrix_tflops > 0 and found.clips_per_second > 0 and found.problem is None


def test_what_is_auto_depends_on_the_device():
    cpu, cuda = (choose(TrainerConfig(accelerator=kind)) for kind in ("cpu", "cuda"))
    assert (cpu.precision, cpu.graphs, cpu.compile) == ("32-true", False, False)
    assert (cuda.precision, cuda.graphs, cuda.compile) == ("16-mixed", True, False)
    several = choose(TrainerConfig(accelerator="cuda", devices=2, precision="bf16-mixed", compile=True))
    assert (several.precision, several.graphs, several.compile) == ("bf16-mixed", False, True)
    assert not choose(TrainerConfig(accelerator="cuda", graphs=False)).graphs
    assert "CUDA graphs" in str(cuda) and "CUDA" not in str(cpu)
