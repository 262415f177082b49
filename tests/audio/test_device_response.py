from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sedlab.audio.device_response import (
    DeviceDraws,
    align_responses,
    convolve_responses,
    draw_devices,
    record_with_devices,
)

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "training.npz")


def as_published(waveform: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Return the definition, sample by sample: pad, valid convolution, cut."""
    padded = np.pad(waveform, len(response) // 2)
    return np.convolve(padded, response, mode="valid")[: len(waveform)]


@pytest.mark.parametrize("name", ["even", "odd"])
def test_one_response_agrees_with_the_published_code(name):
    waveform, response = torch.from_numpy(GOLDEN["ir.in"])[None], torch.from_numpy(GOLDEN[f"ir.{name}"])
    assert_allclose(convolve_responses(waveform, response)[0], GOLDEN[f"ir.{name}.out"], atol=1e-5)


def test_responses_of_different_lengths_in_one_batch_agree_with_the_published_code():
    waveform = torch.from_numpy(GOLDEN["ir.in"])[None].repeat(2, 1)
    bank = align_responses([GOLDEN["ir.even"], GOLDEN["ir.odd"]])
    recorded = convolve_responses(waveform, bank)
    assert_allclose(recorded, np.stack([GOLDEN["ir.even.out"], GOLDEN["ir.odd.out"]]), atol=1e-5)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(1, 60), st.integers(0, 2**31))
def test_each_clip_is_convolved_with_its_own_response(lengths, num_samples, seed):
    random = np.random.default_rng(seed)
    responses = [random.standard_normal(length) for length in lengths]
    waveform = random.standard_normal((3, num_samples))
    which = random.integers(len(responses), size=3)
    draws = DeviceDraws(torch.arange(3), torch.from_numpy(which))
    recorded = record_with_devices(torch.from_numpy(waveform).float(), align_responses(responses), draws)
    expected = [as_published(clip, responses[k]) for clip, k in zip(waveform, which, strict=True)]
    assert recorded.shape == (3, num_samples)
    assert_allclose(recorded, np.stack(expected), atol=1e-4)


def test_clips_that_are_not_drawn_keep_every_bit():
    waveform = torch.randn(4, 50)
    draws = DeviceDraws(torch.tensor([2]), torch.tensor([0]))
    recorded = record_with_devices(waveform, align_responses([np.ones(3)]), draws)
    assert torch.equal(recorded[[0, 1, 3]], waveform[[0, 1, 3]])
    assert not torch.equal(recorded[2], waveform[2])
    nobody = DeviceDraws(torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64))
    assert record_with_devices(waveform, torch.ones(1, 3), nobody) is waveform


@pytest.mark.parametrize("length", [9, 10])
def test_a_unit_impulse_in_the_middle_leaves_the_sound_in_place(length):
    waveform, impulse = torch.randn(2, 50), torch.zeros(length)
    impulse[(length - 1) // 2] = 1
    assert_allclose(convolve_responses(waveform, impulse), waveform, atol=1e-6)


def test_levels_are_left_as_they_are():
    waveform = torch.randn(1, 200)
    assert_allclose(convolve_responses(waveform, torch.tensor([3.0])), 3 * waveform, atol=1e-5)


@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 5), st.floats(0, 1))
def test_draws_are_in_range_and_the_generators_alone(seed, num_clips, num_responses, p):
    draws, again = (draw_devices(num_clips, num_responses, p, torch.Generator().manual_seed(seed)) for _ in range(2))
    assert len(draws.rows) == len(draws.response) <= num_clips
    assert sorted(set(draws.rows.tolist())) == draws.rows.tolist()
    assert set(draws.rows.tolist()) <= set(range(num_clips))
    assert set(draws.response.tolist()) <= set(range(num_responses))
    assert torch.equal(draws.rows, again.rows) and torch.equal(draws.response, again.response)
    assert p < 1 or len(draws.rows) == num_clips
    assert p > 0 or len(draws.rows) == 0


def test_every_response_is_drawn_as_often():
    draws = draw_devices(6000, 3, 0.5, torch.Generator().manual_seed(0))
    assert 2850 < len(draws.rows) < 3150
    assert_allclose(torch.bincount(draws.response) / len(draws.rows), 1 / 3, atol=0.03)
