"""Batches of an epoch, as a pure function of the epoch's number, and the threads that load them.

Threads prepare batches ahead, also those of the next epoch while the last of this one are used, so that a training
waits for data once, at its start. They write 16-bit samples from the waveform cache straight into the batch, for a GPU
into page-locked memory that it fetches them from by itself (and that torch uses again once it has), and
`Batch.to` scales them on the device.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from sedlab.data.batch import Batch
from sedlab.data.dataset import SedDataset
from sedlab.data.sampler import BatchSampler
from sedlab.errors import SedlabError
from sedlab.system.ahead import Ahead
from sedlab.system.environment import number_from_environment

#: Environment variable with the number of loading threads: it belongs to a machine, and the experiment, with all that
#: is trained by it, stays as it is.
NUM_WORKERS = "SEDLAB_NUM_WORKERS"
#: Longest wait for a batch: a disk that does not answer does not say so.
PATIENCE_SECONDS = 600


class BatchLoader:
    """Load the batches that ``sampler`` draws from ``dataset``; a context manager, which ends its threads.

    Parameters
    ----------
    num_workers : int
        Threads that load ahead; 0: batches are loaded when they are asked for. `NUM_WORKERS` in the environment wins.
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
        self._sampler, self._patience = sampler, patience_seconds
        self._num_threads = number_from_environment(NUM_WORKERS, num_workers)
        # Threads would otherwise prepare memory for the first GPU, whichever this process has.
        device = torch.cuda.current_device() if pin_memory else None
        self._load = partial(_load, dataset, device)
        self._batches: Iterator[Batch] | None = None
        self._next: tuple[int, int] | None = None
        """Epoch and position of what `_batches` gives next."""

    def __len__(self) -> int:
        return len(self._sampler)

    def __enter__(self) -> BatchLoader:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def close(self) -> None:
        """End the threads. The loader can go on; it starts new ones."""
        if isinstance(self._batches, Ahead):
            self._batches.close()
        self._batches = self._next = None

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Iterate over the batches of an epoch from ``start`` on; the same ones whenever they are asked for.

        Those that follow, also of the next epoch, are prepared meanwhile.

        Raises
        ------
        SedlabError
            When a clip cannot be read, or no batch comes for a long time.
        """
        for position in range(start, len(self)):
            if self._next != (epoch, position):
                self._begin_at(epoch, position)
            try:
                batch = next(self._batches)
            except TimeoutError as error:
                self._batches = self._next = None
                raise SedlabError(
                    f"data loader: no batch for {self._patience:.0f} s, a thread that loads clips hangs. Does the disk "
                    "with the waveform cache answer? Run again to resume."
                ) from error
            self._next = (epoch, position + 1) if position + 1 < len(self) else (epoch + 1, 0)
            yield batch

    def _begin_at(self, epoch: int, position: int) -> None:
        self.close()
        # Not a method: threads that hold the loader would keep it, and themselves, for ever.
        plan = _plan(self._sampler, epoch, position)
        if self._num_threads:
            options = {"num_threads": self._num_threads, "patience_seconds": self._patience}
            self._batches = Ahead(self._load, plan, **options)
        else:
            self._batches = map(self._load, plan)
        self._next = epoch, position


def _plan(sampler: BatchSampler, epoch: int, start: int) -> Iterator[tuple[int, list[int]]]:
    """Yield epoch and clips of one batch after another, without end."""
    while True:
        sampler.set_epoch(epoch, start)
        for indices in sampler:
            yield epoch, indices
        epoch, start = epoch + 1, 0


def _load(dataset: SedDataset, device: int | None, batch: tuple[int, list[int]]) -> Batch:
    epoch, indices = batch
    if device is None:
        return dataset.batch(indices, epoch=epoch)
    torch.cuda.set_device(device)
    return dataset.batch(indices, epoch=epoch, empty=_page_locked)


def _page_locked(shape: tuple[int, ...], *, dtype: torch.dtype) -> Tensor:
    return torch.empty(shape, dtype=dtype, pin_memory=True)
