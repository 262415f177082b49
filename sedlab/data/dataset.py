"""Clips of a corpus as training or evaluation examples.

Shape letters: N samples, C classes, T frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from sedlab.data.batch import Batch, Example, Targets, collate
from sedlab.data.cache import WaveformCache
from sedlab.data.corpora.layout import GROUPS, family
from sedlab.data.stored_logits import StoredProbabilities
from sedlab.data.tables import Corpus
from sedlab.data.targets import event_arrays, group_events, strong_targets, weak_targets
from sedlab.errors import SedlabError
from sedlab.grid import (
    AUDIOSET_FRAME_SECONDS,
    AUDIOSET_NUM_FRAMES,
    CLIP_SAMPLES,
    FRAME_SECONDS,
    NUM_FRAMES,
    SAMPLE_RATE,
)
from sedlab.labels import CLASSES, MAESTRO_CLASSES, classes_mask, valid_classes

__all__ = ["Batch", "Example", "SedDataset", "collate"]

_SAMPLES_PER_MS = SAMPLE_RATE // 1000
#: Kinds of labels that say when something sounds.
_FRAME_LABELS = ("strong", "soft")
# Keeps the draws of partners apart from those of crops.
_PARTNER_STREAM = 1


class SedDataset(torch.utils.data.Dataset):
    """Examples of 10 s, in the order of the corpus's clip table, some of them with a partner to be mixed with.

    Shorter clips are padded with zeros. From longer ones, training takes 10 s at a random start in whole milliseconds,
    a function of (seed, epoch, index) alone; with pseudo-labels it takes the start, because that is what those were
    made from. Evaluation takes the first 10 s (the published system crops at random there too, so that its scores of
    the few longer clips differ from run to run).

    Parameters
    ----------
    corpus : Corpus
    cache : WaveformCache
        Must hold every clip of the corpus.
    training : bool
        Random crops, and masks that count aliased classes as annotated.
    classes, num_frames, frame_seconds :
        Label space and grid of the targets; the detector's by default. See ``for_audioset``.
    pseudo_labels : mapping of subset to StoredProbabilities, or None
        If given, must cover every clip of the corpus.
    wavmix_probability : float
        How often an example with frame labels brings a partner to be mixed with: another clip of its group in this
        corpus, each as likely as any other (the clip itself included, as published).
    wavmix_alpha : float
        The clip's share of the mixture is max(l, 1 - l) with l from Beta(alpha, alpha).
    seed : int
        Seed of crops and partners; both are functions of (seed, epoch, index) alone.

    Raises
    ------
    SedlabError
        When clips are not in the cache or not in the pseudo-labels.
    """

    def __init__(
        self,
        corpus: Corpus,
        cache: WaveformCache,
        *,
        training: bool,
        classes: Sequence[str] = CLASSES,
        num_frames: int = NUM_FRAMES,
        frame_seconds: float = FRAME_SECONDS,
        pseudo_labels: Mapping[str, StoredProbabilities] | None = None,
        wavmix_probability: float = 0.0,
        wavmix_alpha: float = 0.2,
        seed: int = 0,
    ) -> None:
        self.cache = cache
        self.training = training
        self.classes = tuple(classes)
        self.num_frames = num_frames
        self.frame_seconds = frame_seconds
        self.pseudo_labels = pseudo_labels
        self.wavmix_probability, self.wavmix_alpha = wavmix_probability, wavmix_alpha
        self.seed = seed
        # In shared memory, so that workers that live on see the next epoch.
        self._epoch = torch.zeros(1, dtype=torch.int64)
        with suppress(RuntimeError):  # without any, there can be no workers either
            self._epoch.share_memory_()

        clips = corpus.clips
        self._subsets = clips["subset"].tolist()
        self._clip_ids = clips["clip_id"].tolist()
        self._groups = clips["group"].tolist()
        self._label_kinds = clips["label_kind"].tolist()
        self._group_indices = self.group_indices()
        self._events = group_events(corpus.events, self.classes)
        self._no_events = event_arrays(corpus.events.iloc[:0], self.classes)
        self._masks = {name: self._mask(name, aliased=corpus.aliased) for name in corpus.subsets}
        self._check_cache()
        if pseudo_labels is not None:
            self._check_pseudo_labels(pseudo_labels)

    @classmethod
    def for_audioset(
        cls, corpus: Corpus, cache: WaveformCache, *, classes: Sequence[str], **options: Any
    ) -> SedDataset:
        """Return AudioSet-strong examples: targets (classes, 250) at 40 ms, every class annotated.

        ``options`` are the other parameters of the class.
        """
        return cls(
            corpus,
            cache,
            classes=classes,
            num_frames=AUDIOSET_NUM_FRAMES,
            frame_seconds=AUDIOSET_FRAME_SECONDS,
            **options,
        )

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that crops and partners are drawn for, also in workers already running."""
        self._epoch[0] = epoch

    def group_indices(self) -> dict[str, np.ndarray]:
        """Return the indices of the clips of each group that has any."""
        groups = np.array(self._groups)
        return {group: np.flatnonzero(groups == group) for group in GROUPS if (groups == group).any()}

    def __len__(self) -> int:
        return len(self._clip_ids)

    def __getitem__(self, index: int) -> Example:
        return self._with_partner(index)

    def batch(self, indices: Sequence[int]) -> Batch:
        """Return the batch of some examples; samples are read straight into its array, which saves a copy."""
        waveform = np.empty((len(indices), CLIP_SAMPLES), dtype=np.float32)
        examples = [self._with_partner(index, out=row) for index, row in zip(indices, waveform, strict=True)]
        return collate(examples, waveform=waveform)

    def _with_partner(self, index: int, out: np.ndarray | None = None) -> Example:
        example = self._example(index, out)
        if not self.wavmix_probability or self._label_kinds[index] not in _FRAME_LABELS:
            return example
        random = self._random(index, _PARTNER_STREAM)
        if random.random() >= self.wavmix_probability:
            return example
        group = self._group_indices[example.group]
        partner = self._example(int(group[random.integers(len(group))]))
        share = random.beta(self.wavmix_alpha, self.wavmix_alpha)
        return replace(example, partner=partner, share=max(share, 1 - share))

    def _example(self, index: int, out: np.ndarray | None = None) -> Example:
        subset, clip_id, kind = self._subsets[index], self._clip_ids[index], self._label_kinds[index]
        events = self._events.get((subset, clip_id), self._no_events)
        crop_ms = self._crop_ms(index)
        strong_CT = strong_targets(
            events if kind in _FRAME_LABELS else self._no_events,
            self.classes,
            self.num_frames,
            crop_ms / 1000,
            frame_seconds=self.frame_seconds,
        )
        weak_C = weak_targets(events, self.classes) if kind == "weak" else (strong_CT > 0).any(axis=1)
        pseudo_CT = None if self.pseudo_labels is None else self.pseudo_labels[subset][clip_id]
        return Example(
            waveform=self.cache.read(subset, clip_id, onset_sample=crop_ms * _SAMPLES_PER_MS, out=out),
            targets=Targets(strong_CT, weak_C.astype(np.float32), self._masks[subset], pseudo_CT),
            group=self._groups[index],
            subset=subset,
            clip_id=clip_id,
        )

    def _crop_ms(self, index: int) -> int:
        """Return the first millisecond of the clip that the example holds."""
        if not self.training or self.pseudo_labels is not None:
            return 0
        surplus = self.cache.num_samples(self._subsets[index], self._clip_ids[index]) - CLIP_SAMPLES
        if surplus < _SAMPLES_PER_MS:
            return 0
        return int(self._random(index).integers(surplus // _SAMPLES_PER_MS + 1))

    def _random(self, index: int, *stream: int) -> np.random.Generator:
        """Return the random numbers of an example in this epoch, whichever worker asks."""
        return np.random.default_rng([self.seed, int(self._epoch[0]), index, *stream])

    def _mask(self, subset: str, *, aliased: bool) -> np.ndarray:
        """Return the classes (C,) that the annotation of a subset can speak about."""
        if self.classes != CLASSES:
            return np.ones(len(self.classes), dtype=bool)
        corpus = family(subset)
        if self.training and not aliased and corpus == "maestro":
            return classes_mask(MAESTRO_CLASSES)
        return valid_classes(corpus, training=self.training and aliased)

    def _check_cache(self) -> None:
        missing = [key for key in zip(self._subsets, self._clip_ids, strict=True) if key not in self.cache]
        if missing:
            raise SedlabError(
                f"{self.cache.folder}: the waveform cache lacks {len(missing)} of {len(self)} clips "
                f"(first: {missing[0][1]} of {missing[0][0]}). Build it from the whole corpus."
            )

    def _check_pseudo_labels(self, pseudo_labels: Mapping[str, StoredProbabilities]) -> None:
        for subset in self._masks:
            if subset not in pseudo_labels:
                raise SedlabError(f"pseudo-labels: none given for {subset}. Make them for every training subset.")
            labels = pseudo_labels[subset]
            if labels.classes != self.classes or labels.num_frames != self.num_frames:
                raise SedlabError(
                    f"{labels.path}: {len(labels.classes)} classes on {labels.num_frames} frames; training needs the "
                    f"{len(self.classes)} task classes on {self.num_frames} frames. Make the pseudo-labels again."
                )
            wanted = [c for s, c in zip(self._subsets, self._clip_ids, strict=True) if s == subset]
            missing = [clip_id for clip_id in wanted if clip_id not in labels]
            if missing:
                raise SedlabError(
                    f"{labels.path}: no pseudo-labels for {len(missing)} of {len(wanted)} clips of {subset} "
                    f"(first: {missing[0]}). Make the pseudo-labels again, or leave these clips out."
                )
