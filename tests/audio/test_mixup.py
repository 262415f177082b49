from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sedlab.audio.draws import beta, permutation_within
from sedlab.audio.mixup import Mixing, draw_mixing, mix, mix_targets, widen_mask

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "training.npz")


def golden(name: str) -> torch.Tensor:
    return torch.from_numpy(GOLDEN[name])


@pytest.mark.parametrize("max_coefficient", [0, 1])
def test_agrees_with_the_published_code(max_coefficient):
    coefficient = GOLDEN["mixup.coef"]
    if max_coefficient:
        coefficient = np.maximum(coefficient, 1 - coefficient)
    mixing = Mixing(golden("mixup.perm"), torch.from_numpy(coefficient).float())
    expected = f"mixup[soft,max={max_coefficient}]."
    assert_allclose(mix(golden("mixup.data"), mixing), GOLDEN[expected + "data"], atol=5e-7)
    assert_allclose(mix(golden("mixup.emb"), mixing), GOLDEN[expected + "emb"], atol=5e-7)
    assert_allclose(mix(golden("mixup.pseudo_strong"), mixing), GOLDEN[expected + "pseudo_strong"], atol=2e-7)
    targets = mix_targets(golden("mixup.targets"), mixing)
    assert_allclose(targets, GOLDEN[expected + "targets"], atol=2e-7)
    mask = widen_mask(golden("mixup.mask"), golden("mixup.targets"), mixing)
    assert torch.equal(mask, golden(expected + "mask"))


def test_clip_level_targets_agree_with_the_published_code():
    coefficient = np.maximum(GOLDEN["mixup.coef"], 1 - GOLDEN["mixup.coef"])
    mixing = Mixing(golden("mixup.perm"), torch.from_numpy(coefficient).float())
    assert_allclose(mix_targets(golden("mixup.targets_weak"), mixing), GOLDEN["mixup_weak.targets"], atol=2e-7)


def test_coefficient_1_leaves_everything_but_the_mask_as_it_is():
    mixing = Mixing(torch.tensor([1, 2, 0]), torch.ones(3))
    values = torch.rand(3, 4, 5)
    assert torch.equal(mix(values, mixing), values)
    assert torch.equal(mix_targets(values, mixing), values)


def test_mask_widens_by_the_partners_active_classes_only():
    mask = torch.tensor([[True, True, False, False], [False, False, True, True]])
    strong = torch.zeros(2, 4, 3)
    strong[1, 2, 1] = 0.2  # class 2 is active in clip 1, class 3 is valid there but absent
    mixing = Mixing(torch.tensor([1, 0]), torch.tensor([1.0, 1.0]))
    widened = widen_mask(mask, strong, mixing)
    assert widened.tolist() == [[True, True, True, False], [False, False, True, True]]


@given(st.integers(0, 2**31), st.integers(0, 5), st.integers(0, 5), st.booleans())
def test_clips_stay_inside_their_block(seed, first, second, max_coefficient):
    generator = torch.Generator().manual_seed(seed)
    blocks = [slice(1, 1 + first), slice(1 + first, 1 + first + second)]
    num_clips = 2 + first + second  # a clip before and one after all blocks
    mixing = draw_mixing(blocks, num_clips, 0.2, generator, max_coefficient=max_coefficient)
    assert sorted(mixing.partner.tolist()) == list(range(num_clips))
    for block in [slice(0, 1), *blocks, slice(num_clips - 1, num_clips)]:
        inside = set(range(num_clips)[block])
        assert set(mixing.partner[block].tolist()) == inside
    assert (mixing.coefficient >= (0.5 if max_coefficient else 0)).all()
    assert (mixing.coefficient <= 1).all()


def test_draws_depend_on_the_generator_alone():
    def draw(seed: int) -> Mixing:
        return draw_mixing([slice(0, 20)], 20, 0.2, torch.Generator().manual_seed(seed))

    torch.manual_seed(1)
    first = draw(7)
    torch.manual_seed(2)
    again = draw(7)
    assert torch.equal(first.partner, again.partner)
    assert torch.equal(first.coefficient, again.coefficient)
    assert not torch.equal(first.coefficient, draw(8).coefficient)


def test_beta_draws_have_the_moments_of_the_distribution():
    draws = beta(0.2, 20_000, torch.Generator().manual_seed(0), larger_share=False)
    assert draws.mean() == pytest.approx(0.5, abs=0.01)
    assert draws.var() == pytest.approx(0.25 / 1.4, abs=0.005)  # a b / ((a + b)^2 (a + b + 1))


def test_every_partner_is_equally_likely():
    generator = torch.Generator().manual_seed(0)
    partners = torch.stack([permutation_within([slice(0, 4)], 4, generator) for _ in range(2000)])
    shares = torch.nn.functional.one_hot(partners).float().mean(dim=0)
    assert_allclose(shares, 0.25, atol=0.05)
