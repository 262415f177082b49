from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from sedlab.audio.frame_shift import draw_shifts, roll_frames, scale_shifts

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "training.npz")


def test_agrees_with_the_published_code():
    shifts = torch.from_numpy(GOLDEN["shift.draws"]).long()
    for name, ratio in [("mels", 1), ("labels", 1 / 4), ("emb", 25 / 40), ("pseudo", 1 / 4)]:
        rolled = roll_frames(torch.from_numpy(GOLDEN[f"shift.{name}"]), scale_shifts(shifts, ratio))
        assert torch.equal(rolled, torch.from_numpy(GOLDEN[f"shift.out_{name}"])), name


@given(st.lists(st.integers(-30, 30), min_size=1, max_size=5))
def test_each_clip_rolls_like_torch_roll(shifts):
    values = torch.randn(len(shifts), 2, 3, 11)
    rolled = roll_frames(values, torch.tensor(shifts))
    for clip, shift in enumerate(shifts):
        assert torch.equal(rolled[clip], values[clip].roll(shift, dims=-1))


def test_shifts_have_the_drawn_deviation():
    shifts = draw_shifts(5000, 626, 0.075, torch.Generator().manual_seed(0))
    assert abs(shifts.float().std() - 46) < 2
