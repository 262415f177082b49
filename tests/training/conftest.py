"""The predictions, targets and draws behind the published code's loss values."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from golden_batch import GOLDEN

from sedlab.audio.mixup import Mixing
from sedlab.data.batch import Rows, Targets
from sedlab.data.corpora.layout import DETECTION_GROUPS
from sedlab.models.head import Scores


@pytest.fixture(scope="session")
def batch() -> SimpleNamespace:
    """Return the golden batch: clips of each group, targets before mixing, unmasked predictions, draws of mixup."""
    arrays = {name: torch.from_numpy(values) for name, values in np.load(GOLDEN / "training.npz").items()}
    counts = dict(zip(DETECTION_GROUPS, arrays["loss.batch_sizes"].tolist(), strict=True))
    strong = arrays["loss.labels"].clone()
    weak = (strong.sum(-1) > 0).float()
    return SimpleNamespace(
        arrays=arrays,
        counts=counts,
        rows=Rows.of(counts),
        targets=Targets(strong, weak, arrays["loss.mask"], arrays["loss.pseudo"].transpose(1, 2)),
        student=Scores(arrays["loss.student_strong"], arrays["loss.student_weak"]),
        teacher=Scores(arrays["loss.teacher_strong"], arrays["loss.teacher_weak"]),
    )


@pytest.fixture(scope="session")
def golden_mixing(batch):
    """Return a function: joint -> the golden draws as one mixing of the whole batch."""

    def build(joint: bool) -> Mixing:
        parts = [("all", 0)] if joint else [("maestro", 0), ("desed", 2)]
        partner, coefficient = torch.arange(12), torch.ones(12, dtype=torch.float64)
        for name, start in [*parts, ("weak", 6), ("unl", 9)]:
            rows = slice(start, start + len(batch.arrays[f"loss.p_{name}"]))
            partner[rows] = batch.arrays[f"loss.p_{name}"] + start
            coefficient[rows] = batch.arrays[f"loss.c_{name}"]
        return Mixing(partner, torch.maximum(coefficient, 1 - coefficient).float(), joint)

    return build
