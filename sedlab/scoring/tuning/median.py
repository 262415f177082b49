"""Search for the lengths of the median filter, class by class, by single-class PSDS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sedlab.errors import SedlabError
from sedlab.progress import Progress, no_progress
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.psds import PSDS1, Scenario, psds
from sedlab.scoring.postprocess.median import MedianParams, median_filtered
from sedlab.scoring.scores.tables import ScoreTables
from sedlab.scoring.tuning.choice import Tuning, best_of_each, provenance

#: Window lengths in frames; at 64 ms the longest is 2 s.
LENGTHS: tuple[int, ...] = tuple(range(1, 32, 2))


def tune_median(
    counted: CountedEvents,
    *,
    lengths: Sequence[int] = LENGTHS,
    scenario: Scenario = PSDS1,
    progress: Progress = no_progress,
) -> Tuning:
    """Choose the filter length of each class with the largest PSDS of that class alone, the shortest of equals.

    Parameters
    ----------
    counted : CountedEvents
        Its classes are tuned; scores on grids of one frame length.
    lengths : sequence of int
        Odd numbers of frames, ascending; those longer than the shortest clip are not tried.
    scenario : Scenario
        Without cross triggers: a class is tuned alone.
    progress : Progress
        Counts filter lengths.

    Raises
    ------
    SedlabError
        As ``psds`` and ``median_filtered`` do, and when frames are not of one length or no class has an event.
    """
    scores, classes = counted.scores, counted.classes
    if not counted.present:
        raise SedlabError("ground truth: no event of the classes to tune. Check its labels and clips.")
    frame = _frame_seconds(scores)
    shortest = min(len(table) for table in scores.values())
    tried = tuple(length for length in lengths if length <= shortest)
    values = np.empty((len(classes), len(tried)))
    for j, length in enumerate(tried):
        filtered = median_filtered(scores, classes, [length * frame] * len(classes))
        per_class = psds(replace(counted, scores=filtered), scenario).per_class
        values[:, j] = [per_class[label] for label in classes]
        progress(j + 1, len(tried), "filter lengths")
    chosen, best = best_of_each(classes, values, [round(length * frame, 6) for length in tried])
    found = provenance(scenario, {"frames": tried, "frame_seconds": frame}, best)
    return Tuning(MedianParams(chosen, found), best, tried, values)


def _frame_seconds(scores: ScoreTables) -> float:
    """Return the length of a frame, the same in all tables but for rounding."""
    frames = {clip_id: float((table["offset"] - table["onset"]).mean()) for clip_id, table in scores.items()}
    first = next(iter(frames.values()))
    for clip_id, seconds in frames.items():
        if abs(seconds - first) > 0.01 * first:
            raise SedlabError(
                f"clip {clip_id}: frames of {seconds:.4f} s, others of {first:.4f} s. "
                "Tune the median filter on scores of one frame length."
            )
    return round(first, 6)
