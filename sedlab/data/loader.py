"""Batches of an epoch, as a pure function of the epoch's number."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader, Dataset

from sedlab.data.batch import Batch
from sedlab.data.dataset import SedDataset
from sedlab.data.sampler import BatchSampler


class BatchLoader:
    """Load the batches that ``sampler`` draws from ``dataset``.

    Parameters
    ----------
    num_workers : int
        Processes that load; 0: this one does. They live as long as the loader.
    pin_memory : bool
        Put batches where a GPU can fetch them from by itself.
    """

    def __init__(
        self, dataset: SedDataset, sampler: BatchSampler, *, num_workers: int = 0, pin_memory: bool = False
    ) -> None:
        self._dataset, self._sampler = dataset, sampler
        self._loader = DataLoader(
            _Batches(dataset),
            # An item is a batch: its clips are read into one array.
            batch_size=None,
            sampler=sampler,
            num_workers=num_workers,
            # Workers that live on see the epoch in the dataset's shared memory.
            persistent_workers=num_workers > 0,
            pin_memory=pin_memory,
            # The loader would otherwise draw from torch's global generator and shift everything after it.
            generator=torch.Generator(),
        )

    def __len__(self) -> int:
        return len(self._sampler)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Iterate over the batches of an epoch from ``start`` on; the same ones whenever they are asked for."""
        self._dataset.set_epoch(epoch)
        self._sampler.set_epoch(epoch, start)
        return iter(self._loader)


class _Batches(Dataset):
    """The batches of a dataset, by the indices of their clips."""

    def __init__(self, dataset: SedDataset):
        self._dataset = dataset

    def __getitem__(self, indices: list[int]) -> Batch:
        return self._dataset.batch(indices)
