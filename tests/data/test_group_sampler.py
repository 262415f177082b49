import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from sedlab.data.corpora.layout import DETECTION_GROUPS
from sedlab.data.sampler import GroupBatchSampler
from sedlab.errors import SedlabError


@st.composite
def samplers(draw):
    sizes = {group: draw(st.integers(0, 4)) for group in DETECTION_GROUPS}
    sizes["weak"] = max(sizes["weak"], 1)
    indices, start = {}, 0
    for group in DETECTION_GROUPS:
        count = draw(st.integers(sizes[group], 20))
        indices[group] = range(start, start + count)
        start += count
    return indices, sizes, draw(st.integers(0, 5))


@given(samplers())
def test_batches_hold_each_group_in_its_proportion_and_order(case):
    indices, sizes, seed = case
    sampler = GroupBatchSampler(indices, sizes, seed=seed)
    batches = list(sampler)
    expected = min(len(indices[group]) // size for group, size in sizes.items() if size)
    assert len(batches) == len(sampler) == expected
    owner = {index: group for group, members in indices.items() for index in members}
    layout = [group for group in DETECTION_GROUPS for _ in range(sizes[group])]
    assert all([owner[index] for index in batch] == layout for batch in batches)


@given(samplers(), st.integers(0, 3))
def test_no_clip_twice_in_an_epoch_and_epochs_are_reproducible(case, epoch):
    indices, sizes, seed = case
    sampler = GroupBatchSampler(indices, sizes, seed=seed)
    list(sampler)
    sampler.set_epoch(epoch)
    batches = list(sampler)
    drawn = [index for batch in batches for index in batch]
    assert len(set(drawn)) == len(drawn)
    again = GroupBatchSampler(indices, sizes, seed=seed)
    again.set_epoch(epoch)
    assert list(again) == batches


def test_order_of_a_group_does_not_depend_on_the_others():
    alone = GroupBatchSampler({"weak": range(12)}, {"weak": 3}, seed=1)
    together = GroupBatchSampler({"weak": range(12), "synth": range(12, 40)}, {"weak": 3, "synth": 2}, seed=1)
    assert [batch[-3:] for batch in together] == list(alone)


def test_epochs_seeds_and_groups_draw_differently():
    def first(seed=0, epoch=0, group="weak"):
        sampler = GroupBatchSampler({group: range(100)}, {group: 100}, seed=seed)
        sampler.set_epoch(epoch)
        return tuple(next(iter(sampler)))

    assert len({first(), first(seed=1), first(epoch=1), first(group="synth")}) == 4


def test_published_epoch_lengths():
    counts = {"maestro": 6426, "strong": 10_853, "synth": 10_000, "weak": 1420, "unlabeled": 14_412}
    indices = {group: range(count) for group, count in counts.items()}
    stage1 = dict(zip(DETECTION_GROUPS, (12, 10, 10, 20, 20), strict=True))
    stage2 = dict(zip(DETECTION_GROUPS, (7, 5, 5, 9, 9), strict=True))
    assert len(GroupBatchSampler(indices, stage1, seed=0)) == 71
    assert len(GroupBatchSampler(indices, stage2, seed=0)) == 157


def test_group_without_clips_is_named():
    with pytest.raises(SedlabError, match="10 clips of group 'strong', the corpus has 3"):
        GroupBatchSampler({"strong": range(3)}, {"strong": 10}, seed=0)
    with pytest.raises(SedlabError, match="Did you mean 'strong'"):
        GroupBatchSampler({}, {"storng": 10}, seed=0)
    with pytest.raises(SedlabError, match="all are 0"):
        GroupBatchSampler({}, {"strong": 0}, seed=0)


def test_serves_as_batch_sampler_of_a_loader():
    loader = DataLoader(range(10), batch_sampler=GroupBatchSampler({"weak": range(10)}, {"weak": 5}, seed=0))
    assert [len(batch) for batch in loader] == [5, 5]
