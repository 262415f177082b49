"""How pre-training on AudioSet-strong is scored: PSDS1 averaged over a large label space.

Hundreds of classes differ much in how easy they are, so the spread over classes is not taken off (alpha_st = 0): the
value is the mean of the single-class scores. Median filter of 9 frames of 40 ms.

Source: PretrainedSED, arXiv 2409.09546.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sedlab.data.tables import Corpus
from sedlab.postprocess.median import median_filter
from sedlab.scoring.psds import PSDS1, PsdsResult, psds
from sedlab.scoring.score_file import ScoreFile
from sedlab.scoring.score_tables import score_tables

MEDIAN_FRAMES = 9
SCENARIO = replace(PSDS1, alpha_st=0.0)


def audioset_psds1(scores: ScoreFile, corpus: Corpus, *, classes: Sequence[str] | None = None) -> PsdsResult:
    """Return PSDS1 of ``scores`` on the clips of ``corpus``.

    Parameters
    ----------
    scores : ScoreFile
        Must hold every clip of the corpus.
    corpus : Corpus
        One subset with strong labels of the scored label space; clips without event of ``classes`` do not count.
    classes : sequence of str, optional
        The classes to score; default all that the scores have. Those without event are left out of the mean and listed.
    """
    classes = tuple(scores.classes if classes is None else classes)
    annotated = set(corpus.events.loc[corpus.events["label"].isin(classes), "clip_id"])
    clips = corpus.clips[corpus.clips["clip_id"].isin(annotated)]
    scores = scores.select(list(clips["clip_id"]))
    filtered = median_filter(scores.probabilities, MEDIAN_FRAMES)
    tables = score_tables(filtered, scores.clip_ids, scores.classes, scores.frame_times)
    durations = dict(zip(clips["clip_id"], clips["duration"], strict=True))
    result = psds(tables, corpus.events, durations, classes=classes, scenario=SCENARIO)
    values = [value for value in result.per_class.values() if not np.isnan(value)]
    return replace(result, overall=float(np.mean(values)) if values else np.nan)
