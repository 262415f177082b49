from __future__ import annotations

import json
import re

import pytest
from golden_batch import GOLDEN

from sedlab.config.training import OptimConfig
from sedlab.training.schedules import lr_factor, ramp

OPTIM = json.loads((GOLDEN / "optim.json").read_text())


@pytest.mark.parametrize("name", OPTIM["schedules"])
def test_rates_agree_with_the_published_code(name):
    kind, warmup, total, rate, end = re.fullmatch(
        r"(\w+)_warm(\d+)_total(\d+)_lr([\d.]+)(?:_end([\de-]+))?", name
    ).groups()
    base = float(rate)
    for step, expected in OPTIM["schedules"][name].items():
        config = OptimConfig(warmup_steps=int(warmup), schedule=kind, final_factor=float(end or 0) / base)
        factor = lr_factor(int(step), config, int(total))
        if int(step) > int(total):  # the published cosine would rise again; ours stays at its end
            assert factor == pytest.approx(float(end or 0) / base)
            continue
        assert base * factor == pytest.approx(expected, rel=1e-6, abs=1e-18), step


def test_self_supervised_weights_agree_with_the_published_code():
    for name, weights in OPTIM["ssl_weight"].items():
        weight, steps, maximum = re.search(r"w=([\d.]+),warmup=(\d+),max=(\d+)", name).groups()
        for step, expected in weights.items():
            ours = float(weight) * ramp(int(step), num_steps=int(steps), maximum=float(maximum))
            assert ours == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("decay", ["cosine", "linear", "constant"])
@pytest.mark.parametrize(("warmup", "total"), [(0, 10), (10, 10), (20, 10), (3, 10)])
def test_factors_stay_between_0_and_1(decay, warmup, total):
    config = OptimConfig(warmup_steps=warmup, schedule=decay)
    factors = [lr_factor(step, config, total) for step in range(30)]
    assert all(0 <= factor <= 1 for factor in factors)
    if decay != "constant":
        assert factors[-1] == 0
