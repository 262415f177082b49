"""Run a network over clips and collect what it says about every frame.

The first 10 s of a clip are scored; shorter clips are padded with silence. No rounding, no mixed precision: the logits
are what metrics and pseudo-labels are made of. A clip's scores are its own, whatever lies beside it in the batch.

Shape letters: B clips, C classes, T frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypedDict, Unpack

import numpy as np
import pandas as pd

from sedlab.data.corpora.layout import family
from sedlab.data.targets import frame_times
from sedlab.errors import SedlabError
from sedlab.grid import CLIP_SECONDS
from sedlab.inference.evaluating import evaluating
from sedlab.labels import CLASSES, valid_classes
from sedlab.progress import Progress, no_progress
from sedlab.scoring.scores.file import Attribute, ScoreFile

if TYPE_CHECKING:
    from torch import Tensor, nn


class WaveformReader(Protocol):
    """Where waveforms come from; `data.cache.WaveformCache` is one."""

    def read(self, subset: str, clip_id: str) -> np.ndarray:
        """Return the first 10 s of a clip at 16 kHz, (160000,) float32, padded with zeros."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Strong and weak output of a detector for a set of clips."""

    scores: ScoreFile
    weak: np.ndarray
    """(clips, classes) clip-level probabilities; a masked class has 0."""
    mask: np.ndarray
    """(clips, classes) classes the pooling could attend to."""


class Batching(TypedDict, total=False):
    """How clips go through a network; it changes speed and memory, not the scores."""

    batch_size: int
    """Default: 16."""
    device: str
    """Where the network is moved; default: cpu."""
    progress: Progress
    """Counts clips."""


def predict_logits(
    detector: nn.Module,
    cache: WaveformReader,
    clips: pd.DataFrame,
    *,
    classes: Sequence[str] = CLASSES,
    attrs: Mapping[str, Attribute] | None = None,
    **batching: Unpack[Batching],
) -> ScoreFile:
    """Score ``clips`` with a detector in evaluation mode, without class mask; its own mode is restored afterwards.

    Parameters
    ----------
    detector : models.Detector
    clips : DataFrame
        Columns subset and clip_id, as in the clip table. Clip ids must be unique.
    classes : sequence of str
        What the detector's outputs stand for.
    attrs : dict
        Kept with the scores, such as the model's name.
    """
    logits, _ = _predict(detector, cache, clips, None, **batching)
    return ScoreFile(list(clips["clip_id"]), logits, tuple(classes), frame_times(), dict(attrs or {}))


def predict_masked(
    detector: nn.Module, cache: WaveformReader, clips: pd.DataFrame, **batching: Unpack[Batching]
) -> Predictions:
    """Score ``clips`` as in validation: the weak output only attends to classes that the clip's corpus annotates.

    The logits of ``scores`` are not masked; multiply their probabilities by ``mask``.
    """
    valid = [valid_classes(family(subset), training=False) for subset in clips["subset"]]
    mask = np.array(valid, dtype=bool).reshape(len(clips), len(CLASSES))
    logits, weak = _predict(detector, cache, clips, mask, **batching)
    return Predictions(ScoreFile(list(clips["clip_id"]), logits, CLASSES, frame_times()), weak, mask)


def predict_tagger_logits(
    tagger: nn.Module,
    cache: WaveformReader,
    clips: pd.DataFrame,
    classes: Sequence[str],
    *,
    attrs: Mapping[str, Attribute] | None = None,
    **batching: Unpack[Batching],
) -> ScoreFile:
    """Score ``clips`` with a pre-trained frame tagger (``.features(waveform)``, then logits (B, C, 250))."""
    logits = []
    with evaluating(tagger.to(batching.get("device", "cpu"))):
        for waveform, _ in _batches(cache, clips, **batching):
            logits.append(_to_numpy(tagger(tagger.features(waveform)).transpose(1, 2)))
    num_frames = logits[0].shape[1]
    times = frame_times(num_frames, frame_seconds=CLIP_SECONDS / num_frames)
    return ScoreFile(list(clips["clip_id"]), np.concatenate(logits), tuple(classes), times, dict(attrs or {}))


def _predict(
    detector: nn.Module,
    cache: WaveformReader,
    clips: pd.DataFrame,
    mask: np.ndarray | None,
    **batching: Unpack[Batching],
) -> tuple[np.ndarray, np.ndarray]:
    """Return strong logits (clips, frames, classes) and weak probabilities; ``mask`` is as in ``Predictions``."""
    import torch

    logits, weak = [], []
    with evaluating(detector.to(batching.get("device", "cpu"))):
        for waveform, rows in _batches(cache, clips, **batching):
            features = detector.features(waveform)
            batch_mask = None if mask is None else torch.from_numpy(mask[rows]).to(waveform.device)
            (scores,) = detector(features.mel, detector.embed(features.transformer), masks=(batch_mask,))
            logits.append(_to_numpy(scores.logits.transpose(1, 2)))
            weak.append(_to_numpy(scores.weak))
    return np.concatenate(logits), np.concatenate(weak)


def _batches(
    cache: WaveformReader,
    clips: pd.DataFrame,
    batch_size: int = 16,
    device: str = "cpu",
    progress: Progress = no_progress,
) -> Iterator[tuple[Tensor, slice]]:
    """Yield waveforms (B, N) on ``device`` with the rows of ``clips`` they belong to."""
    import torch

    if clips.empty:
        raise SedlabError("there are no clips to predict. Check which subsets the data root holds (sedlab data check).")
    names = list(zip(clips["subset"], clips["clip_id"], strict=True))
    for start in range(0, len(names), batch_size):
        rows = slice(start, min(start + batch_size, len(names)))
        waveform = np.stack([cache.read(subset, clip_id) for subset, clip_id in names[rows]])
        yield torch.from_numpy(waveform).to(device), rows
        progress(rows.stop, len(names), "predict")


def _to_numpy(tensor: Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()
