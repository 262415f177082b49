from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sedlab.audio.filter_augment import FilterDraws, band_edges, draw_filters, filter_augment, filter_gains_db
from sedlab.config.augmentation import FilterBands

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "training.npz")


@pytest.mark.parametrize("num_bands", [3, 5])
def test_agrees_with_the_published_code(num_bands):
    features = torch.from_numpy(GOLDEN["filt.in"])
    edges = band_edges(torch.from_numpy(GOLDEN[f"filt{num_bands}.raw_boundaries"]), features.shape[-2], 6)
    gains_db = 12 * torch.from_numpy(GOLDEN[f"filt{num_bands}.raw_factors"]) - 6
    filtered = filter_augment(features, FilterDraws(edges, gains_db))
    assert_allclose(filtered, GOLDEN[f"filt{num_bands}.out"], rtol=1e-6, atol=1e-7)


def test_0_db_is_the_identity():
    features = torch.randn(4, 1, 32, 7)
    assert torch.equal(filter_augment(features, FilterDraws((0, 10, 32), torch.zeros(4, 3))), features)


@given(st.integers(0, 2**31), st.integers(1, 128))
def test_draws_cover_every_bin_with_bands_of_the_least_width(seed, num_bins):
    draws = draw_filters(2, num_bins, FilterBands(), torch.Generator().manual_seed(seed))
    widths = np.diff(draws.edges)
    assert draws.edges[0] == 0
    assert draws.edges[-1] == num_bins
    assert 3 <= len(widths) <= 5
    assert (widths >= min(6, num_bins // len(widths))).all()
    gains = filter_gains_db(draws)
    assert gains.shape == (2, num_bins)
    assert gains.abs().max() <= 6


def test_gain_runs_from_edge_to_edge():
    gains = filter_gains_db(FilterDraws((0, 3, 5), torch.tensor([[-6.0, 0.0, 4.0]])))
    assert gains.tolist() == [[-6.0, -3.0, 0.0, 0.0, 4.0]]


def test_clips_get_their_own_gains():
    draws = draw_filters(8, 64, FilterBands(), torch.Generator().manual_seed(0))
    gains = filter_gains_db(draws)
    assert len(torch.unique(gains[:, 0])) == 8
