"""Batches with a fixed number of clips from each group, in the fixed order of the groups.

Scarce annotation (weak, strong) and plentiful audio (unlabelled) meet in every batch in fixed proportions; the smallest
group in relation to its share decides how long an epoch is.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from sedlab.data.corpora.layout import GROUPS
from sedlab.errors import SedlabError, nearest


class EpochSampler(Protocol):
    """Lists of dataset indices, the batches of an epoch; for each epoch the same ones whenever it is asked for."""

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches the next iteration yields."""

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the batches of the epoch."""


class GroupBatchSampler:
    """Yield lists of dataset indices, laid out maestro | strong | synth | weak | unlabeled.

    Within an epoch no clip is drawn twice. The order of a group is a function of (seed, epoch, group) alone, so that a
    resumed run draws what an uninterrupted one would have drawn. What is left of the larger groups when the smallest is
    used up is not seen in that epoch. Works as ``batch_sampler`` of a ``DataLoader``.

    Parameters
    ----------
    group_indices : mapping of group to dataset indices
        See ``SedDataset.group_indices``.
    batch_sizes : mapping of group to clips per batch
        0 leaves a group out.

    Raises
    ------
    SedlabError
        For an unknown group, a batch without clips, and a group with fewer clips than one batch needs.
    """

    def __init__(
        self, group_indices: Mapping[str, Sequence[int]], batch_sizes: Mapping[str, int], *, seed: int
    ) -> None:
        for group in batch_sizes:
            if group not in GROUPS:
                raise SedlabError(f"batch sizes: unknown group {group!r}.{nearest(group, GROUPS)}")
        self._sizes = {group: batch_sizes[group] for group in GROUPS if batch_sizes.get(group, 0) > 0}
        if not self._sizes:
            raise SedlabError("batch sizes: all are 0, a batch would hold no clips.")
        self._indices = {group: np.asarray(group_indices.get(group, ()), dtype=int) for group in self._sizes}
        for group, size in self._sizes.items():
            if len(self._indices[group]) < size:
                raise SedlabError(
                    f"batch sizes: a batch takes {size} clips of group {group!r}, the corpus has "
                    f"{len(self._indices[group])}. Lower its batch size (0 leaves the group out) or add data."
                )
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches the next iteration yields."""
        self._epoch = epoch

    def __len__(self) -> int:
        return min(len(self._indices[group]) // size for group, size in self._sizes.items())

    def __iter__(self) -> Iterator[list[int]]:
        orders = {group: self._permutation(group) for group in self._sizes}
        for batch in range(len(self)):
            yield [
                index
                for group, size in self._sizes.items()
                for index in orders[group][batch * size : (batch + 1) * size]
            ]

    def _permutation(self, group: str) -> list[int]:
        random = np.random.default_rng([self._seed, self._epoch, zlib.crc32(group.encode())])
        return random.permutation(self._indices[group]).tolist()


class BatchShare:
    """Yield the part of each batch that one of several processes takes, from any batch of an epoch on.

    A process takes every ``num_ranks``-th clip, so its shares of all groups are equal to those of the others. Should
    the last batch of an epoch be smaller and not divide, its first clips are taken twice. Works as ``sampler`` or
    ``batch_sampler`` of a ``DataLoader``; without skipping and sharing it yields what the given sampler does.

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

    def __init__(self, sampler: EpochSampler, sizes: Mapping[str, int], *, rank: int = 0, num_ranks: int = 1) -> None:
        for group, size in sizes.items():
            if size % num_ranks:
                raise SedlabError(
                    f"batch sizes: {num_ranks} devices cannot share the {size} clips of group {group!r} equally. Make "
                    "it a multiple of trainer.devices, or use another number of devices."
                )
        self._sampler, self._rank, self._num_ranks = sampler, rank, num_ranks
        self._start = 0

    def set_position(self, epoch: int, start: int = 0) -> None:
        """Choose the epoch whose batches the next iteration yields, and how many of them it skips."""
        self._sampler.set_epoch(epoch)
        self._start = start

    def __len__(self) -> int:
        return len(self._sampler)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in itertools.islice(self._sampler, self._start, None):
            num_clips = -(-len(batch) // self._num_ranks) * self._num_ranks
            yield list(itertools.islice(itertools.cycle(batch), self._rank, num_clips, self._num_ranks))
