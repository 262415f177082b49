from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from sedlab.audio.mixup import Mixing, mix
from sedlab.audio.waveform_augment import apply_gain, convolve_impulse_response, draw_gains_db, mix_waveforms

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "training.npz")


def test_gain_agrees_with_the_published_code():
    gains_db = torch.from_numpy(GOLDEN["gain.raw_draw_0_13"]).float() - 7
    assert_allclose(apply_gain(torch.from_numpy(GOLDEN["gain.in"]), gains_db), GOLDEN["gain.out"], rtol=1e-6)


def test_gains_are_whole_db_in_range():
    gains = draw_gains_db(2000, 7, torch.Generator().manual_seed(0))
    assert sorted(set(gains.tolist())) == list(range(-7, 7))
    assert draw_gains_db(3, 0, torch.Generator()).tolist() == [0, 0, 0]


def test_wavmix_agrees_with_the_published_code():
    waveform = torch.from_numpy(np.stack([GOLDEN["wavmix.a1"], GOLDEN["wavmix.a2"]]))
    share = max(float(GOLDEN["wavmix.beta_draw"]), 1 - float(GOLDEN["wavmix.beta_draw"]))
    mixing = Mixing(torch.tensor([1, 0]), torch.tensor([share, share]))
    assert_allclose(mix_waveforms(waveform, mixing)[0], GOLDEN["wavmix.audio"], atol=2e-7)
    for ours, theirs in [("y", "labels"), ("p", "pseudo")]:
        pair = torch.from_numpy(np.stack([GOLDEN[f"wavmix.{ours}1"], GOLDEN[f"wavmix.{ours}2"]]))
        assert_allclose(mix(pair, mixing)[0], GOLDEN[f"wavmix.{theirs}"], atol=2e-7)


def test_a_clip_without_partner_keeps_its_waveform():
    waveform = torch.rand(2, 100)
    mixing = Mixing(torch.tensor([0, 1]), torch.tensor([0.6, 0.9]))
    assert torch.equal(mix_waveforms(waveform, mixing), waveform)


@pytest.mark.parametrize("name", ["even", "odd"])
def test_impulse_responses_agree_with_the_published_code(name):
    recorded = convolve_impulse_response(
        torch.from_numpy(GOLDEN["ir.in"])[None], torch.from_numpy(GOLDEN[f"ir.{name}"])
    )
    assert_allclose(recorded[0], GOLDEN[f"ir.{name}.out"], atol=1e-5)


def test_a_unit_impulse_in_the_middle_leaves_the_sound_in_place():
    waveform = torch.randn(2, 50)
    impulse = torch.zeros(9)
    impulse[4] = 1
    assert_allclose(convolve_impulse_response(waveform, impulse), waveform, atol=1e-6)
