"""Batches of an epoch, as a pure function of the epoch's number."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader

from sedlab.config.experiment import TrainerConfig
from sedlab.data.batch import Batch
from sedlab.data.dataset import SedDataset, collate
from sedlab.data.sampler import GroupBatchSampler


class BatchLoader:
    """Load the batches that ``sampler`` draws from ``dataset``."""

    def __init__(self, dataset: SedDataset, sampler: GroupBatchSampler, trainer: TrainerConfig):
        self.dataset, self.sampler, self.trainer = dataset, sampler, trainer

    def __len__(self) -> int:
        return len(self.sampler)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Iterate over the batches of an epoch; the same ones whenever that epoch is asked for."""
        self.dataset.set_epoch(epoch)
        self.sampler.set_epoch(epoch)
        return iter(
            DataLoader(
                self.dataset,
                batch_sampler=self.sampler,
                collate_fn=collate,
                num_workers=self.trainer.num_workers,
                pin_memory=torch.cuda.is_available() and self.trainer.accelerator in ("auto", "cuda"),
                # The loader would otherwise draw from torch's global generator and shift everything after it.
                generator=torch.Generator().manual_seed(epoch),
            )
        )
