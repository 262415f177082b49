"""Which rows of a batch belong to which clips, and what is done to targets as a whole."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sedlab.data.batch import Rows, Targets, has_clips
from sedlab.data.corpora.layout import DETECTION_GROUPS, GROUPS

some_counts = st.dictionaries(st.sampled_from(DETECTION_GROUPS), st.integers(0, 3))


def members(counts: dict[str, int], *groups: str) -> list[int]:
    """Return the rows of some groups, counted off one by one."""
    order = [group for group in GROUPS for _ in range(counts.get(group, 0))]
    return [row for row, group in enumerate(order) if group in groups]


def inside(rows: slice) -> list[int]:
    return list(range(rows.start, rows.stop))


@given(some_counts)
def test_rows_follow_the_order_of_groups(counts):
    rows = Rows.of(counts)
    assert rows._fields == GROUPS
    assert all(inside(own) == members(counts, group) for group, own in zip(GROUPS, rows, strict=True))
    assert inside(rows.everyone) == members(counts, *GROUPS)
    assert inside(rows.desed) == members(counts, "strong", "synth", "weak", "unlabeled")
    assert inside(rows.hard_labelled) == members(counts, "strong", "synth")
    assert inside(rows.strongly_labelled) == members(counts, "maestro", "strong", "synth")
    assert list(rows.present()) == [group for group in GROUPS if counts.get(group)]


@given(some_counts, st.booleans())
def test_mixing_blocks_hold_everyone_and_part_maestro_on_request(counts, joint):
    rows = Rows.of(counts)
    blocks = [inside(block) for block in rows.mixing_blocks(joint=joint)]
    assert [row for block in blocks for row in block] == inside(rows.everyone)
    strong = [rows.strongly_labelled] if joint else [rows.maestro, rows.hard_labelled]
    assert blocks == [inside(block) for block in [*strong, rows.weak, rows.unlabeled]]


def test_clips_of_audioset_are_one_hard_labelled_block():
    rows = Rows.of({"audioset": 3})
    assert rows.hard_labelled == rows.strongly_labelled == rows.everyone == slice(0, 3)
    assert [block for block in rows.mixing_blocks() if has_clips(block)] == [slice(0, 3)]


@pytest.mark.parametrize("pseudo", [True, False])
def test_masked_targets_know_nothing_outside_the_mask(pseudo):
    targets = Targets(torch.ones(2, 3, 4), torch.ones(2, 3), torch.rand(2, 3) > 0.5, torch.ones(2, 3, 4))
    masked = targets.masked(pseudo=pseudo)
    assert torch.equal(masked.strong, targets.mask[..., None].expand(2, 3, 4).float())
    assert torch.equal(masked.weak, targets.mask.float())
    assert torch.equal(masked.pseudo, masked.strong if pseudo else targets.pseudo)


def test_frames_of_labels_and_pseudo_labels_change_alike():
    first = Targets(torch.zeros(1, 2, 3), torch.zeros(1, 2), torch.ones(1, 2, dtype=torch.bool), torch.ones(1, 2, 3))
    second = first.map(lambda values: values + 2)
    both = first.with_frames(lambda own, other: own + other, second)
    assert both.strong.unique().tolist() == [2.0] and both.pseudo.unique().tolist() == [4.0]
    assert both.weak is first.weak and both.mask is first.mask
    assert Targets(first.strong, first.weak, first.mask).with_frames(torch.neg).pseudo is None
