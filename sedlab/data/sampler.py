"""Which clips meet in a batch: lists of dataset indices, as a function of seed and epoch alone.

A resumed run therefore draws what an uninterrupted one would have drawn. Samplers know from which batch of an epoch to
go on, and which of several processes they serve; all work as ``batch_sampler`` of a ``DataLoader``.
"""

from __future__ import annotations

import itertools
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from sedlab.data.corpora.layout import GROUPS
from sedlab.errors import SedlabError, nearest


class BatchSampler(ABC):
    """Yield this process's part of the batches of an epoch, laid out in the order of `GROUPS`.

    A process takes every ``num_ranks``-th clip of a batch, so its parts of all groups are equal to those of the others.
    Should the last batch of an epoch be smaller and not divide, its first clips are taken twice.

    Parameters
    ----------
    sizes : mapping of group to clips per batch
        What all processes together take.
    rank : int
        Which of the ``num_ranks`` processes this is, from 0.

    Raises
    ------
    SedlabError
        When the processes cannot share a group equally.
    """

    def __init__(self, sizes: Mapping[str, int], *, seed: int, rank: int = 0, num_ranks: int = 1) -> None:
        for group, size in sizes.items():
            if size % num_ranks:
                raise SedlabError(
                    f"batch sizes: {num_ranks} devices cannot share the {size} clips of group {group!r} equally. Make "
                    "it a multiple of trainer.devices, or use another number of devices."
                )
        self._seed, self._rank, self._num_ranks = seed, rank, num_ranks
        self._epoch, self._start = 0, 0

    def set_epoch(self, epoch: int, start: int = 0) -> None:
        """Choose the epoch whose batches the next iteration yields, and how many of them it skips."""
        self._epoch, self._start = epoch, start

    def __iter__(self) -> Iterator[list[int]]:
        for batch in itertools.islice(self.whole_batches(self._epoch), self._start, None):
            num_clips = -(-len(batch) // self._num_ranks) * self._num_ranks
            yield list(itertools.islice(itertools.cycle(batch), self._rank, num_clips, self._num_ranks))

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of batches in an epoch."""

    @abstractmethod
    def whole_batches(self, epoch: int) -> Iterator[list[int]]:
        """Yield the batches of an epoch as all processes together see them."""


class GroupBatchSampler(BatchSampler):
    """Batches with a fixed number of clips from each group.

    Scarce annotation (weak, strong) and plentiful audio (unlabelled) meet in every batch in fixed proportions. Within
    an epoch no clip is drawn twice; the smallest group in relation to its share decides how long it is, and what is
    left of the larger ones is not seen in it. The order of a group is a function of (seed, epoch, group) alone.

    Parameters
    ----------
    group_indices : mapping of group to dataset indices
        See ``SedDataset.group_indices``.
    batch_sizes : mapping of group to clips per batch
        0 leaves a group out.
    seed : int
        Of the order in which clips are drawn.
    **share : int
        ``rank`` and ``num_ranks``, see `BatchSampler`.

    Raises
    ------
    SedlabError
        For an unknown group, a batch without clips, and a group with fewer clips than one batch needs.
    """

    def __init__(
        self, group_indices: Mapping[str, Sequence[int]], batch_sizes: Mapping[str, int], *, seed: int, **share: int
    ) -> None:
        for group in batch_sizes:
            if group not in GROUPS:
                raise SedlabError(f"batch sizes: unknown group {group!r}.{nearest(group, GROUPS)}")
        self._sizes = {group: batch_sizes[group] for group in GROUPS if batch_sizes.get(group, 0) > 0}
        if not self._sizes:
            raise SedlabError("batch sizes: all are 0, a batch would hold no clips.")
        super().__init__(self._sizes, seed=seed, **share)
        self._indices = {group: np.asarray(group_indices.get(group, ()), dtype=int) for group in self._sizes}
        for group, size in self._sizes.items():
            if len(self._indices[group]) < size:
                raise SedlabError(
                    f"batch sizes: a batch takes {size} clips of group {group!r}, the corpus has "
                    f"{len(self._indices[group])}. Lower its batch size (0 leaves the group out) or add data."
                )

    def __len__(self) -> int:
        return min(len(self._indices[group]) // size for group, size in self._sizes.items())

    def whole_batches(self, epoch: int) -> Iterator[list[int]]:
        """Yield the batches of an epoch, a block of each group after another."""
        orders = {
            group: group_stream(self._seed, epoch, group).permutation(indices).tolist()
            for group, indices in self._indices.items()
        }
        for batch in range(len(self)):
            yield [
                index
                for group, size in self._sizes.items()
                for index in orders[group][batch * size : (batch + 1) * size]
            ]


def group_stream(seed: int, epoch: int, group: str) -> np.random.Generator:
    """Return the random numbers that order a group in an epoch."""
    return np.random.default_rng([seed, epoch, zlib.crc32(group.encode())])
