"""Values against the base, seed by seed: pairs are of the same seed, and few seeds say so."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sedlab.scoring.seeds.against_base import (
    against_base,
    is_clear,
    shown_models,
    told_difference,
)
from sedlab.scoring.seeds.tables import SINGLE, with_single_models

COLUMNS = ["variant", "seed", "metric", "iteration", "stage", "model", "value"]


def numbers(values, model="ensemble"):
    """Numbers of variants and seeds, {(variant, seed): value}."""
    rows = [(variant, seed, "psds1", 1, "stage2", model, value) for (variant, seed), value in values.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def only(table, variant=1):
    (row,) = table[table["variant"] == variant].itertuples()
    return row


def test_differences_are_within_each_seed_and_those_without_a_partner_are_left_out():
    base, other = [0.30, 0.34, 0.31], [0.33, 0.36, 0.35]
    values = {(0, seed): value for seed, value in enumerate(base)}
    values |= {(1, seed): value for seed, value in enumerate(other)} | {(1, 9): 0.9, (1, 8): np.nan}
    row = only(against_base(numbers(values), 0))
    found = stats.ttest_rel(other, base)
    assert (row.difference, row.p) == pytest.approx((0.03, found.pvalue))
    assert (row.low, row.high) == pytest.approx(tuple(found.confidence_interval()))
    assert (row.pairs, row.up, row.seeds) == (3, 3, 4) and is_clear(row)
    assert told_difference(row) == f"+0.030 ({row.low:+.3f} to {row.high:+.3f})"
    base_row = only(against_base(numbers(values), 0), 0)
    assert base_row.pairs == 0 and np.isnan(base_row.difference) and told_difference(base_row) == ""


def test_without_numbers_there_are_no_rows():
    empty = against_base(with_single_models(numbers({})), 0)
    assert empty.empty and set(empty.columns) == set(against_base(numbers({(0, 1): 0.3, (1, 1): 0.3}), 0).columns)


def test_one_pair_has_no_interval_and_is_not_clear():
    row = only(against_base(numbers({(0, 1): 0.3, (1, 1): 0.25}), 0))
    assert np.isnan([row.low, row.high, row.p, row.sd]).all() and row.pairs == 1 and not is_clear(row)
    assert told_difference(row) == "−0.050"


def test_what_is_equal_in_every_seed_is_told_as_equal():
    row = only(against_base(numbers({(0, 1): 0.3, (1, 1): 0.3, (0, 2): 0.4, (1, 2): 0.4}), 0))
    assert (row.difference, row.low, row.high, row.p) == (0, 0, 0, 1) and told_difference(row) == "="
    assert not is_clear(row)


def test_single_models_are_averaged_within_a_seed_before_pairs_are_made():
    parts = [numbers({(0, 1): 0.2, (1, 1): 0.3}, "passt"), numbers({(0, 1): 0.4, (1, 1): 0.3}, "atst")]
    table = against_base(with_single_models(pd.concat([*parts, numbers({(0, 1): 0.5, (1, 1): 0.6})])), 0)
    assert only(table[table["model"] == SINGLE]).difference == pytest.approx(0)
    assert list(shown_models(table)["model"]) == [SINGLE, SINGLE, "ensemble", "ensemble"]
    # Of one model the ensemble is no other.
    both = [numbers({(0, 1): 0.2, (1, 1): 0.3}, model) for model in ("atst", "ensemble")]
    alone = against_base(with_single_models(pd.concat(both)), 0)
    assert set(shown_models(alone)["model"]) == {"atst"}
