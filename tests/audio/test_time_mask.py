from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from sedlab.audio.draws import Span
from sedlab.audio.time_mask import draw_time_span, mask_time

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "training.npz")


def test_agrees_with_the_published_code():
    width, start = GOLDEN["tmask.width_low"].tolist()
    span, everyone = Span(start, width), slice(0, 4)
    for ours, theirs, ratio in [("mels", "mels", 4), ("labels", "labels", 1), ("emb", "emb", 2.5)]:
        masked = mask_time(torch.from_numpy(GOLDEN[f"shift.{ours}"]), span, everyone, frames_per_label=ratio)
        assert torch.equal(masked, torch.from_numpy(GOLDEN[f"tmask.out_{theirs}"]))


@given(st.integers(0, 2**31))
def test_published_widths_and_positions(seed):
    span = draw_time_span(156, torch.Generator().manual_seed(seed))
    assert 7 <= span.length <= 45
    assert 0 <= span.start < 156 - span.length


def test_only_the_given_clips_change():
    values = torch.ones(4, 2, 10)
    masked = mask_time(values, Span(2, 3), slice(1, 3))
    assert torch.equal(masked[0], values[0])
    assert torch.equal(masked[3], values[3])
    assert masked[1:3].sum(dim=(0, 1)).tolist() == [4, 4, 0, 0, 0, 4, 4, 4, 4, 4]
    assert torch.equal(values, torch.ones(4, 2, 10))  # the teacher may still hold the original


@given(st.integers(0, 2**31))
def test_features_fall_silent_where_labels_do(seed):
    span = draw_time_span(156, torch.Generator().manual_seed(seed))
    labels = mask_time(torch.ones(1, 156), span, slice(0, 1))[0]
    features = mask_time(torch.ones(1, 624), span, slice(0, 1), frames_per_label=4)[0]
    assert torch.equal(features.reshape(156, 4).amin(1), labels)
    assert torch.equal(features.reshape(156, 4).amax(1), labels)


def test_one_frame_is_the_least_range():
    assert draw_time_span(10, torch.Generator(), min_fraction=0.3, max_fraction=0.31).length == 3
