"""Run a network over clips and collect what it says about every frame.

The first 10 s of a clip are scored; shorter clips are padded with silence. Score files, of which pseudo-labels are
made, hold logits of float32, as published; validation asks for the precision of training, as published, too. A clip's
scores are its own, whatever lies beside it in the batch.

Shape letters: B clips, C classes, T frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, Unpack

import numpy as np
import pandas as pd

from sedlab.data.batch import to_float
from sedlab.data.corpora.layout import family
from sedlab.data.targets import frame_times
from sedlab.errors import SedlabError
from sedlab.grid import CLIP_SAMPLES, CLIP_SECONDS
from sedlab.inference.evaluating import evaluating, on_device
from sedlab.inference.fetching import collected, memory_for
from sedlab.inference.half_precision import Autocast, half_precision
from sedlab.labels import CLASSES, DCASE, LabelSpace
from sedlab.progress import Progress, no_progress
from sedlab.scoring.scores.file import Attribute, ScoreFile
from sedlab.system.ahead import Ahead

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
    """How clips go through a network; it changes speed and memory and, but for half precision, not the scores."""

    batch_size: int
    """Default: 16."""
    device: str
    """Where the network is moved; default: cpu."""
    precision: str
    """As ``trainer.precision``; default 32-true. A CPU scores in float32 whatever it is."""
    progress: Progress
    """Counts clips."""


def predict_logits(
    detector: nn.Module,
    cache: WaveformReader,
    clips: pd.DataFrame,
    *,
    classes: Sequence[str] | None = None,
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
        What the detector's outputs stand for; by default what it says itself, or the task's classes.
    attrs : dict
        Kept with the scores, such as the model's name.
    """
    ((logits, _),) = _predict({"": detector}, cache, clips, None, **batching).values()
    classes = getattr(detector, "classes", CLASSES) if classes is None else classes
    return ScoreFile(list(clips["clip_id"]), logits, tuple(classes), frame_times(), dict(attrs or {}))


def predict_masked(
    detector: nn.Module,
    cache: WaveformReader,
    clips: pd.DataFrame,
    *,
    space: LabelSpace = DCASE,
    **batching: Unpack[Batching],
) -> Predictions:
    """Score ``clips`` as in validation: the weak output only attends to classes that the clip's corpus annotates.

    The logits of ``scores`` are not masked; multiply their probabilities by ``mask``.
    """
    return predict_networks({"": detector}, cache, clips, space=space, **batching)[""]


def predict_networks(
    detectors: Mapping[str, nn.Module],
    cache: WaveformReader,
    clips: pd.DataFrame,
    *,
    space: LabelSpace = DCASE,
    **batching: Unpack[Batching],
) -> dict[str, Predictions]:
    """Return `predict_masked` of several detectors of one configuration by name; every clip is read once.

    Their front-ends are the same and are asked once, and so are transformers with the same weights (stage 1). ``space``
    says what their outputs stand for.
    """
    valid = {name: space.valid(family(name), training=False) for name in clips["subset"].unique()}
    mask = np.array([valid[name] for name in clips["subset"]], dtype=bool).reshape(len(clips), len(space.classes))
    clip_ids = list(clips["clip_id"])
    return {
        name: Predictions(ScoreFile(clip_ids, logits, space.classes, frame_times()), weak, mask)
        for name, (logits, weak) in _predict(detectors, cache, clips, mask, **batching).items()
    }


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
    device = batching.get("device", "cpu")
    cast = Autocast(half_precision(batching.pop("precision", "32-true"), device), device)

    def results() -> Iterator[tuple[Tensor, ...]]:
        for waveform, _ in _batches(cache, clips, **batching):
            features = tagger.features(waveform)
            yield cast(lambda features=features: (tagger(features).transpose(1, 2),))

    with evaluating(on_device(tagger, device)):
        (logits,) = collected(results(), len(clips))
    num_frames = logits.shape[1]
    times = frame_times(num_frames, frame_seconds=CLIP_SECONDS / num_frames)
    return ScoreFile(list(clips["clip_id"]), logits, tuple(classes), times, dict(attrs or {}))


def _predict(
    detectors: Mapping[str, nn.Module],
    cache: WaveformReader,
    clips: pd.DataFrame,
    mask: np.ndarray | None,
    precision: str = "32-true",
    **batching: Unpack[Batching],
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return strong logits (clips, frames, classes) and weak probabilities; ``mask`` is as in ``Predictions``."""
    import torch

    device = batching.get("device", "cpu")
    cast = Autocast(half_precision(precision, device), device)
    first, *others = detectors.values()

    def results() -> Iterator[tuple[Tensor, ...]]:
        sources = [first, *(first if _same_embedding(first, other) else other for other in others)]
        for waveform, rows in _batches(cache, clips, **batching):
            features = first.features(waveform)
            batch_mask = None if mask is None else torch.from_numpy(mask[rows]).to(waveform.device, non_blocking=True)

            def scores(features: Any = features, batch_mask: Tensor | None = batch_mask) -> tuple[Tensor, ...]:
                embeddings = {source: source.embed(features.transformer) for source in dict.fromkeys(sources)}
                found: list[Tensor] = []
                for detector, source in zip(detectors.values(), sources, strict=True):
                    (said,) = detector(features.mel, embeddings[source], masks=(batch_mask,))
                    found += (said.logits.transpose(1, 2), said.weak)
                return tuple(found)

            yield cast(scores)

    with ExitStack() as stack:
        for detector in detectors.values():
            stack.enter_context(evaluating(on_device(detector, device)))
        arrays = collected(results(), len(clips))
    return dict(zip(detectors, zip(arrays[::2], arrays[1::2], strict=True), strict=True))


def _same_embedding(one: nn.Module, other: nn.Module) -> bool:
    """Return whether two networks make the same of the transformer's features, as those of stage 1 do."""
    import torch

    if one is other:
        return True
    parts = [[getattr(network, name, None) for name in ("transformer", "wrapper")] for network in (one, other)]
    states = [[{} if part is None else part.state_dict() for part in found] for found in parts]
    return parts[0][0] is not None and all(
        left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)
        for left, right in zip(*states, strict=True)
    )


def _batches(
    cache: WaveformReader,
    clips: pd.DataFrame,
    batch_size: int = 16,
    device: str = "cpu",
    progress: Progress = no_progress,
) -> Iterator[tuple[Tensor, slice]]:
    """Yield waveforms (B, N) on ``device`` with the rows of ``clips`` they belong to; a thread reads ahead."""
    if clips.empty:
        raise SedlabError("there are no clips to predict. Check which subsets the data root holds (sedlab data check).")
    names = list(zip(clips["subset"], clips["clip_id"], strict=True))
    parts = [slice(start, min(start + batch_size, len(names))) for start in range(0, len(names), batch_size)]
    read = partial(_read, cache, device)
    with Ahead(read, (names[rows] for rows in parts)) as waveforms:
        for rows, waveform in zip(parts, waveforms, strict=True):
            yield to_float(waveform.to(device, non_blocking=True)), rows
            progress(rows.stop, len(names), "predict")


def _read(cache: WaveformReader, device: str, names: Sequence[tuple[str, str]]) -> Tensor:
    """Return the first 10 s of some clips (B, N), as they are stored where the cache can say, else as float32."""
    import torch

    if not hasattr(cache, "read_stored"):
        return torch.from_numpy(np.stack([cache.read(subset, clip_id) for subset, clip_id in names]))
    stored = memory_for(device, (len(names), CLIP_SAMPLES), dtype=torch.int16)
    for (subset, clip_id), row in zip(names, stored.numpy(), strict=True):
        cache.read_stored(subset, clip_id, out=row)
    return stored
