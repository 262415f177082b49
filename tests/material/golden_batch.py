"""What the published code's loss values were computed from, and the same steps in ours."""

from __future__ import annotations

from pathlib import Path

import torch

from sedlab.models.head import Scores

GOLDEN = Path(__file__).parents[1] / "golden"


def masked(scores: Scores, mask: torch.Tensor) -> Scores:
    """Return the scores that a detector gives under ``mask``."""
    return Scores(scores.strong * mask[..., None], scores.weak * mask)
