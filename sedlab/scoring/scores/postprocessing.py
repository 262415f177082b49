"""Post-processing of score tables, whatever their frames are: the median filter, given in seconds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedlab.errors import SedlabError
from sedlab.grid import FRAME_SECONDS
from sedlab.postprocess.median import median_filter, median_lengths
from sedlab.scoring.scores.tables import ScoreTables, check_classes, score_arrays, score_tables


def median_filtered(scores: ScoreTables, classes: Sequence[str], seconds: Sequence[float] | None = None) -> ScoreTables:
    """Return the tables of ``classes``, median filtered along time.

    Parameters
    ----------
    scores : {clip id: score table}
        With frames of one length in each table.
    classes : sequence of str
    seconds : one length per class, optional
        Length of the filter; the odd number of frames nearest to it is used, at least 1 and at most those of the
        clip. Default: the published lengths of the task's classes.

    Raises
    ------
    SedlabError
        For a class without published length, and rows of unequal length (event boxes).
    """
    check_classes(scores, classes)
    lengths = np.array(median_lengths(classes)) * FRAME_SECONDS if seconds is None else np.asarray(seconds)
    filtered: ScoreTables = {}
    for clip_ids, times, values in score_arrays(scores, list(scores), classes):
        frames = np.diff(times)
        # Tables written with few digits have frames of 0.064 s and of 0.06 s side by side in rounding only.
        if np.ptp(frames) > 0.1 * frames.mean():
            raise SedlabError(
                f"clip {clip_ids[0]}: rows of {frames.min():.3f} s to {frames.max():.3f} s cannot be median filtered. "
                "These scores are post-processed already: evaluate them with --postprocess none."
            )
        longest = len(frames) - (len(frames) + 1) % 2
        odd = 2 * np.round((lengths / frames.mean() - 1) / 2).astype(int) + 1
        filtered |= score_tables(median_filter(values, np.clip(odd, 1, longest)), clip_ids, classes, times)
    return {clip_id: filtered[clip_id] for clip_id in scores}
