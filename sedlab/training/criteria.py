"""Means over groups of a batch: the pieces every loss is made of.

Means run over every class, also those that the clip's mask switched off. A masked cell is 0 in prediction and target,
so it adds nothing to the sum but stays in the count, as in the published system.
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

Criterion = Literal["mse", "bce", "both"]


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
