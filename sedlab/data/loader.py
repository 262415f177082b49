"""Batches of an epoch, as a pure function of the epoch's number, and the processes that load them.

A batch comes from its process in shared memory. Where that is short, as in containers (Docker gives 64 MB unless told
otherwise), it comes through a pipe: slower, the same numbers.
"""

from __future__ import annotations

import multiprocessing
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, get_worker_info

from sedlab.data.batch import Batch, Example
from sedlab.data.dataset import SedDataset
from sedlab.data.sampler import BatchSampler
from sedlab.errors import SedlabError, warn_once
from sedlab.system.environment import can_have_queues, number_from_environment

#: Environment variable with the number of loading processes: it belongs to a machine, and the experiment, with all that
#: is trained by it, stays as it is.
NUM_WORKERS = "SEDLAB_NUM_WORKERS"
SHARED_MEMORY = "/dev/shm"
#: Longest wait for a batch: a process that hangs, say on a disk that does not answer, does not say so.
PATIENCE_SECONDS = 600
_JOIN_SECONDS = 5.0
#: Batches that each process prepares ahead.
_PREFETCH = 2
#: Left to others who need shared memory, such as the exchange of gradients between devices.
_RESERVE_BYTES = 16 * 2**20


class BatchLoader:
    """Load the batches that ``sampler`` draws from ``dataset``; a context manager, which tells of processes that died.

    Parameters
    ----------
    num_workers : int
        Processes that load; 0: this one does. They live as long as the loader. `NUM_WORKERS` in the environment wins.
    pin_memory : bool
        Put batches where a GPU can fetch them from by itself.
    """

    def __init__(
        self,
        dataset: SedDataset,
        sampler: BatchSampler,
        *,
        num_workers: int = 0,
        pin_memory: bool = False,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._dataset, self._sampler = dataset, sampler
        num_workers = number_from_environment(NUM_WORKERS, num_workers)
        if num_workers and not can_have_queues():
            num_workers = 0
        if num_workers:
            _check_shared_memory(dataset, sampler, num_workers)
        self._workers: set[multiprocessing.process.BaseProcess] = set()
        self._patience, self._gave_up = patience_seconds, False
        self._loader = DataLoader(
            _Batches(dataset),
            # An item is a batch: its clips are read into one array.
            batch_size=None,
            sampler=sampler,
            num_workers=num_workers,
            # Workers that live on see the epoch in the dataset's shared memory.
            persistent_workers=num_workers > 0,
            prefetch_factor=_PREFETCH if num_workers else None,
            pin_memory=pin_memory,
            # The loader would otherwise draw from torch's global generator and shift everything after it.
            generator=torch.Generator(),
        )

    def __len__(self) -> int:
        return len(self._sampler)

    def __enter__(self) -> BatchLoader:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or not self._workers:
            return
        with _without_torchs_handler():
            # torch tells of one that died by errors of several kinds, at any place of the training.
            dead = connection.wait([worker.sentinel for worker in self._workers], timeout=1.0)
            # One that hangs does not heed the polite request to end, and would be waited for.
            for worker in self._workers:
                worker.kill()
                worker.join(_JOIN_SECONDS)
        if dead and isinstance(error, RuntimeError | OSError | EOFError):
            end = f"gave no batch for {self._patience:.0f} s" if self._gave_up else "died, perhaps for lack of memory"
            raise SedlabError(
                f"data loader: a process that loads clips {end}. Run again to resume, without such processes: "
                f"{NUM_WORKERS}=0"
            ) from error

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Iterate over the batches of an epoch from ``start`` on; the same ones whenever they are asked for."""
        self._dataset.set_epoch(epoch)
        self._sampler.set_epoch(epoch, start)
        before = set(multiprocessing.active_children())
        batches = iter(self._loader)
        self._workers |= set(multiprocessing.active_children()) - before
        return map(_received, self._waited_for(batches) if self._workers else batches)

    def _waited_for(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Yield what comes, and end the processes when nothing does: torch may wait for one that hangs for ever."""
        while True:
            timer = threading.Timer(self._patience, self._give_up)
            timer.daemon = True
            timer.start()
            try:
                item = next(batches, None)
            finally:
                timer.cancel()
            if item is None:
                return
            yield item

    def _give_up(self) -> None:
        self._gave_up = True
        for worker in self._workers:
            worker.kill()


@contextmanager
def _without_torchs_handler() -> Iterator[None]:
    """Let processes end in this block: torch would raise an error for each, wherever Python happens to be."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, handler or signal.SIG_DFL)


class _Batches(Dataset):
    """The batches of a dataset, by the indices of their clips."""

    def __init__(self, dataset: SedDataset):
        self._dataset = dataset

    def __getitem__(self, indices: list[int]) -> Batch | SedlabError:
        try:
            batch = self._dataset.batch(indices)
        except SedlabError as error:  # as a value: torch would wrap its traceback around the one line
            return error
        return batch if get_worker_info() is None else _packed(batch)


def _packed(batch: Batch) -> Batch:
    """Return the batch in shared memory if there is room, and else as arrays, which are sent through a pipe."""
    sizes: list[int] = []
    batch.map(lambda tensor: sizes.append(tensor.nbytes) or tensor)
    free = free_shared_memory()
    if free is None or free >= sum(sizes) + _RESERVE_BYTES:
        try:
            return batch.map(Tensor.share_memory_)
        except RuntimeError:  # another process was quicker
            pass
    return batch.map(Tensor.numpy)


def _received(item: Batch | SedlabError) -> Batch:
    if isinstance(item, SedlabError):
        raise item
    return item.map(torch.as_tensor)


def free_shared_memory() -> int | None:
    """Return the free bytes of shared memory; None where the system does not say."""
    try:
        return shutil.disk_usage(SHARED_MEMORY).free
    except OSError:
        return None


def _check_shared_memory(dataset: SedDataset, sampler: BatchSampler, num_workers: int) -> None:
    """Warn before training where the batches that may be under way do not fit into shared memory."""
    free, indices = free_shared_memory(), next(iter(sampler), None)
    if free is None or not indices:
        return
    num_examples = (2 if dataset.wavmix_probability else 1) * len(indices)
    needed = num_workers * _PREFETCH * num_examples * _num_bytes(dataset[indices[0]]) + _RESERVE_BYTES
    if free < needed:
        gigabytes = -(-2 * needed // 2**30)
        warn_once(
            f"{SHARED_MEMORY}: {free // 2**20} MB of shared memory are free, {num_workers} processes that load data may"
            f" use {needed // 2**20}: what finds no place there comes a slower way. Give the container more "
            f"(docker run --shm-size={gigabytes}g), or have fewer processes ({NUM_WORKERS}=0)."
        )


def _num_bytes(example: Example) -> int:
    arrays = (example.waveform, *vars(example.targets).values())
    return sum(array.nbytes for array in arrays if array is not None)
