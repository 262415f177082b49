"""Errors of each clip, counted by their kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sedlab.scoring.errors.kinds import (
    BOUNDARY,
    CROSS_CLASS,
    DETECTION,
    DUPLICATE,
    EVENT,
    FALSE_ALARM,
    FRAGMENTED,
    MERGED,
    MISSED,
)

#: Which cases a column counts: the side, and the outcomes (`find_errors`). Each error is counted once: what became of
#: an event on the events' side, and on the detections' side what no event accounts for.
COUNTED: dict[str, tuple[str, tuple[str, ...]]] = {
    "false alarms": (DETECTION, (FALSE_ALARM, DUPLICATE)),
    "missed": (EVENT, (MISSED,)),
    "wrong class": (EVENT, (CROSS_CLASS,)),
    "boundaries": (EVENT, BOUNDARY),
    "in pieces": (EVENT, (FRAGMENTED, MERGED)),
}


def error_counts(cases: pd.DataFrame, clip_ids: Sequence[str], classes: Sequence[str]) -> dict[str, np.ndarray]:
    """Return how many errors of each kind there are in each clip and class, {kind: (clips, classes) int}.

    Parameters
    ----------
    cases : DataFrame
        What ``find_errors`` returns, of one system; cases of other clips and classes are left out. A class is that of
        the case: of an event under another name, what sounds.
    """
    rows, columns = pd.Index(clip_ids).get_indexer(cases["clip_id"]), pd.Index(classes).get_indexer(cases["label"])
    known = (rows >= 0) & (columns >= 0)
    counts = {}
    for kind, (side, outcomes) in COUNTED.items():
        chosen = known & (cases["side"] == side).to_numpy() & cases["outcome"].isin(outcomes).to_numpy()
        counts[kind] = np.zeros((len(clip_ids), len(classes)), dtype=int)
        np.add.at(counts[kind], (rows[chosen], columns[chosen]), 1)
    return counts
