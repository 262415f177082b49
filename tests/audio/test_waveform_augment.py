from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sedlab.audio.waveform_augment import apply_gain, draw_gains_db, mix_waveforms

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "training.npz")


def golden_share() -> float:
    draw = float(GOLDEN["wavmix.beta_draw"])
    return max(draw, 1 - draw)


def test_gain_agrees_with_the_published_code():
    gains_db = torch.from_numpy(GOLDEN["gain.raw_draw_0_13"]).float() - 7
    assert_allclose(apply_gain(torch.from_numpy(GOLDEN["gain.in"]), gains_db), GOLDEN["gain.out"], rtol=1e-6)


@given(st.integers(0, 2**31), st.integers(0, 12))
def test_gains_are_whole_db_in_range(seed, max_db):
    gains = draw_gains_db(200, max_db, torch.Generator().manual_seed(seed))
    again = draw_gains_db(200, max_db, torch.Generator().manual_seed(seed))
    assert torch.equal(gains, again)
    assert torch.equal(gains, gains.round())
    assert -max_db <= gains.min() and gains.max() <= max(max_db - 1, 0)


def test_every_whole_db_occurs():
    gains = draw_gains_db(2000, 7, torch.Generator().manual_seed(0))
    assert sorted(set(gains.tolist())) == list(range(-7, 7))


def test_0_db_is_the_identity():
    waveform = torch.randn(3, 20)
    assert torch.equal(apply_gain(waveform, draw_gains_db(3, 0, torch.Generator())), waveform)


def test_wavmix_agrees_with_the_published_code():
    own, partner = (torch.from_numpy(GOLDEN[f"wavmix.a{i}"])[None] for i in (1, 2))
    mixed = mix_waveforms(own, partner, torch.tensor([golden_share()]))
    assert_allclose(mixed[0], GOLDEN["wavmix.audio"], atol=2e-7)


@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 50))
def test_wavmix_is_the_weighted_sum_of_sounds_without_mean(seed, num_clips, num_samples):
    generator = torch.Generator().manual_seed(seed)
    own, partner = (torch.randn(num_clips, num_samples, generator=generator) + 0.3 for _ in range(2))
    share = 0.5 + 0.5 * torch.rand(num_clips, generator=generator)
    mixed = mix_waveforms(own, partner, share)
    assert mixed.shape == own.shape
    assert_allclose(mixed.mean(-1), np.zeros(num_clips), atol=1e-6)
    for clip in range(num_clips):
        parts = [x[clip] - x[clip].mean() for x in (own, partner)]
        assert_allclose(mixed[clip], share[clip] * parts[0] + (1 - share[clip]) * parts[1], atol=1e-5)


def test_a_share_of_1_leaves_the_clip_but_for_its_mean():
    own = torch.randn(2, 100) + 0.2
    mixed = mix_waveforms(own, torch.randn(2, 100), torch.ones(2))
    assert_allclose(mixed, own - own.mean(-1, keepdim=True), atol=1e-6)
