"""What a clip looks like to the training task, alone and in a batch.

Shape letters: B clips, N samples, C classes, T frames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from sedlab.data.corpora.layout import GROUPS

_Record = TypeVar("_Record", "Batch", "Partners")


@dataclass(frozen=True)
class Example:
    """One clip with its targets, as NumPy arrays."""

    waveform: np.ndarray
    """(N,) float32 in [-1, 1]."""
    strong: np.ndarray
    """(C, T) float32; zeros for weak and unlabelled clips."""
    weak: np.ndarray
    """(C,) float32: as annotated for weak clips, 1 where any frame is active for others, zeros for unlabelled ones."""
    mask: np.ndarray
    """(C,) bool: classes the annotation can speak about."""
    pseudo: np.ndarray | None
    """(C, T) float32 probabilities, or None."""
    group: str
    subset: str
    clip_id: str
    partner: Example | None = None
    """A clip of the same group to mix into this one (wavmix), or None."""
    share: float = 1.0
    """How much of the mixture is this clip."""


@dataclass
class Partners:
    """The clips to mix into some of a batch's clips (wavmix)."""

    rows: Tensor
    """(K,) int64, increasing: the clips of the batch that have a partner."""
    share: Tensor
    """(K,) float32 in [0.5, 1]: how much of the mixture is the batch's own clip."""
    waveform: Tensor
    """(K, N) float32."""
    strong: Tensor
    """(K, C, T) float32."""
    pseudo: Tensor | None
    """(K, C, T) float32, or None."""


@dataclass
class Batch:
    """Clips of several groups, each group a contiguous slice."""

    waveform: Tensor
    """(B, N) float32 in [-1, 1]."""
    strong: Tensor
    """(B, C, T) float32."""
    weak: Tensor
    """(B, C) float32."""
    mask: Tensor
    """(B, C) bool."""
    pseudo: Tensor | None
    """(B, C, T) float32, or None."""
    groups: dict[str, slice]
    """Where each group lies, in the order maestro, strong, synth, weak, unlabeled; absent groups are empty slices."""
    subsets: list[str]
    clip_ids: list[str]
    partners: Partners | None = None
    """None when no clip has a partner."""

    def __len__(self) -> int:
        return len(self.clip_ids)

    def to(self, device: str | torch.device, *, non_blocking: bool = False) -> Batch:
        """Return the batch with its tensors on ``device``."""
        return _map_tensors(self, lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Batch:
        """Return the batch with its tensors in page-locked memory; called by ``DataLoader``."""
        return _map_tensors(self, Tensor.pin_memory)


def collate(examples: Sequence[Example], *, waveform: np.ndarray | None = None) -> Batch:
    """Return the batch of ``examples``, sorted by group (stable); module-level, so that workers can be sent it.

    ``waveform`` (B, N) holds the samples of all of them, already sorted; None: they are copied together.
    """
    examples = sorted(examples, key=lambda example: GROUPS.index(example.group))
    counts = [sum(example.group == group for example in examples) for group in GROUPS]
    bounds = np.concatenate([[0], np.cumsum(counts)]).tolist()
    with_pseudo = examples[0].pseudo is not None
    return Batch(
        waveform=_stack(examples, "waveform") if waveform is None else torch.from_numpy(waveform),
        strong=_stack(examples, "strong"),
        weak=_stack(examples, "weak"),
        mask=_stack(examples, "mask"),
        pseudo=_stack(examples, "pseudo") if with_pseudo else None,
        groups={group: slice(bounds[i], bounds[i + 1]) for i, group in enumerate(GROUPS)},
        subsets=[example.subset for example in examples],
        clip_ids=[example.clip_id for example in examples],
        partners=_partners(examples),
    )


def _partners(examples: Sequence[Example]) -> Partners | None:
    rows = [row for row, example in enumerate(examples) if example.partner is not None]
    if not rows:
        return None
    partners = [examples[row].partner for row in rows]
    return Partners(
        rows=torch.tensor(rows),
        share=torch.tensor([examples[row].share for row in rows], dtype=torch.float32),
        waveform=_stack(partners, "waveform"),
        strong=_stack(partners, "strong"),
        pseudo=None if partners[0].pseudo is None else _stack(partners, "pseudo"),
    )


def _map_tensors(record: _Record, function: Callable[[Tensor], Tensor]) -> _Record:
    """Return ``record`` with ``function`` applied to each of its tensors."""
    changed = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Tensor):
            changed[field.name] = function(value)
        elif isinstance(value, Partners):
            changed[field.name] = _map_tensors(value, function)
    return replace(record, **changed)


def _stack(examples: Sequence[Example], name: str) -> Tensor:
    return torch.from_numpy(np.stack([getattr(example, name) for example in examples]))
