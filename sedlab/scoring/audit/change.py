"""What changed from the pseudo-labels of one iteration to those of the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.scoring.audit.labelled_cells import audible_probabilities
from sedlab.scoring.audit.reliability import PseudoLabelAudit
from sedlab.scoring.names import ALL
from sedlab.scoring.scores.file import ScoreFile

#: What two audits are compared by.
AUDITED = ("precision", "recall", "f1", "calibration_error")


def pseudo_label_change(
    first: ScoreFile, second: ScoreFile, clips: pd.DataFrame, classes: Sequence[str], *, threshold: float = 0.5
) -> pd.DataFrame:
    """Return how the decisions of two ensembles on one frame grid differ, class by class.

    Only frames that begin before the end of their clip count.

    Returns
    -------
    DataFrame
        label, kept, gone, new (frames above the threshold in both, only the first, only the second), confidence_first,
        confidence_second (mean distance of the probability from 0.5 over all frames, times 2: 0 undecided, 1 sure). The
        first row, "all", pools the classes.
    """
    before, after = (audible_probabilities(scores, clips, classes) for scores in (first, second))
    was, now = before > threshold, after > threshold
    counts = {
        "kept": (was & now).sum(axis=0),
        "gone": (was & ~now).sum(axis=0),
        "new": (~was & now).sum(axis=0),
        "confidence_first": np.abs(2 * before - 1).mean(axis=0),
        "confidence_second": np.abs(2 * after - 1).mean(axis=0),
    }
    table = pd.DataFrame({"label": list(classes), **counts})
    pooled = {"label": ALL, **table[["kept", "gone", "new"]].sum(), **table.iloc[:, 4:].mean()}
    return pd.concat([pd.DataFrame([pooled]), table], ignore_index=True)


def audit_change(first: PseudoLabelAudit, second: PseudoLabelAudit) -> pd.DataFrame:
    """Return label, and precision, recall, f1 and calibration_error of both audits (suffixes _first and _second).

    SedlabError when the audits are of different subsets.
    """
    if first.subset != second.subset:
        raise SedlabError(
            f"audits of {first.subset} and {second.subset} cannot be compared. Audit one subset in both iterations."
        )
    columns = ["label", *AUDITED]
    return first.per_class[columns].merge(second.per_class[columns], on="label", suffixes=("_first", "_second"))
