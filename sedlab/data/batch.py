"""What a clip looks like to the training task, alone and in a batch.

Shape letters: B clips, N samples, C classes, T frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from sedlab.data.layout import GROUPS


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

    def __len__(self) -> int:
        return len(self.clip_ids)

    def to(self, device: str | torch.device, *, non_blocking: bool = False) -> Batch:
        """Return the batch with its tensors on ``device``."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Batch:
        """Return the batch with its tensors in page-locked memory; called by ``DataLoader``."""
        return self._map(Tensor.pin_memory)

    def _map(self, function) -> Batch:
        tensors = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{name: function(t) for name, t in tensors.items() if isinstance(t, Tensor)})


def collate(examples: Sequence[Example]) -> Batch:
    """Return the batch of ``examples``, sorted by group (stable); module-level, so that workers can be sent it."""
    examples = sorted(examples, key=lambda example: GROUPS.index(example.group))
    counts = [sum(example.group == group for example in examples) for group in GROUPS]
    bounds = np.concatenate([[0], np.cumsum(counts)]).tolist()
    with_pseudo = examples[0].pseudo is not None
    return Batch(
        waveform=_stack(examples, "waveform"),
        strong=_stack(examples, "strong"),
        weak=_stack(examples, "weak"),
        mask=_stack(examples, "mask"),
        pseudo=_stack(examples, "pseudo") if with_pseudo else None,
        groups={group: slice(bounds[i], bounds[i + 1]) for i, group in enumerate(GROUPS)},
        subsets=[example.subset for example in examples],
        clip_ids=[example.clip_id for example in examples],
    )


def _stack(examples: Sequence[Example], name: str) -> Tensor:
    return torch.from_numpy(np.stack([getattr(example, name) for example in examples]))
