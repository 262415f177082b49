"""What a clip looks like to the training task, alone and in a batch.

Shape letters: B clips, N samples, C classes, T frames.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import accumulate
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from sedlab.data.corpora.layout import GROUPS
from sedlab.grid import FULL_SCALE
from sedlab.labels import CLASSES

_Record = TypeVar("_Record", "Batch", "Partners", "Targets")


@dataclass(frozen=True)
class Targets:
    """What is known about clips: a batch's as tensors, an `Example`'s as NumPy arrays without the first axis."""

    strong: Tensor
    """(B, C, T) float32 in [0, 1]; zeros for clips without frame labels."""
    weak: Tensor
    """(B, C) float32 in [0, 1]: as annotated for weak clips, 1 where any frame is active for others, zeros for
    unlabelled ones."""
    mask: Tensor
    """(B, C) bool: the classes that a clip's annotation can speak about."""
    pseudo: Tensor | None = None
    """(B, C, T) float32 in [0, 1]: what an earlier system said; None: nothing was asked."""

    def map(self, change: Callable[[Tensor], Tensor]) -> Targets:
        """Return the targets with ``change`` applied to each tensor, say to choose clips."""
        return _map_tensors(self, change)

    def with_frames(self, change: Callable[..., Tensor], *others: Targets) -> Targets:
        """Return the targets with ``change`` applied to strong and pseudo-labels alike.

        Its further arguments are the same labels of ``others``.
        """
        strong = change(self.strong, *(other.strong for other in others))
        pseudo = None if self.pseudo is None else change(self.pseudo, *(other.pseudo for other in others))
        return replace(self, strong=strong, pseudo=pseudo)

    def masked(self, *, pseudo: bool = True) -> Targets:
        """Return the targets with classes outside the mask set to 0; ``pseudo=False``: but for pseudo-labels."""
        frames, labels = self.mask[..., None], self.pseudo
        if labels is not None and pseudo:
            labels = labels * frames
        return replace(self, strong=self.strong * frames, weak=self.weak * self.mask, pseudo=labels)


class Rows(NamedTuple):
    """Where each group lies in a batch: slices that follow each other in the order of `GROUPS`, empty if absent.

    A batch holds clips of DESED and MAESTRO, or clips of AudioSet.
    """

    maestro: slice
    strong: slice
    synth: slice
    weak: slice
    unlabeled: slice
    audioset: slice

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Rows:
        """Return the rows of a batch with so many clips of each group; groups that are not named are absent."""
        stops = list(accumulate(counts.get(group, 0) for group in GROUPS))
        return cls(*map(slice, [0, *stops], stops))

    @property
    def everyone(self) -> slice:
        """All clips."""
        return slice(0, self.audioset.stop)

    @property
    def desed(self) -> slice:
        """The clips of DESED, labelled or not."""
        return slice(self.strong.start, self.unlabeled.stop)

    @property
    def hard_labelled(self) -> slice:
        """Clips whose events have certain onsets and offsets: DESED's strong and synth, or AudioSet's."""
        return self.audioset if has_clips(self.audioset) else slice(self.strong.start, self.synth.stop)

    @property
    def strongly_labelled(self) -> slice:
        """Clips whose frames are labelled: MAESTRO's, softly, and the hard-labelled ones."""
        return slice(self.maestro.start, self.hard_labelled.stop)

    def mixing_blocks(self, *, joint: bool = True) -> list[slice]:
        """Return the blocks whose clips may be mixed among themselves; ``joint``: MAESTRO with the hard-labelled."""
        strong = [self.strongly_labelled] if joint else [self.maestro, self.hard_labelled]
        return [*strong, self.weak, self.unlabeled]

    def present(self) -> dict[str, slice]:
        """Return the groups that have clips, by name."""
        return {group: rows for group, rows in self._asdict().items() if has_clips(rows)}


def has_clips(rows: slice) -> bool:
    """Return whether a slice of `Rows` has any clip."""
    return rows.stop > rows.start


@dataclass(frozen=True)
class Example:
    """One clip with its targets, as NumPy arrays."""

    waveform: np.ndarray
    """(N,) float32 in [-1, 1]."""
    targets: Targets
    """NumPy arrays (C, T) and (C,)."""
    group: str
    subset: str
    clip_id: str
    partner: Example | None = None
    """A clip of the same group to mix into this one (wavmix), or None."""
    share: float = 1.0
    """How much of the mixture is this clip."""
    classes: tuple[str, ...] = CLASSES
    """What the rows of the targets are."""


@dataclass(frozen=True)
class Partners:
    """The clips to mix into some of a batch's clips (wavmix)."""

    rows: Tensor
    """(K,) int64, increasing: the clips of the batch that have a partner."""
    share: Tensor
    """(K,) float32 in [0.5, 1]: how much of the mixture is the batch's own clip."""
    waveform: Tensor
    """(K, N) as those of the batch."""
    targets: Targets
    """Of K clips."""


@dataclass(frozen=True)
class Batch:
    """Clips of several groups, each group a contiguous slice."""

    waveform: Tensor
    """(B, N) float32 in [-1, 1], or int16 as stored until `to` brings it to its device."""
    targets: Targets
    rows: Rows
    """Which clips belong to which group."""
    subsets: list[str]
    clip_ids: list[str]
    partners: Partners | None = None
    """None when no clip has a partner."""
    classes: tuple[str, ...] = CLASSES
    """What the columns of the targets are."""

    def __len__(self) -> int:
        return len(self.clip_ids)

    def map(self, change: Callable[[Tensor], Tensor | np.ndarray]) -> Batch:
        """Return the batch with ``change`` applied to each tensor."""
        return _map_tensors(self, change)

    def to(self, device: str | torch.device, *, non_blocking: bool = False) -> Batch:
        """Return the batch with its tensors on ``device``, where 16-bit samples become float32 in [-1, 1]."""
        return self.map(lambda tensor: to_float(tensor.to(device, non_blocking=non_blocking)))


def to_float(tensor: Tensor) -> Tensor:
    """Return 16-bit samples as float32 in [-1, 1], exactly, and anything else as it is."""
    if tensor.dtype != torch.int16:
        return tensor
    if tensor.device.type == "cpu":  # NumPy takes a third of torch's time for it
        return torch.from_numpy(np.multiply(tensor.numpy(), np.float32(1 / FULL_SCALE)))
    return tensor * (1 / FULL_SCALE)


def collate(examples: Sequence[Example]) -> Batch:
    """Return the batch of ``examples``, sorted by group (stable); module-level, so that workers can be sent it."""
    order = np.argsort([GROUPS.index(example.group) for example in examples], kind="stable")
    examples = [examples[row] for row in order]
    return Batch(
        waveform=_waveforms(examples),
        targets=_stack_targets(examples),
        rows=Rows.of(Counter(example.group for example in examples)),
        subsets=[example.subset for example in examples],
        clip_ids=[example.clip_id for example in examples],
        partners=_partners(examples),
        classes=examples[0].classes if examples else CLASSES,
    )


def _partners(examples: Sequence[Example]) -> Partners | None:
    rows = [row for row, example in enumerate(examples) if example.partner is not None]
    if not rows:
        return None
    partners = [examples[row].partner for row in rows]
    return Partners(
        rows=torch.tensor(rows),
        share=torch.tensor([examples[row].share for row in rows], dtype=torch.float32),
        waveform=_waveforms(partners),
        targets=_stack_targets(partners),
    )


def _waveforms(examples: Sequence[Example]) -> Tensor:
    return torch.from_numpy(np.stack([example.waveform for example in examples]))


def _stack_targets(examples: Sequence[Example]) -> Targets:
    stacked = {}
    for field in fields(Targets):
        values = [getattr(example.targets, field.name) for example in examples]
        stacked[field.name] = None if values[0] is None else torch.from_numpy(np.stack(values))
    return Targets(**stacked)


def _map_tensors(record: _Record, function: Callable[[Tensor], Tensor]) -> _Record:
    """Return ``record`` with ``function`` applied to each of its tensors, or arrays that stand for them on the way."""
    changed = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Tensor | np.ndarray):
            changed[field.name] = function(value)
        elif isinstance(value, Partners | Targets):
            changed[field.name] = _map_tensors(value, function)
    return replace(record, **changed)
