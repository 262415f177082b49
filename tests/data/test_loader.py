"""Batches are functions of (epoch, position), whoever loads them and whatever was asked for before."""

from __future__ import annotations

import gc
import os
import pickle
import queue
import shutil
import subprocess
import sys
import threading

import pytest
import torch
from container import small_shared_memory, without_semaphores

from sedlab.data.batch import collate
from sedlab.data.cache import WAVEFORMS, WaveformCache
from sedlab.data.dataset import SedDataset
from sedlab.data.loader import NUM_WORKERS, BatchLoader
from sedlab.data.sampler import GroupBatchSampler
from sedlab.errors import SedlabError

SIZES = {"synth": 2, "weak": 1, "maestro": 1}


def make_loader(nano, num_workers: int, **options) -> BatchLoader:
    corpus, cache = nano
    part = corpus.subset("synth_train", "weak_train", "maestro_train")
    dataset = SedDataset(part, cache, training=True, wavmix_probability=0.5, seed=1)
    sampler = GroupBatchSampler(dataset.group_indices(), SIZES, seed=1)
    return BatchLoader(dataset, sampler, num_workers=num_workers, **options)


def loading_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("sedlab-ahead")}


@pytest.fixture(autouse=True)
def no_threads_of_other_tests():
    """Those of a loader that was not closed end by themselves, a moment after it is gone."""
    gc.collect()  # an error's traceback and its frames hold each other, and a loader with them
    for thread in loading_threads():
        thread.join(120)


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


@pytest.mark.parametrize("num_workers", [0, 1, 3])
def test_batches_depend_on_epoch_and_position_alone(nano, num_workers):
    reference = [list(make_loader(nano, 0).epoch(epoch)) for epoch in range(3)]
    assert reference[0][0].clip_ids != reference[1][0].clip_ids
    loader = make_loader(nano, num_workers)
    assert len(loader) == len(reference[0]) == 4
    with loader:
        for epoch, start in ((0, 0), (1, 0), (2, 2), (0, 3), (1, 0)):
            for one, other in zip(loader.epoch(epoch, start), reference[epoch][start:], strict=True):
                assert_same(one, other)
        both = zip(loader.epoch(0), loader.epoch(1), strict=True)
        for (one, other), expected in zip(both, zip(*reference[:2], strict=True), strict=True):
            assert_same(one, expected[0])
            assert_same(other, expected[1])
    assert not loading_threads()


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
    for epoch in range(3):
        dataset.set_epoch(epoch)
        batch = dataset.batch(indices)
        assert batch.waveform.dtype == batch.partners.waveform.dtype == torch.int16
        assert_same(batch.to("cpu"), collate([dataset[index] for index in indices]))
        dataset.set_epoch(7)
        assert_same(dataset.batch(indices, epoch=epoch), batch)


LOAD = """
import pickle, sys
nano = pickle.load(open(sys.argv[1], "rb"))
from test_loader import make_loader
batches = [batch.to("cpu") for epoch in range(2) for batch in make_loader(nano, num_workers=2).epoch(epoch)]
pickle.dump([(batch.clip_ids, batch.waveform.numpy(), batch.targets.strong.numpy()) for batch in batches],
            open(sys.argv[2], "wb"))
"""


@pytest.mark.parametrize("lack", [small_shared_memory, without_semaphores])
def test_no_shared_memory_is_needed(nano, tmp_path, lack):
    (tmp_path / "nano").write_bytes(pickle.dumps(nano))
    words = [sys.executable, "-c", LOAD, str(tmp_path / "nano"), str(tmp_path / "batches")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **lack(tmp_path)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0 and not done.stderr, done.stderr
    reference = [batch.to("cpu") for epoch in range(2) for batch in make_loader(nano, 0).epoch(epoch)]
    loaded = pickle.loads((tmp_path / "batches").read_bytes())
    for batch, (clip_ids, waveform, strong) in zip(reference, loaded, strict=True):
        assert batch.clip_ids == clip_ids
        assert (batch.waveform.numpy() == waveform).all() and (batch.targets.strong.numpy() == strong).all()


def test_the_next_epoch_is_prepared_while_the_last_batch_is_used(nano, monkeypatch):
    epochs: queue.SimpleQueue[int] = queue.SimpleQueue()
    plain = SedDataset.batch

    def noted(self, indices, *, epoch, **rest):
        epochs.put(epoch)
        return plain(self, indices, epoch=epoch, **rest)

    monkeypatch.setattr(SedDataset, "batch", noted)
    with make_loader(nano, 1) as loader:
        for _ in loader.epoch(0):
            pass
        # Nobody has asked for the next epoch yet.
        assert [epochs.get(timeout=120) for _ in range(len(loader) + 2)] == [0] * len(loader) + [1, 1]
        begun = list(loader.epoch(1))
    assert len(begun) == len(loader)
    # What was prepared was used: each batch of epoch 1 was loaded once.
    assert sorted(epochs.get(timeout=120) for _ in range(len(loader) - 2)) == [1] * (len(loader) - 2)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_clip_that_cannot_be_read_is_told_by_name_and_no_thread_is_left(nano, tmp_path, num_workers):
    corpus, cache = nano
    folder = tmp_path / "cache"
    shutil.copytree(cache.folder, folder)
    damaged = WaveformCache.open(folder)
    last = max(damaged._places, key=damaged._places.get)
    waveforms = folder / WAVEFORMS
    size = waveforms.stat().st_size
    with pytest.raises(SedlabError) as told, make_loader((corpus, damaged), num_workers) as loader:
        for epoch in range(1000):
            for _ in loader.epoch(epoch):
                os.truncate(waveforms, size // 4)
    assert f"{waveforms}: clip '" in str(told.value) and "the file has become shorter" in str(told.value)
    assert "\n" not in str(told.value)
    assert not loading_threads()
    with pytest.raises(SedlabError, match=last[1]):
        damaged.read(*last)


def test_a_disk_that_hangs_is_told_in_one_line(nano, monkeypatch):
    hanging = threading.Event()
    monkeypatch.setattr(WaveformCache, "read_stored", lambda *_, **__: hanging.wait(300))
    with (
        pytest.raises(SedlabError, match=r"no batch for 0 s, a thread that loads clips hangs\.") as told,
        make_loader(nano, 2, patience_seconds=0.2) as loader,
    ):
        next(loader.epoch(0))
    assert "\n" not in str(told.value)
    hanging.set()


def test_threads_end_with_a_loader_that_nobody_has_any_more(nano):
    loader = make_loader(nano, 2)
    batches = loader.epoch(0)
    next(batches)
    threads = loading_threads()
    assert len(threads) == 2
    del loader, batches
    gc.collect()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()


def test_the_environment_says_how_many_threads_load(nano, monkeypatch):
    monkeypatch.setenv(NUM_WORKERS, "0")
    with make_loader(nano, 3) as loader:
        assert len(list(loader.epoch(0))) == len(loader)
        assert not loading_threads()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_batches_for_a_gpu_are_page_locked_and_arrive_as_the_same_numbers(nano):
    alone = [batch.to("cpu") for batch in make_loader(nano, 0).epoch(0)]
    with make_loader(nano, 2, pin_memory=True) as loader:
        # More often than there is memory ready, so that it is used again.
        for _ in range(3):
            arrived = [batch.to("cuda", non_blocking=True) for batch in loader.epoch(0)]
            for one, other in zip(arrived, alone, strict=True):
                assert_same(one.to("cpu"), other)
        batch = next(loader.epoch(1))
        assert batch.waveform.is_pinned() and batch.targets.strong.is_pinned()
