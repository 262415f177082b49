"""Metrics of a run as one tidy table: a row is one number.

Columns: iteration, model, stage, teacher, postprocess, subset, metric, label, value, low, high, clips. ``label`` is a
class, or "all" for the metric itself; teacher says that it is the mean teacher's and not the student's; low and high
bound a 95 % bootstrap interval over clips (MAESTRO: recordings), where one was computed; clips says on how many
(MAESTRO: windows). A run with several seeds has five more: mean, sd, lowest, highest and seeds, of the same number over
the seeds (`sedlab.scoring.seeds`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.corpora.roles import EVENT_TESTS, SEGMENT_TESTS, first_there
from sedlab.errors import SedlabError, nearest
from sedlab.files import atomic_path
from sedlab.scoring.metrics.evaluation import EVENT_METRICS, SEGMENT_METRICS
from sedlab.scoring.names import ALL, MODEL_NAME, STAGE_NAME
from sedlab.scoring.postprocess.choice import MEDIAN, POSTPROCESS

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
    "clips",
)
#: Absent from tables that older versions wrote.
OPTIONAL_COLUMNS: tuple[str, ...] = ("low", "high", "clips")
#: In the results of a run with several seeds: their mean, standard deviation, extremes and number.
SPREAD_COLUMNS: tuple[str, ...] = ("mean", "sd", "lowest", "highest", "seeds")
NUMBERS: tuple[str, ...] = ("value", *OPTIONAL_COLUMNS)
#: What some columns may hold, in the order in which tables list it.
KNOWN: dict[str, tuple[str, ...]] = {
    "stage": tuple(STAGE_NAME),
    "postprocess": POSTPROCESS,
    "metric": (*EVENT_METRICS, *SEGMENT_METRICS),
    "model": tuple(MODEL_NAME),
}

#: What the ladder shows: metric -> the subsets it may be read from; of these, from the first that was evaluated.
LADDER: dict[str, tuple[str, ...]] = {"psds1": EVENT_TESTS, "mpauc": SEGMENT_TESTS}

Row = dict[str, object]


def write_results(path: str | Path, rows: Iterable[Mapping[str, object]] | pd.DataFrame) -> None:
    """Write rows as CSV with exactly the columns of a results table; values keep every digit."""
    table = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows), columns=list(COLUMNS))
    table = _with_optional(table)
    _check_columns(path, table)
    table = table.assign(clips=table["clips"].astype("Int64"))
    with atomic_path(path) as temporary:
        table[[*COLUMNS, *_spread_columns(table)]].to_csv(temporary, index=False)


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
    table, spread = check_results(path, extra=SPREAD_COLUMNS)
    return table.join(spread)


def check_results(path: Path, *, extra: Sequence[str] = ()) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a results table that may have the columns ``extra`` as well: all of them, or none; return both parts.

    Raises
    ------
    SedlabError
        As `read_results`.
    """
    try:
        # "none" is a way of post-processing here, not a missing value.
        table = pd.read_csv(
            path,
            keep_default_na=False,
            na_values={name: ["", "nan"] for name in (*NUMBERS, *extra)},
            float_precision="round_trip",
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise SedlabError(
            f"{path}: not a results table ({' '.join(str(error).split())}). Delete it and evaluate again."
        ) from error
    beside = [name for name in extra if name in table.columns]
    table, more = _with_optional(table.drop(columns=beside)), table[beside]
    _check_columns(path, table)
    for column, known in KNOWN.items():
        unknown = sorted(set(table[column].astype(str)) - set(known))
        if unknown:
            raise SedlabError(f"{path}: unknown {column} {unknown[0]!r}.{nearest(unknown[0], known)} Evaluate again.")
    try:
        teacher = table["teacher"].astype(str).map({"True": True, "False": False}).astype(bool)
        table = table.astype({"iteration": int, **dict.fromkeys(NUMBERS, float)}).assign(teacher=teacher)[list(COLUMNS)]
        return table, more.astype(float)
    except ValueError as error:
        raise SedlabError(f"{path}: a column does not hold numbers ({error}). Delete it and evaluate again.") from error


def select(
    results: pd.DataFrame, *, label: str | None = ALL, teacher: bool = False, postprocess: str | None = MEDIAN, **known
) -> pd.DataFrame:
    """Return the rows in which columns have these values, by default those of students after the median filter.

    ``known`` names further columns; None stands for any value.
    """
    known |= {"label": label, "postprocess": postprocess}
    chosen = results["teacher"].astype(bool) == teacher
    for column, value in known.items():
        if value is not None:
            chosen &= results[column] == value
    return results[chosen]


def in_ladder(results: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that the ladder shows: each metric overall, on its subset."""
    chosen = select(results)
    return chosen[chosen["subset"] == chosen["metric"].map(ladder_subsets(set(chosen["subset"])))]


def ladder_subsets(there: Collection[str]) -> dict[str, str]:
    """Return {metric: subset} of what the ladder can show of some subsets."""
    read = {metric: first_there(subsets, there) for metric, subsets in LADDER.items()}
    return {metric: subset for metric, subset in read.items() if subset}


def pivot(
    rows: pd.DataFrame, keys: Sequence[str], columns: str, values: str = "value", *, order: Sequence[str]
) -> pd.DataFrame:
    """Return one row for each combination of ``keys`` that occurs, and one column for each value of ``columns``.

    Rows are sorted by the keys: by number, or as `KNOWN` lists what they hold. ``order`` are the columns behind the
    keys; what no row holds is nan.
    """
    wide = rows.pivot_table(index=list(keys), columns=columns, values=values, aggfunc="last", dropna=False)
    # A pivot over several keys invents combinations nobody trained.
    trained = rows.set_index(list(keys)).index.unique()
    wide = wide.reindex(index=trained, columns=list(order)).reset_index().rename_axis(columns=None)
    return wide.sort_values(
        list(keys),
        key=lambda column: column.map(KNOWN[column.name].index) if column.name in KNOWN else column,
        ignore_index=True,
    )


def ladder(results: pd.DataFrame) -> pd.DataFrame:
    """Return the step-by-step table of a run: psds1 (devtest, say) and mpauc (maestro_dev) of every trained model.

    Median filtered, student networks. Sorted by iteration, stage and model; a metric that was not computed is nan.
    """
    table = pivot(in_ladder(results), ["iteration", "stage", "model"], "metric", order=list(LADDER))
    return table[["iteration", "model", "stage", *LADDER]]


def format_ladder(table: pd.DataFrame) -> str:
    """Return a ladder as text for a terminal, one line a model."""
    lines = [f"{'iteration':>9}  {'stage':<7} {'model':<8} {'PSDS1':>7} {'mpAUC':>7}"]
    for row in table.itertuples():
        values = " ".join(f"{'-' if np.isnan(value) else format(value, '.4f'):>7}" for value in (row.psds1, row.mpauc))
        lines.append(f"{row.iteration:>9}  {row.stage:<7} {row.model:<8} {values}")
    return "\n".join(lines)


def _with_optional(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{name: np.nan for name in OPTIONAL_COLUMNS if name not in table})


def _spread_columns(table: pd.DataFrame) -> list[str]:
    return [name for name in SPREAD_COLUMNS if name in table.columns]


def _check_columns(path: str | Path, table: pd.DataFrame) -> None:
    missing = [name for name in COLUMNS if name not in table.columns]
    extra = [str(name) for name in table.columns if name not in (*COLUMNS, *SPREAD_COLUMNS)]
    if missing or extra:
        what = f"lacks column {missing[0]!r}" if missing else f"has an unknown column {extra[0]!r}"
        raise SedlabError(f"{path}: results table {what}. Its columns are {', '.join(COLUMNS)}.")
