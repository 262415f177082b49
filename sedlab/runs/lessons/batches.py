"""Batches as a stage draws them, to look at."""

from __future__ import annotations

from sedlab.config.experiment import Node
from sedlab.data.batch import Batch, collate
from sedlab.data.corpora.layout import TRAIN_SUBSETS
from sedlab.data.dataset import SedDataset
from sedlab.data.sampler import GroupBatchSampler
from sedlab.runs.run import Run


def training_batches(run: Run, node: Node, count: int = 1, *, seed: int = 0, at_most: int = 1000) -> list[Batch]:
    """Return batches in the group sizes of a stage, each group ``at_most`` so large; clips as they are, no partners.

    Pseudo-labels are left out. A group that the corpus does not have is absent.
    """
    corpus = run.corpus()
    training = corpus.subset(*[name for name in TRAIN_SUBSETS if name in corpus.subsets])
    dataset = SedDataset(training, run.cache(), training=True, seed=seed)
    groups, sizes = dataset.group_indices(), node.training.batch.model_dump()
    sizes = {group: min(sizes[group], at_most, len(clips)) for group, clips in groups.items() if sizes.get(group)}
    drawn: list[Batch] = []
    epoch, sampler = 0, GroupBatchSampler(groups, sizes, seed=seed)
    while len(drawn) < count:
        sampler.set_epoch(epoch)
        drawn += [collate([dataset[index] for index in indices]) for indices in list(sampler)[: count - len(drawn)]]
        epoch += 1
    return drawn
