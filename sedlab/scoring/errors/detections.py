"""The events that score tables detect, clip by clip, in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sedlab.postprocess.decode import EVENT_COLUMNS, detect_events
from sedlab.scoring.scores.tables import ScoreTables, check_classes


def detected_events(
    scores: ScoreTables, classes: Sequence[str], thresholds: float | Mapping[str, float] = 0.5
) -> pd.DataFrame:
    """Return clip_id, onset, offset (seconds), label, confidence of every run of scores above its class's threshold.

    SedlabError when a class has no scores or no threshold.
    """
    check_classes(scores, classes)
    found = []
    for clip_id, table in scores.items():
        times = np.append(table["onset"].to_numpy(float), float(table["offset"].iloc[-1]))
        events = detect_events(table[list(classes)].to_numpy(float), classes, times, thresholds)
        if len(events):
            events.insert(0, "clip_id", clip_id)
            found.append(events)
    if found:
        return pd.concat(found, ignore_index=True)
    numbers = dict.fromkeys(("onset", "offset", "confidence"), float)
    return pd.DataFrame(columns=["clip_id", *EVENT_COLUMNS]).astype(numbers)
