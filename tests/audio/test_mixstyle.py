from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.testing import assert_allclose

from sedlab.audio.mixstyle import mixstyle
from sedlab.audio.mixup import Mixing, draw_mixing

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "training.npz")


def test_agrees_with_the_published_code():
    share = torch.from_numpy(GOLDEN["style.lambda"]).reshape(-1)
    draws = Mixing(torch.from_numpy(GOLDEN["style.perm"]), torch.maximum(share, 1 - share))
    assert_allclose(mixstyle(torch.from_numpy(GOLDEN["style.in"]), draws), GOLDEN["style.out"], atol=2e-6)


def test_a_share_of_1_is_the_identity():
    features = torch.randn(3, 1, 5, 20)
    draws = Mixing(torch.tensor([1, 2, 0]), torch.ones(3))
    assert_allclose(mixstyle(features, draws), features, atol=1e-6)


def test_statistics_become_the_mixture_of_both_clips():
    features = torch.randn(2, 1, 4, 50, dtype=torch.float64) * 3 + 1
    styled = mixstyle(features, Mixing(torch.tensor([1, 0]), torch.tensor([0.7, 0.7])))
    share = float(torch.tensor(0.7))
    mean, std = features.mean(-1), features.std(-1)
    assert_allclose(styled.mean(-1), share * mean + (1 - share) * mean.flip(0), atol=1e-6)
    assert_allclose(styled.std(-1), share * std + (1 - share) * std.flip(0), atol=1e-6)


def test_silent_bands_stay_finite():
    features = torch.zeros(2, 1, 3, 10)
    styled = mixstyle(features, Mixing(torch.tensor([1, 0]), torch.tensor([0.5, 0.5])))
    assert torch.equal(styled, features)


def test_partners_come_from_the_same_block():
    draws = draw_mixing([slice(0, 3), slice(3, 8)], 8, 0.3, torch.Generator().manual_seed(1))
    assert set(draws.partner[:3].tolist()) == {0, 1, 2}
    assert (draws.coefficient >= 0.5).all()
