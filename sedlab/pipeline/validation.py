"""Joins training and scoring, which must not know each other: the validation a training node calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sedlab.config.experiment import Node, TrainerConfig

if TYPE_CHECKING:
    from concurrent.futures import Future

    from torch import nn

    from sedlab.data.cache import WaveformCache
    from sedlab.data.tables import Corpus

#: Results, at once or to come.
Validate = Callable[[Mapping[str, "nn.Module"]], "dict[str, float] | Future[dict[str, float]]"]

#: Clips that a GPU scores at once where its memory allows.
GPU_BATCH = 128


def detector_validation(node: Node, corpus: Corpus, cache: WaveformCache) -> Validate:
    """Return the validation of stages 1 and 2: the objective of the student, and the mean teacher's beside it."""
    from sedlab.scoring.metrics.objective import check_validation

    part = corpus.select(split="val")
    check_validation(part)
    # Not a closure: training on several devices sends it to another process.
    return partial(_validate_detectors, part, cache, node.training.trainer)


def tagger_validation(node: Node, corpus: Corpus, cache: WaveformCache) -> Validate | None:
    """Return the validation of pre-training, PSDS1 on the AudioSet evaluation clips; None when there are none."""
    from sedlab.data.corpora.audioset_classes import label_space

    if "audioset_eval" not in corpus.subsets:
        return None
    classes = label_space(node.training.label_space, corpus)
    return partial(_validate_tagger, corpus.subset("audioset_eval"), cache, classes, node.training.trainer)


def evaluate_tagger(checkpoint: Path, node: Node, corpus: Corpus, cache: WaveformCache) -> list[dict[str, object]]:
    """Return the result rows of a pre-trained transformer; none when there are no AudioSet evaluation clips."""
    from sedlab.checkpoints.loading import load_tagger
    from sedlab.scoring.scores.predict import predict_tagger_logits
    from sedlab.scoring.subset import evaluate_score_file

    if "audioset_eval" not in corpus.subsets:
        return []
    tagger = load_tagger(checkpoint)
    part = corpus.subset("audioset_eval")
    device = score_device(node)
    scores = predict_tagger_logits(
        tagger, cache, part.clips, tagger.classes, batch_size=score_batch(node, device), device=device
    )
    return evaluate_score_file(scores, part, "audioset_eval", iteration=0, model=node.arch, stage="pretrain")


def score_device(node: Node) -> str:
    """Return the device that scores: CUDA where the node may use it and there is one."""
    import torch

    wanted = node.training.trainer.accelerator
    return "cuda" if wanted in ("auto", "cuda") and torch.cuda.is_available() else "cpu"


def score_batch(node: Node, device: str) -> int:
    """Return how many clips to score at once: `eval_batch`, on a GPU more if its memory allows. Scores do not mind."""
    return _batch(node.training.trainer, device)


def _batch(trainer: TrainerConfig, device: str) -> int:
    from sedlab.inference.evaluating import batch_that_fits

    return batch_that_fits(device, least=trainer.eval_batch, most=max(trainer.eval_batch, GPU_BATCH))


def _validate_detectors(
    part: Corpus, cache: WaveformCache, trainer: TrainerConfig, networks: Mapping[str, nn.Module]
) -> dict[str, float] | Future[dict[str, float]]:
    from sedlab.scoring.metrics.objective import predict_validation, validation_row
    from sedlab.system.aside import aside

    device = _device_of(networks)
    options = {"batch_size": _batch(trainer, device), "device": device, "precision": trainer.precision}
    predictions = predict_validation(networks, part, cache, **options)
    if not device.startswith("cuda"):
        return validation_row(predictions, part)
    # The metrics of thousands of clips take seconds, in which a GPU trains many steps.
    return aside(validation_row, predictions, part)


def _validate_tagger(
    part: Corpus,
    cache: WaveformCache,
    classes: tuple[str, ...],
    trainer: TrainerConfig,
    networks: Mapping[str, nn.Module],
) -> dict[str, float]:
    from sedlab.scoring.metrics.audioset import audioset_psds1
    from sedlab.scoring.scores.predict import predict_tagger_logits

    device = _device_of(networks)
    options = {"batch_size": _batch(trainer, device), "device": device, "precision": trainer.precision}
    scores = predict_tagger_logits(networks["student"], cache, part.clips, classes, **options)
    value = audioset_psds1(scores, part).overall
    # No class with an event: nothing tells checkpoints apart, and the last one must still be kept.
    return {"objective": 0.0 if math.isnan(value) else value}


def _device_of(networks: Mapping[str, nn.Module]) -> str:
    return str(next(networks["student"].parameters()).device)
