"""Batches of an epoch, as a pure function of the epoch's number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader, Dataset

from sedlab.config.experiment import TrainerConfig
from sedlab.data.batch import Batch
from sedlab.data.dataset import SedDataset
from sedlab.data.sampler import BatchShare, EpochSampler


class BatchLoader:
    """Load this process's share of the batches that ``sampler`` draws from ``dataset``.

    Parameters
    ----------
    sizes : mapping of group to clips per batch
        Of all processes together.
    """

    def __init__(
        self,
        dataset: SedDataset,
        sampler: EpochSampler,
        sizes: Mapping[str, int],
        *,
        trainer: TrainerConfig,
        fabric: Fabric,
    ):
        self._dataset = dataset
        self._batches = BatchShare(sampler, sizes, rank=fabric.global_rank, num_ranks=fabric.world_size)
        self._loader = DataLoader(
            _Batches(dataset),
            # An item is a batch: its clips are read into one array.
            batch_size=None,
            sampler=self._batches,
            num_workers=trainer.num_workers,
            # Workers live as long as the training; they see the epoch in the dataset's shared memory.
            persistent_workers=trainer.num_workers > 0,
            pin_memory=fabric.device.type == "cuda",
            # The loader would otherwise draw from torch's global generator and shift everything after it.
            generator=torch.Generator(),
        )

    def __len__(self) -> int:
        return len(self._batches)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Iterate over the batches of an epoch from ``start`` on; the same ones whenever they are asked for."""
        self._dataset.set_epoch(epoch)
        self._batches.set_position(epoch, start)
        return iter(self._loader)


class _Batches(Dataset):
    """The batches of a dataset, by the indices of their clips."""

    def __init__(self, dataset: SedDataset):
        self._dataset = dataset

    def __getitem__(self, indices: list[int]) -> Batch:
        return self._dataset.batch(indices)
