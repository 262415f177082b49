"""What the published code's loss values were computed from, and the same steps in ours."""

from __future__ import annotations

from pathlib import Path

import torch

from sedlab.audio.mixup import Mixing, mix_targets, widen_mask
from sedlab.data.batch import Targets
from sedlab.training.consistency import Predictions

GOLDEN = Path(__file__).parents[1] / "golden"


def masked(scores: Predictions, mask: torch.Tensor) -> Predictions:
    """Return the scores that a detector gives under ``mask``."""
    return Predictions(scores.strong * mask[..., None], scores.weak * mask)


def mixed(targets: Targets, mixing: Mixing) -> Targets:
    """Return targets as the augmentation mixes them."""
    return Targets(
        mix_targets(targets.strong, mixing),
        mix_targets(targets.weak, mixing),
        widen_mask(targets.mask, targets.strong, mixing),
        mix_targets(targets.pseudo, mixing),
    )
