"""Post-processing independent PSDS: what PSDS could be if every operating point had its own median filter.

Two systems that differ only in how well their filter lengths were tuned differ in PSDS, not in this. At each false
positive rate and for each class, that filter length counts which finds most events (Ebbers et al., arXiv 2306.15440).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sedlab.grid import FRAME_SECONDS
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.psds import PSDS1, Scenario, class_curve, psds_of_curves
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
    sed_scores_eval()
    from sed_scores_eval.intersection_based.pipsds import merge_individual_rocs_into_overall_roc

    present, scenario = counted.present, scenario.among(len(counted.present))
    filtered = [
        replace(counted, scores=median_filtered(counted.scores, present, [seconds] * len(present)))
        for seconds in filter_seconds
    ]
    curves = {}
    for label in present:
        points = [class_curve(system, scenario, label) for system in filtered]
        lengths = [np.full(len(curve[0]), k) for k, curve in enumerate(points)]
        curves[label] = merge_individual_rocs_into_overall_roc(
            [(*curve, length) for curve, length in zip(points, lengths, strict=True)]
        )[:3]
    result = psds_of_curves(counted, curves, scenario)
    return result.overall, result.per_class
