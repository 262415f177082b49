"""Train one node of the experiment's graph: data, networks and loop put together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lightning_fabric import Fabric
from torch import Tensor, nn

from sedlab.audio.device_response import align_responses
from sedlab.config.experiment import Node
from sedlab.data.balanced_sampler import ClipBatchSampler, balanced_weights
from sedlab.data.cache import WaveformCache
from sedlab.data.corpora.audioset_classes import label_space
from sedlab.data.corpora.layout import TRAIN_SUBSETS, layout
from sedlab.data.dataset import SedDataset
from sedlab.data.device_responses import read_device_responses
from sedlab.data.loader import BatchLoader
from sedlab.data.pseudo_labels import read_pseudo_labels
from sedlab.data.sampler import GroupBatchSampler
from sedlab.data.tables import Corpus
from sedlab.data.teacher_logits import read_teacher_logits
from sedlab.errors import SedlabError
from sedlab.progress import Progress
from sedlab.training.detection import DetectionTask
from sedlab.training.distributed import make_fabric, num_devices, run_on_devices
from sedlab.training.fit import FitResult, Validate, fit
from sedlab.training.pretraining import PretrainingTask
from sedlab.training.shared_batchnorm import share_batchnorm


def train_node(
    node: Node,
    corpus: Corpus,
    cache: WaveformCache,
    folder: Path,
    *,
    init: Path | None = None,
    pretrained: Path | None = None,
    pseudo_labels: Mapping[str, Path] | None = None,
    teacher_logits: Path | None = None,
    validate: Validate | None = None,
    progress: Progress | None = None,
) -> FitResult:
    """Train one node and write ``best.pt``, ``last.pt`` and ``history.csv`` to ``folder``; resume if it was begun.

    Parameters
    ----------
    init : path of a detector checkpoint
        Stage 1's ``best.pt``, from which stage 2 starts (student and teacher).
    pretrained : path of a checkpoint, our own or a published one
        Where the transformer's weights come from in stage 1 and in pre-training; None: initial weights.
    pseudo_labels : score file for each training subset
        Needed when the node's pseudo-label weight is above 0.
    teacher_logits : path of an HDF5 file
        Needed in pre-training when the weight of distillation is above 0, see `sedlab.data.teacher_logits`.
    validate : function of the networks
        Scores them on the validation sets, see `fit`. With several devices it must be picklable.

    Raises
    ------
    SedlabError
        When clips, checkpoints or pseudo-labels the node needs are missing, or a process of several fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trainer = node.training.trainer
    arguments = {
        "node": node,
        "corpus": corpus,
        "cache": cache,
        "folder": folder,
        "init": init,
        "pretrained": pretrained,
        "pseudo_labels": pseudo_labels,
        "teacher_logits": teacher_logits,
        "validate": validate,
    }
    if num_devices(trainer) > 1:
        return run_on_devices(_train, arguments, trainer, progress)
    return _train(**arguments, progress=progress)


def _train(
    node: Node,
    corpus: Corpus,
    cache: WaveformCache,
    folder: Path,
    *,
    init: Path | None,
    pretrained: Path | None,
    pseudo_labels: Mapping[str, Path] | None,
    teacher_logits: Path | None,
    validate: Validate | None,
    progress: Progress | None,
) -> FitResult:
    """Be the only process of a training, or one of several."""
    fabric = make_fabric(node.training.trainer)
    if node.stage == "pretrain":
        classes = label_space(node.training.label_space, corpus)
        loader = _pretraining_loader(node, corpus, cache, classes, teacher_logits, fabric)
        task = PretrainingTask(node, fabric, classes=classes, init=pretrained)
    else:
        loader = _detection_loader(node, corpus, cache, pseudo_labels, fabric)
        responses = device_responses(node, corpus.root)
        task = DetectionTask(node, fabric, init=init, pretrained=pretrained, responses=responses)
    for network in task.networks.values():
        if fabric.world_size > 1:
            share_batchnorm(network)
        if node.training.trainer.compile:
            compile_parts(network)
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
    node: Node,
    corpus: Corpus,
    cache: WaveformCache,
    pseudo_labels: Mapping[str, Path] | None,
    fabric: Fabric,
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
    dataset = SedDataset(
        corpus.subset(*present),
        cache,
        training=True,
        pseudo_labels=used,
        wavmix_probability=node.training.augment.wavmix.p,
        wavmix_alpha=node.training.augment.wavmix.alpha,
        seed=node.seed,
    )
    sampler = GroupBatchSampler(dataset.group_indices(), sizes, seed=node.seed)
    return BatchLoader(dataset, sampler, sizes, trainer=node.training.trainer, fabric=fabric)


def device_responses(node: Node, root: Path) -> Tensor | None:
    """Return the device responses (R, samples) that the stage records clips with; None when it does not."""
    config = node.training.augment.device_response
    return align_responses(read_device_responses(root / config.folder)) if config.p else None


def _pretraining_loader(
    node: Node,
    corpus: Corpus,
    cache: WaveformCache,
    classes: tuple[str, ...],
    teacher_logits: Path | None,
    fabric: Fabric,
) -> BatchLoader:
    config = node.training
    if "audioset_train" not in corpus.subsets:
        raise SedlabError(
            f"{corpus.root}: no audioset_train clips to pre-train on. Set pretrain to null to go without."
        )
    part = corpus.subset("audioset_train")
    teachers = None
    if config.distillation.weight:
        if teacher_logits is None:
            raise SedlabError(f"{node.name}: distillation has weight {config.distillation.weight}, but no logits.")
        teachers = {"audioset_train": read_teacher_logits(teacher_logits, part.clips["clip_id"].tolist(), classes)}
    dataset = SedDataset.for_audioset(
        part,
        cache,
        classes=classes,
        training=True,
        pseudo_labels=teachers,
        wavmix_probability=config.augment.wavmix.p,
        wavmix_alpha=config.augment.wavmix.alpha,
        seed=node.seed,
    )
    sampler = ClipBatchSampler(
        len(part),
        config.batch_size,
        seed=node.seed,
        samples_per_epoch=config.samples_per_epoch,
        weights=balanced_weights(part, classes) if config.sampler == "balanced" else None,
    )
    return BatchLoader(dataset, sampler, {"audioset": config.batch_size}, trainer=config.trainer, fabric=fabric)


def compile_parts(network: nn.Module) -> None:
    """Compile what takes the time, in place: names of parameters, and with them checkpoints, stay as they are."""
    network.transformer.compile()
    if getattr(network, "cnn", None) is not None:
        network.cnn.compile()
