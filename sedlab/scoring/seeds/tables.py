"""The results of one experiment with several seeds as tables: every number of every seed, and their mean and spread.

The spread is the standard deviation of the sample (divisor: seeds - 1), beside it are the lowest and the highest value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.files import atomic_path
from sedlab.scoring.names import MODEL_NAME, STAGE_NAME, metric_name, model_name
from sedlab.scoring.results import COLUMNS, LADDER, SPREAD_COLUMNS, check_results, in_ladder

#: In place of a model: the mean over the single models of a seed.
SINGLE = "single models"
#: What a number is of.
KEYS: tuple[str, ...] = COLUMNS[: COLUMNS.index("value")]
_ORDER = {name: place for place, name in enumerate((*MODEL_NAME, SINGLE))}


def joined(results: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """Return the results of several seeds, {seed: results table}, as one table with the column ``seed`` before."""
    parts = [table[list(COLUMNS)].assign(seed=seed) for seed, table in results.items()]
    return pd.concat(parts, ignore_index=True)[["seed", *COLUMNS]]


def write_seeds(path: str | Path, table: pd.DataFrame) -> None:
    """Write what `joined` returns as CSV; values keep every digit."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)


def read_seeds(path: str | Path) -> pd.DataFrame:
    """Read what `write_seeds` wrote.

    Raises
    ------
    SedlabError
        When the file is absent, damaged, or lacks a column.
    """
    path = Path(path)
    if not path.is_file():
        raise SedlabError(f"{path}: no results of several seeds there. Make them with: sedlab run PRESET --seeds 3")
    table, seeds = check_results(path, extra=("seed",))
    if "seed" not in seeds or seeds["seed"].isna().any():
        raise SedlabError(f"{path}: not every row has a seed. Delete it and run the comparison again.")
    return table.assign(seed=seeds["seed"].astype(int))[["seed", *COLUMNS]]


def over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Return mean, sd, lowest, highest and seeds (how many) of every number that some seed has, by `KEYS`."""
    groups = table.dropna(subset=["value"]).groupby(list(KEYS), sort=False)["value"]
    spread = groups.agg(mean="mean", sd="std", lowest="min", highest="max", seeds="count")
    return spread.reset_index()


def with_spread(results: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return the results of one seed with mean and spread over all of them, of ``table``, beside each number."""
    spread = over_seeds(table)
    joint = results[list(COLUMNS)].merge(spread, on=list(KEYS), how="left", validate="many_to_one")
    joint["seeds"] = joint["seeds"].fillna(0).astype(int)
    return joint[[*COLUMNS, *SPREAD_COLUMNS]]


def rungs(table: pd.DataFrame) -> pd.DataFrame:
    """Return seed, metric, iteration, stage, model, value: the ladder of every seed.

    The mean of the single models, where a seed has several, is one more model, `SINGLE`.
    """
    found = in_ladder(table).dropna(subset=["value"])
    found = found[found["stage"] != "pretrain"][["seed", "metric", "iteration", "stage", "model", "value"]]
    return with_single_models(found)


def with_single_models(numbers: pd.DataFrame) -> pd.DataFrame:
    """Return numbers with the mean of the single models, where there are several, as one more model, `SINGLE`.

    ``numbers`` has model and value; the mean is within whatever other columns say.
    """
    if numbers.empty:
        return numbers
    keys = [name for name in numbers.columns if name not in ("model", "value")]
    alone = numbers[numbers["model"] != "ensemble"].groupby(keys, sort=False)["value"].agg(["mean", "count"])
    alone = alone.reset_index()
    alone = alone[alone["count"] > 1].rename(columns={"mean": "value"}).assign(model=SINGLE)
    return pd.concat([numbers, alone[numbers.columns]], ignore_index=True)


def seeds_ladder(table: pd.DataFrame) -> pd.DataFrame:
    """Return metric, iteration, stage, model, mean, sd, lowest, highest, seeds of every rung, in the ladder's order."""
    keys = ["metric", "iteration", "stage", "model"]
    spread = rungs(table).groupby(keys)["value"].agg(mean="mean", sd="std", lowest="min", highest="max", seeds="count")
    return _sorted(spread.reset_index())


def format_seeds_ladder(table: pd.DataFrame, seeds: Sequence[int]) -> str:
    """Return what `seeds_ladder` returns as text for a terminal, one line a model."""
    lines = [f"{'iteration':>9}  {'stage':<7} {'model':<13} " + " ".join(f"{metric_name(m):>17}" for m in LADDER)]
    for (iteration, stage, model), part in table.groupby(["iteration", "stage", "model"], sort=False):
        rows = {row.metric: row for row in part.itertuples()}
        values = " ".join(f"{mean_and_sd(rows.get(metric)):>17}" for metric in LADDER)
        lines.append(f"{iteration:>9}  {stage:<7} {model:<13} {values}")
    return "\n".join([*lines, told_spread(seeds)])


def printed_ladder(table: pd.DataFrame, *, signs: int = 3) -> pd.DataFrame:
    """Return what `seeds_ladder` returns with names and cells as in print, a column for each metric."""
    rows = []
    for (iteration, stage, model), part in table.groupby(["iteration", "stage", "model"], sort=False):
        found = {row.metric: row for row in part.itertuples()}
        cells = {metric_name(metric): mean_and_sd(found.get(metric), signs) for metric in LADDER}
        rows.append({"iteration": iteration, "stage": STAGE_NAME[stage], "model": model_name(model), **cells})
    return pd.DataFrame(rows, columns=["iteration", "stage", "model", *map(metric_name, LADDER)])


def mean_and_sd(row: object | None, signs: int = 4) -> str:
    """Return a row of `seeds_ladder` as "0.2836 ± 0.0120", without the spread for one seed; None: "-"."""
    if row is None:
        return "-"
    return f"{row.mean:.{signs}f}" + ("" if np.isnan(row.sd) else f" ± {row.sd:.{signs}f}")


def told_spread(seeds: Sequence[int]) -> str:
    """Return in words what stands behind the ±."""
    return f"mean ± standard deviation over {len(seeds)} seeds ({', '.join(map(str, seeds))})"


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    """Sort as the ladder does: by metric, iteration, stage, model."""
    metric = {name: place for place, name in enumerate(LADDER)}
    keys = {"metric": metric, "model": _ORDER}
    return table.sort_values(
        ["metric", "iteration", "stage", "model"],
        key=lambda column: column.map(keys[column.name]) if column.name in keys else column,
        ignore_index=True,
    )
