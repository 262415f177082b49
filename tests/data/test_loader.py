"""Batches are functions of (epoch, position), with and without workers that live on."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time

import pytest
import torch
from container import small_shared_memory, without_semaphores

from sedlab.data.batch import collate
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


LOAD = """
import pickle, sys
loader = pickle.load(open(sys.argv[1], "rb"))
from test_loader import make_loader
loader = make_loader(loader, num_workers=2)
batches = [batch for epoch in range(2) for batch in loader.epoch(epoch)]
pickle.dump([(batch.clip_ids, batch.waveform.numpy(), batch.targets.strong.numpy()) for batch in batches],
            open(sys.argv[2], "wb"))
"""


@pytest.mark.parametrize(
    ("lack", "told"),
    [
        (small_shared_memory, "0 MB of shared memory are free, 2 processes that load data may use"),
        (without_semaphores, "so no processes beside this one"),
    ],
)
def test_little_shared_memory_makes_loading_slower_and_changes_nothing(nano, tmp_path, lack, told):
    (tmp_path / "nano").write_bytes(pickle.dumps(nano))
    words = [sys.executable, "-c", LOAD, str(tmp_path / "nano"), str(tmp_path / "batches")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **lack(tmp_path)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: /dev/shm: ") and told in line
    reference = [batch for epoch in range(2) for batch in make_loader(nano, 0).epoch(epoch)]
    loaded = pickle.loads((tmp_path / "batches").read_bytes())
    for batch, (clip_ids, waveform, strong) in zip(reference, loaded, strict=True):
        assert batch.clip_ids == clip_ids
        assert (batch.waveform.numpy() == waveform).all() and (batch.targets.strong.numpy() == strong).all()


@pytest.mark.parametrize(
    ("number", "problem"), [(signal.SIGKILL, "died, perhaps"), (signal.SIGSTOP, "gave no batch for 3 s")]
)
def test_a_loading_process_that_dies_or_hangs_is_told_in_one_line_and_the_remedy_goes_on(
    nano, monkeypatch, number, problem
):
    before = set(multiprocessing.active_children())
    begin = time.monotonic()
    with pytest.raises(SedlabError) as told, make_loader(nano, 1, patience_seconds=3) as loader:
        for epoch in range(1000):
            for _ in loader.epoch(epoch):
                for worker in set(multiprocessing.active_children()) - before:
                    os.kill(worker.pid, number)
    assert time.monotonic() - begin < 60
    assert "\n" not in str(told.value) and problem in str(told.value)
    for worker in set(multiprocessing.active_children()) - before:
        worker.join(timeout=10)
        assert not worker.is_alive()
    name, _, value = str(told.value).rpartition(" ")[2].partition("=")
    assert name == NUM_WORKERS
    monkeypatch.setenv(name, value)
    with make_loader(nano, 1) as loader:
        assert len(list(loader.epoch(0))) == len(loader)
    assert set(multiprocessing.active_children()) <= before
