"""How often frame scores give each probability, class by class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import logit

from sedlab.scoring.names import ALL
from sedlab.scoring.scores.file import ScoreFile

_CLIPS_AT_ONCE = 64


def confidence_histogram(scores: ScoreFile, classes: Sequence[str], *, num_bins: int = 20) -> pd.DataFrame:
    """Return how many frames give each class a probability of each bin; the label "all" pools the classes.

    Returns
    -------
    DataFrame
        label, low, high (bounds of equally wide bins), count (frames with low <= probability < high; the last bin holds
        1 too).
    """
    missing = [label for label in classes if label not in scores.classes]
    if missing:
        scores.select(scores.clip_ids[:1], classes)  # says what is missing
    edges = np.linspace(0, 1, num_bins + 1)
    bounds = logit(edges[1:-1]).astype(np.float32)
    columns = [scores.classes.index(label) for label in classes]
    at_least = np.zeros((num_bins + 1, len(scores.classes)), dtype=np.int64)
    for start in range(0, len(scores.clip_ids), _CLIPS_AT_ONCE):
        block = scores.logits[start : start + _CLIPS_AT_ONCE].reshape(-1, len(scores.classes))
        at_least[0] += len(block)
        for place, bound in enumerate(bounds, start=1):
            at_least[place] += np.count_nonzero(block >= bound, axis=0)
    counts = -np.diff(at_least, axis=0)[:, columns]
    rows = [(ALL, counts.sum(axis=1)), *((label, counts[:, k]) for k, label in enumerate(classes))]
    borders = {"low": edges[:-1], "high": edges[1:]}
    return pd.concat([pd.DataFrame({"label": label, **borders, "count": c}) for label, c in rows], ignore_index=True)
