"""Means over groups of a batch: the pieces every loss is made of.

A batch holds its groups as contiguous rows in the order maestro, strong, synth, weak, unlabeled; groups may be absent.

Means run over every class, also those that the clip's mask switched off. A masked cell is 0 in prediction and target,
so it adds nothing to the sum but stays in the count, as in the published system.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

STRONGLY_LABELLED = ("maestro", "strong", "synth")
DESED = ("strong", "synth", "weak", "unlabeled")

Criterion = Literal["mse", "bce", "both"]


def rows_of(groups: Mapping[str, slice], *names: str) -> slice:
    """Return the rows of the named groups together; an empty slice when all of them are absent.

    The names must be neighbours in the order of ``GROUPS``.
    """
    present = [groups[name] for name in names if name in groups and groups[name].stop > groups[name].start]
    if not present:
        return slice(0, 0)
    return slice(min(rows.start for rows in present), max(rows.stop for rows in present))


def mean_over(prediction: Tensor, target: Tensor, rows: slice, criterion: Criterion = "bce") -> Tensor:
    """Return the mean of ``criterion`` over all elements of ``rows``; 0, not nan, when there are none."""
    if rows.stop <= rows.start:
        return prediction.new_zeros(())
    prediction, target = prediction[rows], target[rows]
    if criterion == "bce":
        return F.binary_cross_entropy(prediction, target)
    if criterion == "mse":
        return F.mse_loss(prediction, target)
    # The published code brings both to a similar size before it averages them.
    return (4 * F.mse_loss(prediction, target) + F.binary_cross_entropy(prediction, target)) / 2
