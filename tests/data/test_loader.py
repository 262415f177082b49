"""Batches are functions of (epoch, position), with and without workers that live on."""

from __future__ import annotations

import pytest
import torch

from sedlab.data.batch import collate
from sedlab.data.dataset import SedDataset
from sedlab.data.loader import BatchLoader
from sedlab.data.sampler import GroupBatchSampler

SIZES = {"synth": 2, "weak": 1, "maestro": 1}


def make_loader(nano, num_workers: int) -> BatchLoader:
    corpus, cache = nano
    part = corpus.subset("synth_train", "weak_train", "maestro_train")
    dataset = SedDataset(part, cache, training=True, wavmix_probability=0.5, seed=1)
    sampler = GroupBatchSampler(dataset.group_indices(), SIZES, seed=1)
    return BatchLoader(dataset, sampler, num_workers=num_workers)


def assert_same(one, other):
    assert one.clip_ids == other.clip_ids
    assert one.rows == other.rows
    assert torch.equal(one.waveform, other.waveform)
    for name in ("strong", "weak", "mask"):
        assert torch.equal(getattr(one.targets, name), getattr(other.targets, name)), name
    assert (one.partners is None) == (other.partners is None)
    if one.partners is not None:
        assert torch.equal(one.partners.waveform, other.partners.waveform)
        assert torch.equal(one.partners.share, other.partners.share)


@pytest.mark.parametrize("num_workers", [0, 1])
def test_batches_depend_on_epoch_and_position_alone(nano, num_workers):
    reference = [list(make_loader(nano, 0).epoch(epoch)) for epoch in range(3)]
    assert reference[0][0].clip_ids != reference[1][0].clip_ids
    loader = make_loader(nano, num_workers)
    assert len(loader) == len(reference[0]) == 4
    for epoch, start in ((0, 0), (1, 0), (2, 2), (0, 3)):
        for one, other in zip(loader.epoch(epoch, start), reference[epoch][start:], strict=True):
            assert_same(one, other)


def test_a_batch_read_into_one_array_is_that_of_its_examples(nano):
    corpus, cache = nano
    dataset = SedDataset(
        corpus.subset("maestro_train", "synth_train", "strong_train", "weak_train"),
        cache,
        training=True,
        wavmix_probability=0.5,
        seed=1,
    )
    indices = list(range(len(dataset)))[::-3]
    assert_same(dataset.batch(indices), collate([dataset[index] for index in indices]))
