"""Metrics of a run as one tidy table: a row is one number.

Columns: iteration, model, stage, teacher, postprocess, subset, metric, label, value. ``label`` is a class, or "all"
for the metric itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.layout import family
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError, nearest
from sedlab.files import atomic_path
from sedlab.labels import DESED_CLASSES, MAESTRO_EVAL_CLASSES
from sedlab.postprocess.median import median_filter, median_lengths
from sedlab.scoring.audioset import audioset_psds1
from sedlab.scoring.mpauc import segment_mpauc
from sedlab.scoring.psds import PSDS1, PSDS2, psds
from sedlab.scoring.score_file import ScoreFile
from sedlab.scoring.score_tables import score_tables

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
)
MODELS: tuple[str, ...] = ("passt", "beats", "atst", "ensemble")
STAGES: tuple[str, ...] = ("pretrain", "stage1", "stage2")
POSTPROCESS: tuple[str, ...] = ("none", "median")
METRICS: tuple[str, ...] = ("psds1", "psds2", "mpauc")
ALL = "all"

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
) -> list[Row]:
    """Evaluate the scores of one subset and return one row a number.

    DESED subsets give psds1 and psds2, MAESTRO subsets mpauc, each without and with class-wise median filter. No class
    mask is applied. AudioSet subsets give psds1 as pre-training reports it (`audioset_psds1`), median filtered.

    Parameters
    ----------
    scores : ScoreFile
        Must hold every clip of the subset; others are ignored.
    corpus : Corpus
    subset : str
    iteration, model, stage, teacher
        Where the scores come from; copied into the rows.

    Raises
    ------
    SedlabError
        When the corpus lacks the subset, clips lack scores, or classes are missing.
    """
    part = corpus.subset(subset)
    kind = family(subset)
    rows: list[Row] = []
    for postprocess in POSTPROCESS:
        if kind == "audioset" and postprocess == "none":
            continue
        for metric, (overall, per_class) in _metrics(scores, part, kind, postprocess).items():
            source = {"iteration": iteration, "model": model, "stage": stage, "teacher": teacher}
            for label, value in {ALL: overall, **per_class}.items():
                row = {**source, "postprocess": postprocess, "subset": subset, "metric": metric, "label": label}
                rows.append({**row, "value": value})
    return rows


def write_results(path: str | Path, rows: Iterable[Mapping[str, object]] | pd.DataFrame) -> None:
    """Write rows as CSV with exactly the columns of a results table; values keep every digit."""
    table = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows), columns=list(COLUMNS))
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
        table = pd.read_csv(path, keep_default_na=False, na_values={"value": ["", "nan"]}, float_precision="round_trip")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise SedlabError(
            f"{path}: not a results table ({' '.join(str(error).split())}). Delete it and evaluate again."
        ) from error
    _check_columns(path, table)
    for column, known in (("stage", STAGES), ("postprocess", POSTPROCESS), ("metric", METRICS), ("model", MODELS)):
        unknown = sorted(set(table[column].astype(str)) - set(known))
        if unknown:
            raise SedlabError(f"{path}: unknown {column} {unknown[0]!r}.{nearest(unknown[0], known)} Evaluate again.")
    try:
        teacher = table["teacher"].astype(str).map({"True": True, "False": False}).astype(bool)
        return table.astype({"iteration": int, "value": float}).assign(teacher=teacher)[list(COLUMNS)]
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


def _metrics(scores: ScoreFile, part: Corpus, kind: str, postprocess: str) -> dict[str, tuple[float, dict[str, float]]]:
    """Return {metric: (value, value per class)} of one subset."""
    if kind == "audioset":
        result = audioset_psds1(scores, part)
        return {"psds1": (result.overall, result.per_class)}
    classes = MAESTRO_EVAL_CLASSES if kind == "maestro" else DESED_CLASSES
    scores = scores.select(list(part.clips["clip_id"]), classes)
    probabilities = scores.probabilities
    if postprocess == "median":
        probabilities = median_filter(probabilities, median_lengths(classes))
    tables = score_tables(probabilities, scores.clip_ids, classes, scores.frame_times)
    if kind == "maestro":
        result = segment_mpauc(tables, part.clips, part.events)
        return {"mpauc": (result.overall, result.per_class)}
    durations = dict(zip(part.clips["clip_id"], part.clips["duration"], strict=True))
    # Raw scores make PSDS2 slow, and nobody quotes it without post-processing.
    scenarios = {"psds1": PSDS1} if postprocess == "none" else {"psds1": PSDS1, "psds2": PSDS2}
    results = {
        metric: psds(tables, part.events, durations, scenario=scenario) for metric, scenario in scenarios.items()
    }
    return {metric: (result.overall, result.per_class) for metric, result in results.items()}


def _check_columns(path: str | Path, table: pd.DataFrame) -> None:
    missing = [name for name in COLUMNS if name not in table.columns]
    extra = [str(name) for name in table.columns if name not in COLUMNS]
    if missing or extra:
        what = f"lacks column {missing[0]!r}" if missing else f"has an unknown column {extra[0]!r}"
        raise SedlabError(f"{path}: results table {what}. Its columns are {', '.join(COLUMNS)}.")
