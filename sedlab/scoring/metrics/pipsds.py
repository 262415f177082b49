"""Post-processing independent PSDS: what PSDS could be if every operating point had its own median filter.

Two systems that differ only in how well their filter lengths were tuned differ in PSDS, not in this. At each false
positive rate and for each class, that filter length counts which finds most events (Ebbers et al., arXiv 2306.15440).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedlab.grid import FRAME_SECONDS
from sedlab.scoring.metrics.events import CountedEvents, count_changes
from sedlab.scoring.metrics.psds import PSDS1, Scenario
from sedlab.scoring.postprocess.median import median_filtered
from sedlab.scoring.scores.tables import sed_scores_eval

#: From no filter to twice the longest published one (17 frames of 64 ms), in seconds.
FILTER_SECONDS: tuple[float, ...] = tuple(FRAME_SECONDS * frames for frames in (1, 3, 5, 7, 9, 13, 17, 25, 33))


def pipsds(
    counted: CountedEvents, scenario: Scenario = PSDS1, filter_seconds: Sequence[float] = FILTER_SECONDS
) -> tuple[float, dict[str, float]]:
    """Return the score over all classes and of each class alone; nan where there is no event.

    The counted scores are raw, and ``filter_seconds`` are the lengths to choose from. Takes as long as one ``psds`` for
    each of them; errors are those of ``psds``.
    """
    if not counted.present:
        return np.nan, dict.fromkeys(counted.classes, np.nan)
    present, scenario = counted.present, scenario.among(len(counted.present))
    filtered = (median_filtered(counted.tables, present, [seconds] * len(present)) for seconds in filter_seconds)
    changes = [count_changes(tables, counted.ground_truth, scenario) for tables in filtered]
    overall, per_class, *_ = sed_scores_eval().intersection_based.postprocessing_independent_psds(
        None,
        counted.ground_truth,
        counted.seconds,
        postprocessing_functions=None,
        deltas=changes,
        **scenario.options,
    )
    return float(overall), {label: float(per_class.get(label, np.nan)) for label in counted.classes}
