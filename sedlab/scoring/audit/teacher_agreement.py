"""How far the teachers agree that are an ensemble's members: one that repeats the others adds nothing to their mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from sedlab.scoring.audit.labelled_cells import audible_probabilities, columns_by_label
from sedlab.scoring.scores.file import ScoreFile


def teacher_agreement(
    teachers: Mapping[str, ScoreFile], clips: pd.DataFrame, classes: Sequence[str], *, threshold: float = 0.5
) -> pd.DataFrame:
    """Return how far each pair of teachers, {name: scores} on one frame grid, agrees on each class, frame by frame.

    Only frames that begin before the end of their clip count; a probability above ``threshold`` says yes.

    Returns
    -------
    DataFrame
        first, second, label, both, only_first, only_second (frames above the threshold), kappa (Cohen's, of the
        decisions: 1 where they always agree, 0 where they agree no more than by chance), correlation (Pearson's, of the
        probabilities). The label "all" pools the classes. nan where both never, or always, say yes, or where one says
        the same number throughout.
    """
    probability = {name: audible_probabilities(scores, clips, classes) for name, scores in teachers.items()}
    rows = []
    for first, second in combinations(probability, 2):
        for label, column in columns_by_label(classes):
            one, other = (probability[name][:, column].ravel() for name in (first, second))
            rows.append((first, second, label, *_agreement(one, other, threshold)))
    names = ["first", "second", "label", "both", "only_first", "only_second", "kappa", "correlation"]
    return pd.DataFrame(rows, columns=names)


def _agreement(one: np.ndarray, other: np.ndarray, threshold: float) -> tuple[int, int, int, float, float]:
    yes, too = one > threshold, other > threshold
    both, only_one, only_other = int((yes & too).sum()), int((yes & ~too).sum()), int((~yes & too).sum())
    agreed = 1 - (only_one + only_other) / max(1, len(one))
    part, part_too = yes.mean(), too.mean()
    by_chance = part * part_too + (1 - part) * (1 - part_too)
    kappa = (agreed - by_chance) / (1 - by_chance) if by_chance < 1 else np.nan
    varies = np.ptp(one) > 0 and np.ptp(other) > 0
    return both, only_one, only_other, float(kappa), float(np.corrcoef(one, other)[0, 1]) if varies else np.nan
