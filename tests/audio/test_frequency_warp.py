from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sedlab.audio.draws import Span
from sedlab.audio.frequency_warp import draw_band, warp_frequency

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "training.npz")


@pytest.mark.parametrize("case", [0, 1, 2])
def test_agrees_with_the_published_code(case):
    _, start, height = GOLDEN[f"warp{case}.ratio_offset_height"]
    features = torch.from_numpy(GOLDEN["warp.in"])[:, None]
    warped = warp_frequency(features, Span(int(start), int(height)))
    assert_allclose(warped[:, 0], GOLDEN[f"warp{case}.out"], atol=2e-6)


@given(st.integers(0, 2**31), st.sampled_from([1, 2, 64, 128]), st.floats(0.1, 1))
def test_bands_lie_on_the_mel_axis(seed, num_bins, min_ratio):
    band = draw_band(num_bins, torch.Generator().manual_seed(seed), min_ratio=min_ratio)
    assert band.length >= max(1, int(min_ratio * num_bins) - 1)
    assert band.start >= 0
    assert band.start + band.length <= num_bins


def test_the_whole_axis_is_the_identity_and_frames_do_not_mix():
    features = torch.randn(2, 1, 16, 9)
    assert torch.equal(warp_frequency(features, Span(0, 16)), features)
    alone = warp_frequency(features[..., 4:5], Span(3, 10))
    assert_allclose(warp_frequency(features, Span(3, 10))[..., 4:5], alone, atol=1e-6)
