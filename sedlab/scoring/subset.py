"""Scores of one subset of a corpus, evaluated: the rows that they add to a results table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sedlab.data.corpora.layout import family
from sedlab.data.tables import Corpus
from sedlab.scoring.metrics.audioset import audioset_psds1
from sedlab.scoring.metrics.bootstrap import Resampling
from sedlab.scoring.metrics.evaluation import EVENT_METRICS, Measure, event_measures, segment_measures, with_intervals
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.segments import CountedSegments
from sedlab.scoring.metrics.statistics.choice import Counted
from sedlab.scoring.names import ALL
from sedlab.scoring.postprocess.choice import CSEBBS, MEDIAN, NONE, POSTPROCESS, Postprocess
from sedlab.scoring.postprocess.csebbs import CsebbsParams
from sedlab.scoring.results import COLUMNS, LADDER, Row, ladder_subsets
from sedlab.scoring.scores.file import ScoreFile
from sedlab.scoring.scores.tables import ScoreTables
from sedlab.scoring.tuning.csebbs import tune_csebbs


def evaluate_score_file(
    scores: ScoreFile,
    corpus: Corpus,
    subset: str,
    *,
    iteration: int,
    model: str,
    stage: str,
    teacher: bool = False,
    csebbs: CsebbsParams | None = None,
    replicates: int = 0,
) -> list[Row]:
    """Evaluate the scores of one subset and return one row a number.

    DESED subsets, and own ones, give psds1 and psds2 with class-wise median filter, and psds1 without; MAESTRO subsets
    mpauc with and without. No class mask is applied. AudioSet subsets give psds1 as pre-training reports it
    (`audioset_psds1`), median filtered. What the ladder shows, students on its subsets, also gets F1, event boxes and
    confidence intervals.

    Parameters
    ----------
    scores : ScoreFile
        Must hold every clip of the subset; others are ignored.
    iteration, model, stage, teacher
        Where the scores come from; copied into the rows.
    csebbs : CsebbsParams, optional
        Event boxes to evaluate. MAESTRO does without: boxes of one second do not change mpauc.
    replicates : int
        Bootstrap resamples for the intervals; 0 for none.

    Raises
    ------
    SedlabError
        When the corpus lacks the subset, clips lack scores, or classes are missing.
    """
    part, kind = corpus.subset(subset), family(subset)
    source = {"iteration": iteration, "model": model, "stage": stage, "teacher": teacher, "subset": subset}
    source["clips"] = float(len(part))
    if kind == "audioset":
        result = audioset_psds1(scores, part)
        return _rows({"psds1": Measure(result.overall, result.per_class)}, postprocess=MEDIAN, **source)
    in_ladder = subset in ladder_subsets(corpus.subsets).values() and not teacher
    classes = corpus.space.evaluated(kind)
    scores = scores.select(list(part.clips["clip_id"]), classes)
    rows: list[Row] = []
    for postprocess in POSTPROCESS:
        if postprocess == CSEBBS and (csebbs is None or not in_ladder or kind == "maestro"):
            continue
        method = Postprocess(postprocess, csebbs if postprocess == CSEBBS else None).suited_to(scores.classes)
        tables = method.scores(scores.tables())
        counted = counted_subset(tables, part, subset)
        if kind == "maestro":
            measures, _ = segment_measures(counted)
        else:
            measures = event_measures(counted, _event_metrics(postprocess, in_ladder))
        if in_ladder and postprocess == MEDIAN:
            headline = {name: measure for name, measure in measures.items() if name in LADDER}
            measures |= with_intervals(headline, counted, Resampling(replicates))
        rows += _rows(measures, postprocess=postprocess, **source)
    return rows


def counted_subset(tables: ScoreTables, part: Corpus, subset: str) -> Counted:
    """Return what counts of scores of a subset: whole recordings of MAESTRO, events of others."""
    if family(subset) == "maestro":
        return CountedSegments.of(tables, part.clips, part.events)
    return CountedEvents.of(tables, part.events, part.durations, part.space.evaluated(family(subset)))


def tune_boxes(scores: ScoreFile, corpus: Corpus, subset: str) -> CsebbsParams:
    """Return event boxes tuned with the published grid on the clips of one subset, for the classes it is evaluated on.

    Errors are those of `evaluate_score_file`; SedlabError too when no clip has an event.
    """
    part = corpus.subset(subset)
    classes = part.space.evaluated(family(subset))
    chosen = scores.select(list(part.clips["clip_id"]), classes)
    return tune_csebbs(CountedEvents.of(chosen.tables(), part.events, part.durations, classes)).params


def _event_metrics(postprocess: str, in_ladder: bool) -> Sequence[str]:
    # Raw scores make the other metrics slow, and nobody quotes them without post-processing.
    if postprocess == NONE:
        return ("psds1",)
    return EVENT_METRICS if in_ladder else ("psds1", "psds2")


def _rows(measures: Mapping[str, Measure], **source: object) -> list[Row]:
    rows = []
    for metric, measure in measures.items():
        for label, value in {ALL: measure.overall, **measure.per_class}.items():
            low, high = measure.intervals.get(label, (np.nan, np.nan))
            row = {**source, "metric": metric, "label": label, "value": value, "low": low, "high": high}
            rows.append({name: row[name] for name in COLUMNS})
    return rows
