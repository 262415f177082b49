"""Clips of a corpus as training or evaluation examples.

Shape letters: N samples, C classes, T frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sedlab.data.batch import Batch, Example, Partners, Rows, Targets, collate
from sedlab.data.batch_targets import BatchTargets
from sedlab.data.cache import WaveformCache
from sedlab.data.corpora.layout import GROUPS, family
from sedlab.data.pseudo_labels import require_pseudo_labels
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
        Label space and grid of the targets; by default the classes of the corpus on the detector's grid. See
        ``for_audioset``.
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
        classes: Sequence[str] | None = None,
        num_frames: int = NUM_FRAMES,
        frame_seconds: float = FRAME_SECONDS,
        pseudo_labels: Mapping[str, StoredProbabilities] | None = None,
        wavmix_probability: float = 0.0,
        wavmix_alpha: float = 0.2,
        seed: int = 0,
    ) -> None:
        self.cache = cache
        self.training = training
        self.space = corpus.space
        self.classes = self.space.classes if classes is None else tuple(classes)
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
            keys = zip(self._subsets, self._clip_ids, strict=True)
            require_pseudo_labels(pseudo_labels, keys, self._masks, classes=self.classes, num_frames=num_frames)
        self._prepare_batches()

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

    def batch(
        self, indices: Sequence[int], *, epoch: int | None = None, empty: Callable[..., Tensor] = torch.empty
    ) -> Batch:
        """Return the batch of some examples, sorted by group (stable): that of `collate`, but with waveforms as int16.

        Everything is written straight to its place in the batch. Safe to call from several threads.

        Parameters
        ----------
        epoch : int, optional
            Whose crops and partners; None: that of `set_epoch`.
        empty : function
            Takes a shape and a dtype, and returns the memory to write to.
        """
        epoch = self._current_epoch if epoch is None else epoch
        rows = np.asarray(indices)
        rows = rows[np.argsort(self._ranks[rows], kind="stable")]
        waveform, targets = self._content(rows, epoch, empty)
        counts = dict(zip(GROUPS, np.bincount(self._ranks[rows], minlength=len(GROUPS)).tolist(), strict=True))
        return Batch(
            waveform=waveform,
            targets=targets,
            rows=Rows.of(counts),
            subsets=[self._subsets[row] for row in rows],
            clip_ids=[self._clip_ids[row] for row in rows],
            partners=self._partners(rows, epoch, empty),
            classes=self.classes,
        )

    def _partners(self, rows: np.ndarray, epoch: int, empty: Callable[..., Tensor]) -> Partners | None:
        drawn = ((place, self._partner(row, epoch)) for place, row in enumerate(rows.tolist()))
        drawn = [(place, *partner) for place, partner in drawn if partner]
        if not drawn:
            return None
        places, partners, shares = zip(*drawn, strict=True)
        waveform, targets = self._content(np.array(partners), epoch, empty)
        found = torch.tensor(places), torch.tensor(shares, dtype=torch.float32)
        own = [empty(values.shape, dtype=values.dtype).copy_(values) for values in found]
        return Partners(*own, waveform, targets)

    def _content(self, rows: np.ndarray, epoch: int, empty: Callable[..., Tensor]) -> tuple[Tensor, Targets]:
        """Return the samples (B, N) int16 and the targets of some examples."""
        crops = [self._crop_ms(row, epoch) if self._is_longer[row] else 0 for row in rows.tolist()]
        waveform = empty((len(rows), CLIP_SAMPLES), dtype=torch.int16)
        for row, crop_ms, out in zip(rows.tolist(), crops, waveform.numpy(), strict=True):
            subset, clip_id = self._subsets[row], self._clip_ids[row]
            self.cache.read_stored(subset, clip_id, out=out, onset_sample=crop_ms * _SAMPLES_PER_MS)

        cropped = {place: self._strong_targets(rows[place], crops[place]) for place in np.flatnonzero(crops).tolist()}
        targets = self._targets.write(rows, cropped, empty)
        return waveform, replace(targets, pseudo=self._pseudo_labels(rows, empty))

    def _pseudo_labels(self, rows: np.ndarray, empty: Callable[..., Tensor]) -> Tensor | None:
        if self.pseudo_labels is None:
            return None
        pseudo = empty((len(rows), len(self.classes), self.num_frames), dtype=torch.float32)
        subsets = np.array([self._subsets[row] for row in rows])
        for subset in dict.fromkeys(subsets.tolist()):
            places = np.flatnonzero(subsets == subset)
            pseudo.numpy()[places] = self.pseudo_labels[subset].stacked([self._clip_ids[row] for row in rows[places]])
        return pseudo

    def _prepare_batches(self) -> None:
        """Lay out what batches are made of as arrays."""
        self._ranks = np.array([GROUPS.index(group) for group in self._groups], dtype=int)
        events = [self._events.get(key, self._no_events) for key in zip(self._subsets, self._clip_ids, strict=True)]
        self._targets = BatchTargets(
            events,
            has_frames=[kind in _FRAME_LABELS for kind in self._label_kinds],
            is_weak=[kind == "weak" for kind in self._label_kinds],
            masks=self._masks,
            subsets=self._subsets,
            no_events=self._no_events,
            classes=self.classes,
            num_frames=self.num_frames,
            frame_seconds=self.frame_seconds,
        )
        lengths = [self.cache.num_samples(*key) for key in zip(self._subsets, self._clip_ids, strict=True)]
        is_cropped = self.training and self.pseudo_labels is None
        self._is_longer = is_cropped & (np.array(lengths, dtype=int) - CLIP_SAMPLES >= _SAMPLES_PER_MS)

    @property
    def _current_epoch(self) -> int:
        return int(self._epoch[0])

    def _with_partner(self, index: int) -> Example:
        example, partner = self._example(index), self._partner(index, self._current_epoch)
        return replace(example, partner=self._example(partner[0]), share=partner[1]) if partner else example

    def _partner(self, index: int, epoch: int) -> tuple[int, float] | None:
        """Return the clip to mix into a clip in an epoch, and how much of the mixture is the clip; None for most."""
        if not self.wavmix_probability or self._label_kinds[index] not in _FRAME_LABELS:
            return None
        random = self._random(index, epoch, _PARTNER_STREAM)
        if random.random() >= self.wavmix_probability:
            return None
        group = self._group_indices[self._groups[index]]
        partner = int(group[random.integers(len(group))])
        share = random.beta(self.wavmix_alpha, self.wavmix_alpha)
        return partner, max(share, 1 - share)

    def _example(self, index: int) -> Example:
        subset, clip_id, kind = self._subsets[index], self._clip_ids[index], self._label_kinds[index]
        crop_ms = self._crop_ms(index, self._current_epoch)
        strong_CT = self._strong_targets(index, crop_ms)
        events = self._events.get((subset, clip_id), self._no_events)
        weak_C = weak_targets(events, self.classes) if kind == "weak" else (strong_CT > 0).any(axis=1)
        pseudo_CT = None if self.pseudo_labels is None else self.pseudo_labels[subset][clip_id]
        return Example(
            waveform=self.cache.read(subset, clip_id, onset_sample=crop_ms * _SAMPLES_PER_MS),
            targets=Targets(strong_CT, weak_C.astype(np.float32), self._masks[subset], pseudo_CT),
            group=self._groups[index],
            subset=subset,
            clip_id=clip_id,
            classes=self.classes,
        )

    def _strong_targets(self, index: int, crop_ms: int) -> np.ndarray:
        events = self._events.get((self._subsets[index], self._clip_ids[index]), self._no_events)
        if self._label_kinds[index] not in _FRAME_LABELS:
            events = self._no_events
        return strong_targets(events, self.classes, self.num_frames, crop_ms / 1000, frame_seconds=self.frame_seconds)

    def _crop_ms(self, index: int, epoch: int) -> int:
        """Return the first millisecond of the clip that the example holds."""
        if not self.training or self.pseudo_labels is not None:
            return 0
        surplus = self.cache.num_samples(self._subsets[index], self._clip_ids[index]) - CLIP_SAMPLES
        if surplus < _SAMPLES_PER_MS:
            return 0
        return int(self._random(index, epoch).integers(surplus // _SAMPLES_PER_MS + 1))

    def _random(self, index: int, epoch: int, *stream: int) -> np.random.Generator:
        """Return the random numbers of an example in an epoch, whoever asks."""
        place = [self.seed, epoch, index, *stream]
        # As an array the same numbers, in half the time; larger ones take two words each.
        return np.random.default_rng(np.array(place, dtype=np.uint32) if max(place) < 2**32 else place)

    def _mask(self, subset: str, *, aliased: bool) -> np.ndarray:
        """Return the classes (C,) that the annotation of a subset can speak about."""
        if self.classes != self.space.classes:
            return np.ones(len(self.classes), dtype=bool)
        return self.space.valid(family(subset), training=self.training, aliased=aliased)

    def _check_cache(self) -> None:
        missing = [key for key in zip(self._subsets, self._clip_ids, strict=True) if key not in self.cache]
        if missing:
            raise SedlabError(
                f"{self.cache.folder}: the waveform cache lacks {len(missing)} of {len(self)} clips "
                f"(first: {missing[0][1]} of {missing[0][0]}). Build it from the whole corpus."
            )
