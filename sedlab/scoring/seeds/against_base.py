"""Does a setting change the result beyond the luck of the seed? Each value against the base, within each seed.

A variant and the base that were trained with the same seed draw the same numbers wherever they do the same, so they are
a pair, as the two sides of a step are (`sedlab.scoring.seeds.gains`), and the interval is that of the same t-test.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sedlab.scoring.results import LADDER, SPREAD_COLUMNS
from sedlab.scoring.seeds.gains import model_place, paired_test
from sedlab.scoring.seeds.tables import SINGLE

#: What selects checkpoints: of validation clips, so it may choose a value, as the metrics of test clips may not.
OBJECTIVE = "objective"
METRICS: tuple[str, ...] = (*LADDER, OBJECTIVE)
KEYS = ["metric", "iteration", "stage", "model"]
#: Of the difference from the base, in each of the pairs.
DIFFERENCES: tuple[str, ...] = ("difference", "difference_sd", "low", "high", "p", "pairs", "up")


def against_base(numbers: pd.DataFrame, base: int) -> pd.DataFrame:
    """Return one row for each variant and number: its mean and spread, and the paired difference from the base.

    Parameters
    ----------
    numbers : DataFrame
        variant, seed, metric, iteration, stage, model, value; variants are numbers.
    base : int
        The variant that the others are compared with.

    Returns
    -------
    DataFrame
        variant, metric, iteration, stage, model, mean, sd, lowest, highest, seeds, and `DIFFERENCES`: the mean over
        the pairs of the variant less the base, its standard deviation, 95 % interval and p of the paired t-test, the
        number of pairs, and in how many the variant is better. With one pair there is no interval, of the base itself
        no difference.
    """
    known = numbers.dropna(subset=["value"])
    if known.empty:
        return pd.DataFrame(columns=["variant", *KEYS, *SPREAD_COLUMNS, *DIFFERENCES])
    spread = known.groupby(["variant", *KEYS], sort=False)["value"]
    table = spread.agg(mean="mean", sd="std", lowest="min", highest="max", seeds="count").reset_index()
    first = known[known["variant"] == base].set_index(["seed", *KEYS])["value"].rename("first")
    pairs = known[known["variant"] != base].join(first, on=["seed", *KEYS], how="inner")
    pairs = pairs.assign(difference=pairs["value"] - pairs["first"])
    groups = pairs.groupby(["variant", *KEYS], sort=False)["difference"]
    rows = [(*key, *paired_test(part.to_numpy(float))) for key, part in groups]
    found = pd.DataFrame(rows, columns=["variant", *KEYS, *DIFFERENCES])
    table = table.merge(found, on=["variant", *KEYS], how="left")
    return _sorted(table.fillna({"pairs": 0, "up": 0}).astype({"pairs": int, "up": int}))


def told_difference(row: object, signs: int = 3) -> str:
    """Return a row of `against_base` in words: "+0.012 (−0.003 to +0.027)"; "=" where every pair is equal."""
    if not row.pairs:
        return ""
    if row.difference == 0 and not row.difference_sd > 0:
        return "="
    interval = "" if np.isnan(row.low) else f" ({row.low:+.{signs}f} to {row.high:+.{signs}f})"
    return f"{row.difference:+.{signs}f}{interval}".replace("-", "−")


def is_clear(row: object) -> bool:
    """Return whether the interval of a row of `against_base` leaves zero out."""
    return bool(row.low > 0 or row.high < 0)


def shown_models(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the ensemble and of the single models together, after stage 2 where it has been trained.

    With one model alone its own, of which the ensemble is no other.
    """
    if (table["model"] == SINGLE).any():
        rows = table[table["model"].isin(["ensemble", SINGLE])]
    else:
        alone = table[table["model"] != "ensemble"]
        rows = table if alone.empty else alone
    return rows[rows["stage"] == "stage2"] if (rows["stage"] == "stage2").any() else rows


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    """Sort by metric, iteration, stage and model as tables do, then by variant."""
    places = {"metric": {name: place for place, name in enumerate(METRICS)}, "model": model_place}
    return table.sort_values(
        ["metric", "iteration", "stage", "model", "variant"],
        key=lambda column: column.map(places[column.name]) if column.name in places else column,
        ignore_index=True,
    )
