"""A clip of a batch before and after one augmentation, the others switched off.

Shape letters: B clips, N samples, F bins, T frames, C classes, R responses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sedlab.errors import SedlabError, nearest
from sedlab.grid import SAMPLE_RATE
from sedlab.labels import CLASSES
from sedlab.views.figures.clips.spectrogram import HOP, NUM_MELS, mel_power, relative_decibel
from sedlab.views.figures.lessons.strength import (
    changed_features,
    changed_sounds,
    settings_of,
    strength_of,
    with_upper_edge,
)

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from sedlab.config.augmentation import AugmentConfig
    from sedlab.config.model import DetectorConfig
    from sedlab.data.batch import Batch, Targets

#: Before and after.
Pair = tuple[np.ndarray, np.ndarray]
#: Augmentations in the order in which stage 2 applies them, and how they are called in print.
AUGMENTATIONS: dict[str, str] = {
    "wavmix": "Wavmix",
    "device_response": "Device response",
    "gain": "Gain",
    "band_edges": "Band edges of fPaSST",
    "harden": "Hardened labels",
    "frame_shift": "Frame shift",
    "time_mask": "Time mask",
    "mixup": "Mixup",
    "mixstyle": "Freq-MixStyle",
    "warp": "Frequency warp",
    "filter": "FilterAugment",
}
#: Those that change the sound itself, so that the result can be heard.
AUDIBLE = ("wavmix", "device_response", "gain")
# The published recipe does without gain.
_GAIN_DB = 12


@dataclass(frozen=True)
class Demonstration:
    """One clip before and after one augmentation; all pairs are (before, after)."""

    title: str
    features: Mapping[str, Pair]
    """(F, T) pictures by name: the spectrogram of the sound, or what the networks are given."""
    labels: Pair
    """(C, T) targets; clip-level ones fill the clip."""
    sounds: Pair | None
    """(N,) in [-1, 1]; None when the augmentation acts on features, of which there is no sound."""
    band_edges: Mapping[str, tuple[np.ndarray | None, np.ndarray | None]] = field(default_factory=dict)
    """(F + 2,) Hz of those features; None where they were drawn and nobody kept them."""
    classes: tuple[str, ...] = CLASSES
    """The rows of the labels"""


def demonstrate(
    name: str,
    batch: Batch,
    detector: DetectorConfig,
    *,
    responses: Tensor | None = None,
    clip: int | None = None,
    seed: int = 0,
    strength: float | None = None,
    **settings: Any,
) -> Demonstration:
    """Return a clip of ``batch`` before and after one augmentation, the others switched off.

    Parameters
    ----------
    name : one of `AUGMENTATIONS`
    detector : DetectorConfig
        Whose front-ends make the features.
    responses : (R, samples) Tensor
        Needed for "device_response", see `align_responses`.
    clip : int or None
        Place in the batch; None for the changed clip with the most labels.
    strength : float or None
        Exactly so strong, in the unit of `STRENGTHS`; None: drawn as in training.
    settings
        Options of the augmentation in place of the published ones, to see it better: ``db=(-20, 20)``.

    Raises
    ------
    SedlabError
        For an unknown augmentation, and when the batch or the detector lacks what it needs.
    """
    import torch

    if name not in AUGMENTATIONS:
        raise SedlabError(f"unknown augmentation {name!r}.{nearest(name, AUGMENTATIONS)}")
    _check_needs(name, batch, detector, responses)
    title = AUGMENTATIONS[name]
    if strength is not None:
        title += f", {strength_of(name).what} {strength_of(name).spell(strength)}"
        if (growing := settings_of(name, strength)) is not None:
            settings, strength = growing | settings, None
    generator = torch.Generator().manual_seed(seed)
    if name in AUDIBLE:
        change = _sound_change(name, batch, responses, generator, settings, strength)
    else:
        change = _feature_change(name, batch, detector, generator, settings, strength)
    if clip is None:
        relabelled = (change.targets.strong != batch.targets.strong).any(2).any(1)
        clip = _most_labels(batch, change.clips | relabelled)
    group = next(group for group, rows in batch.rows.present().items() if rows.start <= clip < rows.stop)
    return Demonstration(
        title=f"{title}: {group} clip {batch.clip_ids[clip]}",
        features=change.features(clip),
        labels=_labels(batch, change.targets, clip),
        sounds=change.sounds(clip) if change.sounds else None,
        band_edges=change.band_edges,
        classes=batch.classes,
    )


@dataclass(frozen=True)
class _Change:
    """What an augmentation did to a batch; pictures and sounds are made for one clip."""

    clips: Tensor
    """(B,) bool: those whose sound or features are changed"""
    targets: Targets
    features: Callable[[int], Mapping[str, Pair]]
    sounds: Callable[[int], Pair] | None = None
    band_edges: Mapping[str, tuple[np.ndarray | None, np.ndarray | None]] = field(default_factory=dict)


def _sound_change(
    name: str,
    batch: Batch,
    responses: Tensor | None,
    generator: torch.Generator,
    settings: Mapping[str, Any],
    strength: float | None,
) -> _Change:
    from sedlab.audio.mel_filters import band_edges
    from sedlab.training.augmentation import augment_waveforms

    alone = batch if name == "wavmix" else replace(batch, partners=None)
    if strength is not None:
        changed = changed_sounds(name, alone, strength, generator)
    else:
        responses = responses if name == "device_response" else None
        changed = augment_waveforms(alone, _alone(name, settings), generator, responses=responses)
    before, after = batch.waveform, changed.waveform

    def sounds(clip: int) -> Pair:
        return before[clip].numpy(), after[clip].numpy()

    def features(clip: int) -> Mapping[str, Pair]:
        return {"Spectrogram": _decibels(*(mel_power(sound, SAMPLE_RATE, hop=HOP) for sound in sounds(clip)))}

    edges = band_edges(NUM_MELS, 0, SAMPLE_RATE / 2).numpy()
    return _Change((after != before).any(1), changed.targets, features, sounds, {"Spectrogram": (edges, edges)})


def _feature_change(
    name: str,
    batch: Batch,
    detector: DetectorConfig,
    generator: torch.Generator,
    settings: Mapping[str, Any],
    strength: float | None,
) -> _Change:
    from sedlab.audio.frontends import CrnnMel, build_frontend
    from sedlab.models.detector import Features
    from sedlab.training.augmentation import augment
    from sedlab.training.augmentation_steps import Clips

    frontend = build_frontend(detector.transformer).eval()
    crnn = CrnnMel(detector.crnn)
    before = Features(crnn(batch.waveform), frontend(batch.waveform))
    edges_after = frontend.band_edges.numpy()
    if name == "band_edges":
        if strength is None:
            other, edges_after = frontend.train(), None
        else:
            other = build_frontend(with_upper_edge(detector.transformer, strength)).eval()
            edges_after = other.band_edges.numpy()
        after, targets = before._replace(transformer=other(batch.waveform, generator)), batch.targets
    elif strength is not None:
        num_labels = batch.targets.strong.shape[-1]
        scales = round(before.mel.shape[-1] / num_labels), before.transformer.shape[-1] / num_labels
        clips = changed_features(name, Clips(before, scales, batch.targets, batch.rows), strength, generator)
        after, targets = clips.streams, clips.targets
    else:
        augmented = augment(before, batch.targets, batch.rows, _alone(name, settings), generator)
        after, targets = augmented.student, augmented.targets

    def features(clip: int) -> Mapping[str, Pair]:
        power = (view.mel[clip, 0].clamp(min=0).numpy() ** 2 for view in (before, after))
        transformer = tuple(view.transformer[clip, 0].numpy() for view in (before, after))
        return {"CRNN's magnitudes (dB)": _decibels(*power), "Transformer's features": transformer}

    mel, transformer = before.mel != after.mel, before.transformer != after.transformer
    edges = {
        "CRNN's magnitudes (dB)": (crnn.band_edges.numpy(),) * 2,
        "Transformer's features": (frontend.band_edges.numpy(), edges_after),
    }
    return _Change(mel.flatten(1).any(1) | transformer.flatten(1).any(1), targets, features, band_edges=edges)


def _check_needs(name: str, batch: Batch, detector: DetectorConfig, responses: Tensor | None) -> None:
    if name == "wavmix" and batch.partners is None:
        raise SedlabError("wavmix: no clip of the batch has a partner. Give the dataset wavmix_probability=1.0.")
    if name == "device_response" and responses is None:
        raise SedlabError("device_response: no responses given. Read them with read_device_responses.")
    if name == "band_edges" and detector.transformer.arch != "passt":
        raise SedlabError(f"band_edges: {detector.transformer.arch} has fixed bands. Use the detector with fPaSST.")


def _alone(name: str, settings: Mapping[str, Any]) -> AugmentConfig:
    from sedlab.config.augmentation import AugmentConfig

    section = {"max_db": _GAIN_DB} if name == "gain" else {"p": 1.0}
    return AugmentConfig(**{"mixup": {"p": 0.0}, name: section | dict(settings)})


def _most_labels(batch: Batch, candidates: Tensor) -> int:
    """Return the candidate (B,) bool with the most labelled frames; of none, the first clip."""
    return int(((batch.targets.strong > 0).sum(dim=(1, 2)) + 1).mul(candidates).argmax())


def _labels(batch: Batch, after: Targets, clip: int) -> Pair:
    weak, both = batch.rows.weak, (batch.targets, after)
    if weak.start <= clip < weak.stop:
        num_frames = after.strong.shape[-1]
        return tuple(targets.weak[clip, :, None].expand(-1, num_frames).numpy() for targets in both)
    return tuple(targets.strong[clip].numpy() for targets in both)


def _decibels(before: np.ndarray, after: np.ndarray) -> Pair:
    """Return two powers (F, T) in dB below the louder one's maximum."""
    both = relative_decibel(np.concatenate([before, after], axis=1))
    return both[:, : before.shape[1]], both[:, before.shape[1] :]
