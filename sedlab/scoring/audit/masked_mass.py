"""What the class mask keeps the student from learning: the part of the pseudo-labels outside a corpus's classes.

The published recipe asks a student for pseudo-labels of a clip's own classes only, those of DESED for DESED's clips and
those of MAESTRO for MAESTRO's, plus aliases (`labels.LabelSpace.valid`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import expit

from sedlab.data.corpora.layout import family
from sedlab.labels import DCASE, LabelSpace
from sedlab.scoring.scores.file import ScoreFile

_CLIPS_AT_ONCE = 256


def masked_mass(
    pseudo_labels: Mapping[str, ScoreFile], *, threshold: float = 0.5, space: LabelSpace = DCASE
) -> pd.DataFrame:
    """Return how much of every class the pseudo-labels of every subset hold, and whether the mask takes it away.

    ``pseudo_labels`` are {subset: scores} of the classes of ``space``.

    Returns
    -------
    DataFrame
        subset, label, masked (bool), mass (seconds a clip that are expected to hold the class: the sum of probabilities
        over time), detected (seconds a clip above the threshold).
    """
    tables = []
    for subset, scores in pseudo_labels.items():
        frame_seconds = float(scores.frame_times[1] - scores.frame_times[0])
        mass, detected = np.zeros(len(scores.classes)), np.zeros(len(scores.classes))
        # As probabilities a large subset would fill memory.
        for k in range(0, len(scores.clip_ids), _CLIPS_AT_ONCE):
            probability = expit(scores.logits[k : k + _CLIPS_AT_ONCE].astype(np.float64))
            mass += probability.sum(axis=(0, 1))
            detected += (probability > threshold).sum(axis=(0, 1))
        a_clip = frame_seconds / max(1, len(scores.clip_ids))
        columns = {"label": scores.classes, "masked": ~space.valid(family(subset), training=True)}
        tables.append(pd.DataFrame({"subset": subset, **columns, "mass": mass * a_clip, "detected": detected * a_clip}))
    return pd.concat(tables, ignore_index=True)


def masked_shares(mass: pd.DataFrame) -> pd.DataFrame:
    """Return subset, mass, masked_mass, masked_share, masked_detected_share: what the mask takes from each subset."""
    columns = ["mass", "detected"]
    total = mass.groupby("subset", sort=False)[columns].sum()
    hidden = mass[mass["masked"]].groupby("subset", sort=False)[columns].sum().reindex(total.index, fill_value=0.0)
    table = pd.DataFrame(
        {
            "mass": total["mass"],
            "masked_mass": hidden["mass"],
            "masked_share": hidden["mass"] / total["mass"].where(total["mass"] > 0),
            "masked_detected_share": hidden["detected"] / total["detected"].where(total["detected"] > 0),
        }
    )
    return table.reset_index()
