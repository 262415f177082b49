"""Attention-pooling head: event probabilities for each frame and, weighted by attention, for the clip.

Shape letters: B clips, T frames, C classes, D width.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Scores(NamedTuple):
    """What a detector says about a batch of clips. Classes outside the mask are 0 in ``strong`` and ``weak``."""

    strong: Tensor
    """Probabilities (B, C, T)."""
    weak: Tensor
    """Probabilities of the clip (B, C)."""
    logits: Tensor | None = None
    """Logits of the frames (B, C, T), without mask; None where probabilities were mixed."""


class AttentionHead(nn.Module):
    """Two linear layers over the frames: events, and attention over the *classes* of each frame.

    Works in float32 under autocast, where sums over all frames would lose precision.

    Reference
        DCASE Task 4 baseline (mean-teacher CRNN); the class mask is that of the 2024 baseline, arXiv 2406.08056.
    """

    def __init__(self, dim: int, num_classes: int):
        super().__init__()
        self.events = nn.Linear(dim, num_classes)
        self.attention = nn.Linear(dim, num_classes)

    def forward(self, x: Tensor, masks: tuple[Tensor | None, ...] = (None,)) -> tuple[Scores, ...]:
        """Return one `Scores` for each of ``masks`` ((B, C) bool, true = valid; None = all) from ``x`` (B, T, D)."""
        with torch.autocast(device_type=x.device.type, enabled=False):
            x = x.float()
            logits, attention = self.events(x), self.attention(x)
            probabilities = logits.sigmoid()
            return tuple(pool_scores(logits, probabilities, attention, mask) for mask in masks)


def pool_scores(logits: Tensor, probabilities: Tensor, attention: Tensor, mask: Tensor | None) -> Scores:
    """Return `Scores` from frame logits, their probabilities and attention logits, all (B, T, C)."""
    if mask is not None:
        # Classes that this clip's corpus does not annotate get no attention ...
        attention = attention.masked_fill(~mask[:, None], -1e30)
    attention = attention.softmax(dim=-1).clamp(1e-7, 1.0)
    weak = (probabilities * attention).sum(dim=1) / attention.sum(dim=1)
    if mask is not None:
        # ... and no score.
        probabilities = probabilities.masked_fill(~mask[:, None], 0.0)
        weak = weak.masked_fill(~mask, 0.0)
    return Scores(strong=probabilities.transpose(1, 2), weak=weak, logits=logits.transpose(1, 2))
