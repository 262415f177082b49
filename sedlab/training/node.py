"""Train one node of the experiment's graph: data, networks and loop put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
from sedlab.data.sampler import BatchSampler, GroupBatchSampler
from sedlab.data.stored_logits import StoredProbabilities
from sedlab.data.tables import Corpus
from sedlab.data.teacher_logits import read_teacher_logits
from sedlab.errors import SedlabError, warn_once
from sedlab.models.kernels.choice import choose as choose_ways
from sedlab.progress import Progress
from sedlab.training.detection import DetectionTask
from sedlab.training.device.hardware import choose
from sedlab.training.device.layers import fastest_layers
from sedlab.training.distributed import make_fabric, num_devices, run_on_devices
from sedlab.training.fit import FitResult, Validate, fit
from sedlab.training.pretraining import PretrainingTask
from sedlab.training.shared_batchnorm import share_batchnorm
from sedlab.training.watch import Watch


@dataclass(frozen=True)
class TrainingInputs:
    """What a node is trained on, where its networks come from, and where they go."""

    node: Node
    corpus: Corpus
    cache: WaveformCache
    folder: Path
    init: Path | None = None
    """Stage 1's ``best.pt``, from which stage 2 starts (student and teacher)."""
    pretrained: Path | None = None
    """A checkpoint, our own or a published one, whose transformer stage 1 and pre-training start from; None: initial
    weights."""
    pseudo_labels: Mapping[str, Path] | None = None
    """The score file of each training subset; needed when the node's pseudo-label weight is above 0."""
    teacher_logits: Path | None = None
    """See `sedlab.data.teacher_logits`; needed in pre-training when the weight of distillation is above 0."""
    validate: Validate | None = None
    """Scores the networks on the validation sets, see `fit`. With several devices it must be picklable."""
    stop_file: Path | None = None
    """The training stops after a step once this file is there, and can go on from where it was."""


def train_node(inputs: TrainingInputs, progress: Progress | None = None, *, watch: Watch | None = None) -> FitResult:
    """Train one node and write ``best.pt``, ``last.pt`` and ``history.csv`` to its folder; resume if it was begun.

    Groups of which the corpus has no clips are left out of its batches, with a warning.
    ``progress`` is called after each step, ``watch`` about once a second with all there is to tell.

    Raises
    ------
    TrainingStopped
        When it was asked to stop.
    SedlabError
        When clips, checkpoints or pseudo-labels the node needs are missing, or a process of several fails.
    """
    inputs.folder.mkdir(parents=True, exist_ok=True)
    node, empty = without_empty_groups(inputs.node, inputs.corpus)
    if empty:
        what = ", ".join(empty)
        warn_once(f"{node.name}: no training clips of {what} in {inputs.corpus.root}; batches do without.")
        inputs = replace(inputs, node=node)
    trainer = node.training.trainer
    if num_devices(trainer) > 1:
        return run_on_devices(_train, {"inputs": inputs}, trainer, {"progress": progress, "watch": watch})
    return _train(inputs, progress, watch)


def without_empty_groups(node: Node, corpus: Corpus) -> tuple[Node, tuple[str, ...]]:
    """Return the node with batches that do without the groups of which the corpus has no clips, and these groups.

    Raises
    ------
    SedlabError
        When no labelled clips are left to learn from.
    """
    if node.stage == "pretrain":
        return node, ()
    there = {layout(name).group for name in TRAIN_SUBSETS if name in corpus.subsets}
    sizes = node.training.batch.model_dump()
    empty = tuple(group for group, size in sizes.items() if size and group not in there)
    left = {group for group, size in sizes.items() if size} - set(empty)
    if not left - {"unlabeled"}:
        wanted = [name for name in TRAIN_SUBSETS if sizes[layout(name).group] and name != "unlabeled_train"]
        raise SedlabError(
            f"{corpus.root}: no labelled training clips (none of {', '.join(wanted)}). Add one of these sets, or set "
            "data.root to the folder that has it."
        )
    if not empty:
        return node, ()
    batch = node.training.batch.model_copy(update=dict.fromkeys(empty, 0))
    return node.model_copy(update={"training": node.training.model_copy(update={"batch": batch})}), empty


def _train(inputs: TrainingInputs, progress: Progress | None, watch: Watch | None) -> FitResult:
    """Train in this process, alone or as one of several."""
    node, corpus = inputs.node, inputs.corpus
    trainer = node.training.trainer
    fabric, hardware = make_fabric(trainer), choose(trainer)
    share = {"seed": node.seed, "rank": fabric.global_rank, "num_ranks": fabric.world_size}
    if node.stage == "pretrain":
        classes = label_space(node.training.label_space, corpus)
        dataset, sampler = _pretraining_batches(inputs, classes, share)
        task = PretrainingTask(node, fabric, classes=classes, init=inputs.pretrained)
    else:
        dataset, sampler = _detection_batches(inputs, share)
        responses = device_responses(node, corpus.root)
        start = {"init": inputs.init, "pretrained": inputs.pretrained}
        task = DetectionTask(node, fabric, **start, responses=responses, space=corpus.space)
    for network in task.networks.values():
        if fabric.world_size > 1:
            share_batchnorm(network)
        if hardware.compile:
            compile_parts(network)
    if hardware.fast_layers:
        choose_ways("cuda", **fastest_layers(node, hardware))
    is_gpu = fabric.device.type == "cuda"
    with BatchLoader(dataset, sampler, num_workers=trainer.num_workers, pin_memory=is_gpu) as loader:
        return fit(
            task,
            loader,
            node,
            inputs.folder,
            fabric=fabric,
            save_best=task.save,
            validate=inputs.validate,
            progress=progress,
            watch=watch,
            stop_file=inputs.stop_file,
        )


def _detection_batches(inputs: TrainingInputs, share: Mapping[str, int]) -> tuple[SedDataset, BatchSampler]:
    node, corpus = inputs.node, inputs.corpus
    sizes = {group: size for group, size in node.training.batch.model_dump().items() if size}
    present = [name for name in TRAIN_SUBSETS if layout(name).group in sizes and name in set(corpus.clips["subset"])]
    pseudo_labels = None
    if node.training.loss.pseudo:
        if inputs.pseudo_labels is None:
            raise SedlabError(
                f"{node.name}: the pseudo-label loss has weight {node.training.loss.pseudo}, but there are none. Give "
                f"pseudo_labels, or set {node.stage}.loss.pseudo to 0."
            )
        files = {path: read_pseudo_labels(path) for path in set(inputs.pseudo_labels.values())}
        pseudo_labels = {name: files[inputs.pseudo_labels[name]] for name in present}
    dataset = SedDataset(corpus.subset(*present), inputs.cache, **_training_options(node, pseudo_labels))
    return dataset, GroupBatchSampler(dataset.group_indices(), sizes, **share)


def _pretraining_batches(
    inputs: TrainingInputs, classes: tuple[str, ...], share: Mapping[str, int]
) -> tuple[SedDataset, BatchSampler]:
    node, config = inputs.node, inputs.node.training
    if "audioset_train" not in inputs.corpus.subsets:
        raise SedlabError(
            f"{inputs.corpus.root}: no audioset_train clips to pre-train on. Set pretrain to null to go without."
        )
    part = inputs.corpus.subset("audioset_train")
    teachers = None
    if config.distillation.weight:
        if inputs.teacher_logits is None:
            raise SedlabError(
                f"{node.name}: distillation has weight {config.distillation.weight}, but there are no logits. Give "
                "teacher_logits, or set pretrain.distillation.weight to 0."
            )
        logits = read_teacher_logits(inputs.teacher_logits, part.clips["clip_id"].tolist(), classes)
        teachers = {"audioset_train": logits}
    dataset = SedDataset.for_audioset(part, inputs.cache, classes=classes, **_training_options(node, teachers))
    sampler = ClipBatchSampler(
        len(part),
        config.batch_size,
        samples_per_epoch=config.samples_per_epoch,
        weights=balanced_weights(part, classes) if config.sampler == "balanced" else None,
        **share,
    )
    return dataset, sampler


def _training_options(node: Node, pseudo_labels: Mapping[str, StoredProbabilities] | None) -> dict[str, Any]:
    """Return what every stage tells its dataset."""
    wavmix = node.training.augment.wavmix
    return {
        "training": True,
        "pseudo_labels": pseudo_labels,
        "wavmix_probability": wavmix.p,
        "wavmix_alpha": wavmix.alpha,
        "seed": node.seed,
    }


def device_responses(node: Node, root: Path) -> Tensor | None:
    """Return the device responses (R, samples) that the stage records clips with; None when it does not."""
    config = node.training.augment.device_response
    return align_responses(read_device_responses(root / config.folder)) if config.p else None


def compile_parts(network: nn.Module) -> None:
    """Compile what takes the time, in place: names of parameters, and with them checkpoints, stay as they are."""
    network.transformer.compile()
    if getattr(network, "cnn", None) is not None:
        network.cnn.compile()
