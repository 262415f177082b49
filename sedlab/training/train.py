"""Train one node of the experiment's graph: data, networks and loop put together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sedlab.config.experiment import Node
from sedlab.data.audioset import audioset_classes
from sedlab.data.cache import WaveformCache
from sedlab.data.dataset import SedDataset
from sedlab.data.layout import TRAIN_SUBSETS, layout
from sedlab.data.pseudo_labels import read_pseudo_labels
from sedlab.data.sampler import GroupBatchSampler
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError
from sedlab.training.detection import DetectionTask
from sedlab.training.fit import FitResult, Progress, Validate, fit, make_fabric
from sedlab.training.loader import BatchLoader
from sedlab.training.pretraining import PretrainingTask


def train_node(
    node: Node,
    corpus: Corpus,
    cache: WaveformCache,
    folder: Path,
    *,
    init: Path | None = None,
    pretrained: Path | None = None,
    pseudo_labels: Mapping[str, Path] | None = None,
    validate: Validate | None = None,
    progress: Progress | None = None,
) -> FitResult:
    """Train one node and write ``best.pt``, ``last.pt`` and ``history.csv`` to ``folder``; resume if it was begun.

    Parameters
    ----------
    init : path of a detector checkpoint
        Stage 1's ``best.pt``, from which stage 2 starts (student and teacher).
    pretrained : path of a pre-training checkpoint
        Where the transformer's weights come from in stage 1.
    pseudo_labels : score file for each training subset
        Needed when the node's pseudo-label weight is above 0.
    validate : function of the networks
        Scores them on the validation sets, see `fit`.

    Raises
    ------
    SedlabError
        When clips, checkpoints or pseudo-labels the node needs are missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fabric = make_fabric(node.training.trainer)
    if node.stage == "pretrain":
        classes = audioset_classes(corpus)
        loader = _pretraining_loader(node, corpus, cache, classes)
        task = PretrainingTask(node, fabric, classes=classes)
    else:
        loader = _detection_loader(node, corpus, cache, pseudo_labels)
        task = DetectionTask(node, fabric, init=init, pretrained=pretrained)
    return fit(
        task,
        loader,
        node,
        folder,
        fabric=fabric,
        save_best=task.save,
        validate=validate,
        progress=progress,
    )


def _detection_loader(
    node: Node, corpus: Corpus, cache: WaveformCache, pseudo_labels: Mapping[str, Path] | None
) -> BatchLoader:
    sizes = {group: size for group, size in node.training.batch.model_dump().items() if size}
    present = [name for name in TRAIN_SUBSETS if layout(name).group in sizes and name in set(corpus.clips["subset"])]
    for group in sizes:
        if group not in {layout(name).group for name in present}:
            raise SedlabError(
                f"{corpus.root}: no training clips of the group {group!r}, but batches ask for {sizes[group]}. "
                f"Add the data or set batch.{group} to 0."
            )
    if node.training.loss.pseudo and pseudo_labels is None:
        raise SedlabError(
            f"{node.name}: the pseudo-label loss has weight {node.training.loss.pseudo}, but there are none."
        )
    used = None
    if node.training.loss.pseudo:
        files = {path: read_pseudo_labels(path) for path in set(pseudo_labels.values())}
        used = {name: files[pseudo_labels[name]] for name in present}
    dataset = SedDataset(corpus.subset(*present), cache, training=True, pseudo_labels=used, seed=node.seed)
    sampler = GroupBatchSampler(dataset.group_indices(), sizes, seed=node.seed)
    return BatchLoader(dataset, sampler, node.training.trainer)


def _pretraining_loader(node: Node, corpus: Corpus, cache: WaveformCache, classes: tuple[str, ...]) -> BatchLoader:
    if "audioset_train" not in set(corpus.clips["subset"]):
        raise SedlabError(
            f"{corpus.root}: no audioset_train clips to pre-train on. Set pretrain to null to go without."
        )
    dataset = SedDataset.for_audioset(
        corpus.subset("audioset_train"), cache, classes=classes, training=True, seed=node.seed
    )
    sampler = GroupBatchSampler(dataset.group_indices(), {"audioset": node.training.batch_size}, seed=node.seed)
    return BatchLoader(dataset, sampler, node.training.trainer)
