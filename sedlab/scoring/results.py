"""Metrics of a run as one tidy table: a row is one number.

Columns: iteration, model, stage, teacher, postprocess, subset, metric, label, value, low, high. ``label`` is a class,
or "all" for the metric itself; low and high bound a 95 % bootstrap interval over clips (MAESTRO: recordings), where one
was computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.corpora.layout import family
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError, nearest
from sedlab.files import atomic_path
from sedlab.labels import DESED_CLASSES, MAESTRO_EVAL_CLASSES
from sedlab.scoring.metrics.audioset import audioset_psds1
from sedlab.scoring.metrics.bootstrap import ALL
from sedlab.scoring.metrics.evaluation import (
    EVENT_METRICS,
    SEGMENT_METRICS,
    Measure,
    event_measures,
    segment_measures,
    with_intervals,
)
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.segments import CountedSegments
from sedlab.scoring.metrics.statistics.choice import Counted
from sedlab.scoring.postprocess.choice import CSEBBS, POSTPROCESS, Postprocess
from sedlab.scoring.postprocess.csebbs import CsebbsParams
from sedlab.scoring.scores.file import ScoreFile
from sedlab.scoring.scores.tables import ScoreTables
from sedlab.scoring.tuning.csebbs import tune_csebbs

COLUMNS: tuple[str, ...] = (
    "iteration",
    "model",
    "stage",
    "teacher",
    "postprocess",
    "subset",
    "metric",
    "label",
    "value",
    "low",
    "high",
)
#: Absent from tables that older versions wrote.
OPTIONAL_COLUMNS: tuple[str, ...] = ("low", "high")
NUMBERS: tuple[str, ...] = ("value", *OPTIONAL_COLUMNS)
MODELS: tuple[str, ...] = ("passt", "beats", "atst", "ensemble")
STAGES: tuple[str, ...] = ("pretrain", "stage1", "stage2")
METRICS: tuple[str, ...] = (*EVENT_METRICS, *SEGMENT_METRICS)

#: What the ladder shows: metric -> the subset it is read from.
LADDER: dict[str, str] = {"psds1": "devtest", "mpauc": "maestro_dev"}

Row = dict[str, object]


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

    DESED subsets give psds1 and psds2 with class-wise median filter, and psds1 without; MAESTRO subsets mpauc with and
    without. No class mask is applied. AudioSet subsets give psds1 as pre-training reports it (`audioset_psds1`), median
    filtered. What the ladder shows, students on its subsets, also gets F1, event boxes and confidence intervals.

    Parameters
    ----------
    scores : ScoreFile
        Must hold every clip of the subset; others are ignored.
    corpus : Corpus
    subset : str
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
    if kind == "audioset":
        result = audioset_psds1(scores, part)
        return _rows({"psds1": Measure(result.overall, result.per_class)}, postprocess="median", **source)
    in_ladder = subset in LADDER.values() and not teacher
    classes = MAESTRO_EVAL_CLASSES if kind == "maestro" else DESED_CLASSES
    scores = scores.select(list(part.clips["clip_id"]), classes)
    rows: list[Row] = []
    for postprocess in POSTPROCESS:
        if postprocess == "csebbs" and (csebbs is None or not in_ladder or kind == "maestro"):
            continue
        tables = Postprocess(postprocess, csebbs if postprocess == CSEBBS else None).scores(scores.tables())
        counted = count(tables, part, subset)
        if kind == "maestro":
            measures, _ = segment_measures(counted)
        else:
            measures, _ = event_measures(counted, _event_metrics(postprocess, in_ladder))
        if in_ladder and postprocess == "median":
            headline = {name: measure for name, measure in measures.items() if name in LADDER}
            measures |= with_intervals(headline, counted, replicates)
        rows += _rows(measures, postprocess=postprocess, **source)
    return rows


def count(tables: ScoreTables, part: Corpus, subset: str) -> Counted:
    """Return what counts of scores of a subset: whole recordings of MAESTRO, events of DESED."""
    if family(subset) == "maestro":
        return CountedSegments.of(tables, part.clips, part.events)
    return CountedEvents.of(tables, part.events, part.durations)


def tune_boxes(scores: ScoreFile, corpus: Corpus, subset: str) -> CsebbsParams:
    """Return event boxes tuned with the published grid for the DESED classes on the clips of one subset.

    Raises
    ------
    SedlabError
        When the corpus lacks the subset, it has no event, clips lack scores, or classes are missing.
    """
    part = corpus.subset(subset)
    chosen = scores.select(list(part.clips["clip_id"]), DESED_CLASSES)
    return tune_csebbs(chosen.tables(), part.events, part.durations).params


def write_results(path: str | Path, rows: Iterable[Mapping[str, object]] | pd.DataFrame) -> None:
    """Write rows as CSV with exactly the columns of a results table; values keep every digit."""
    table = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows), columns=list(COLUMNS))
    table = _with_optional(table)
    _check_columns(path, table)
    with atomic_path(path) as temporary:
        table[list(COLUMNS)].to_csv(temporary, index=False)


def read_results(path: str | Path) -> pd.DataFrame:
    """Read a results table.

    Raises
    ------
    SedlabError
        When the file is absent, damaged, lacks a column or has one too many, or holds an unknown stage or metric.
    """
    path = Path(path)
    if not path.is_file():
        raise SedlabError(f"{path}: no results there. Run the evaluation first (sedlab run).")
    try:
        # "none" is a way of post-processing here, not a missing value.
        table = pd.read_csv(
            path, keep_default_na=False, na_values={name: ["", "nan"] for name in NUMBERS}, float_precision="round_trip"
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise SedlabError(
            f"{path}: not a results table ({' '.join(str(error).split())}). Delete it and evaluate again."
        ) from error
    table = _with_optional(table)
    _check_columns(path, table)
    for column, known in (("stage", STAGES), ("postprocess", POSTPROCESS), ("metric", METRICS), ("model", MODELS)):
        unknown = sorted(set(table[column].astype(str)) - set(known))
        if unknown:
            raise SedlabError(f"{path}: unknown {column} {unknown[0]!r}.{nearest(unknown[0], known)} Evaluate again.")
    try:
        teacher = table["teacher"].astype(str).map({"True": True, "False": False}).astype(bool)
        return table.astype({"iteration": int, **dict.fromkeys(NUMBERS, float)}).assign(teacher=teacher)[list(COLUMNS)]
    except ValueError as error:
        raise SedlabError(f"{path}: a column does not hold numbers ({error}). Delete it and evaluate again.") from error


def ladder(results: pd.DataFrame) -> pd.DataFrame:
    """Return the step-by-step table of a run: psds1 (devtest) and mpauc (maestro_dev) of every trained model.

    Median filtered, student networks. Sorted by iteration, stage and model; a metric that was not computed is nan.
    """
    chosen = results[
        (results["postprocess"] == "median")
        & (results["label"] == ALL)
        & ~results["teacher"].astype(bool)
        & (results["subset"] == results["metric"].map(LADDER))
    ]
    table = chosen.pivot_table(
        index=["iteration", "stage", "model"], columns="metric", values="value", aggfunc="last", dropna=False
    )
    # A pivot over several keys invents combinations nobody trained.
    trained = pd.MultiIndex.from_frame(chosen[["iteration", "stage", "model"]].drop_duplicates())
    table = table.reindex(index=trained, columns=list(LADDER)).reset_index()
    order = {"stage": STAGES, "model": MODELS}
    table = table.sort_values(
        ["iteration", "stage", "model"],
        key=lambda column: column.map(order[column.name].index) if column.name in order else column,
        ignore_index=True,
    )
    return table[["iteration", "model", "stage", *LADDER]].rename_axis(columns=None)


def format_ladder(table: pd.DataFrame) -> str:
    """Return a ladder as text for a terminal, one line a model."""
    lines = [f"{'iteration':>9}  {'stage':<7} {'model':<8} {'PSDS1':>7} {'mpAUC':>7}"]
    for row in table.itertuples():
        values = " ".join(f"{'-' if np.isnan(value) else format(value, '.4f'):>7}" for value in (row.psds1, row.mpauc))
        lines.append(f"{row.iteration:>9}  {row.stage:<7} {row.model:<8} {values}")
    return "\n".join(lines)


def _event_metrics(postprocess: str, in_ladder: bool) -> Sequence[str]:
    # Raw scores make the other metrics slow, and nobody quotes them without post-processing.
    if postprocess == "none":
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


def _with_optional(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{name: np.nan for name in OPTIONAL_COLUMNS if name not in table})


def _check_columns(path: str | Path, table: pd.DataFrame) -> None:
    missing = [name for name in COLUMNS if name not in table.columns]
    extra = [str(name) for name in table.columns if name not in COLUMNS]
    if missing or extra:
        what = f"lacks column {missing[0]!r}" if missing else f"has an unknown column {extra[0]!r}"
        raise SedlabError(f"{path}: results table {what}. Its columns are {', '.join(COLUMNS)}.")
