"""Several seeds as tables: mean and spread, gains in pairs, and how sure one can be of them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sedlab.errors import SedlabError
from sedlab.scoring.results import COLUMNS, SPREAD_COLUMNS, ladder, read_results, write_results
from sedlab.scoring.seeds.gains import (
    paired_gains,
    printed_gains,
    seed_gains,
    t_interval,
    told_gains,
    told_test,
)
from sedlab.scoring.seeds.tables import (
    SINGLE,
    format_seeds_ladder,
    joined,
    over_seeds,
    printed_ladder,
    read_seeds,
    rungs,
    seeds_ladder,
    with_spread,
    write_seeds,
)

MODELS = ("passt", "atst", "ensemble")


def results(seed, iterations=2):
    """A results table as a run writes it, with numbers of its own for each seed."""
    random = np.random.default_rng(seed)
    rows = [
        (i, model, stage, False, "median", subset, metric, "all", 0.2 + 0.1 * random.random(), np.nan, np.nan, 8.0)
        for i in range(1, iterations + 1)
        for stage in ("stage1", "stage2")
        for model in MODELS
        if (model, stage) != ("ensemble", "stage1")
        for metric, subset in (("psds1", "devtest"), ("mpauc", "maestro_dev"))
    ]
    rows.append(
        (0, "atst", "pretrain", False, "median", "audioset_eval", "psds1", "all", 0.1 * seed, np.nan, np.nan, 8.0)
    )
    return pd.DataFrame(rows, columns=list(COLUMNS))


@pytest.fixture(scope="module")
def by_seed():
    return {seed: results(seed) for seed in (1, 2, 3)}


@pytest.fixture(scope="module")
def table(by_seed):
    return joined(by_seed)


def value(by_seed, seed, *key):
    rows = by_seed[seed].set_index(["metric", "iteration", "stage", "model"])
    return rows.loc[key, "value"]


def test_results_of_a_run_with_seeds_have_mean_and_spread_beside_its_own_numbers(by_seed, table, tmp_path):
    joint = with_spread(by_seed[1], table)
    assert joint[list(COLUMNS)].equals(by_seed[1])
    for row in joint.itertuples():
        found = [value(by_seed, seed, row.metric, row.iteration, row.stage, row.model) for seed in by_seed]
        expected = (np.mean(found), np.std(found, ddof=1), min(found), max(found), 3)
        assert [getattr(row, name) for name in SPREAD_COLUMNS] == pytest.approx(expected)
    write_results(tmp_path / "results.csv", joint)
    again = read_results(tmp_path / "results.csv")
    pd.testing.assert_frame_equal(again, joint.astype({"seeds": float}))
    assert ladder(again).equals(ladder(by_seed[1]))


def test_every_seed_is_kept_to_the_last_digit(table, tmp_path):
    write_seeds(tmp_path / "seeds.csv", table)
    assert read_seeds(tmp_path / "seeds.csv").equals(table)
    table.drop(columns="seed").to_csv(tmp_path / "seeds.csv", index=False)
    with pytest.raises(SedlabError, match=r"seeds.csv: not every row has a seed. Delete it"):
        read_seeds(tmp_path / "seeds.csv")
    with pytest.raises(SedlabError, match="--seeds 3"):
        read_seeds(tmp_path / "none.csv")


def test_a_number_that_one_seed_lacks_is_the_mean_of_the_others(by_seed):
    part = joined({1: by_seed[1], 2: by_seed[2].iloc[1:]})
    first = over_seeds(part).iloc[0]
    assert first["seeds"] == 1 and np.isnan(first["sd"]) and first["mean"] == by_seed[1].iloc[0]["value"]


def test_single_models_are_averaged_within_a_seed(by_seed, table):
    found = rungs(table).set_index(["seed", "metric", "iteration", "stage", "model"])["value"]
    expected = np.mean([value(by_seed, 2, "psds1", 1, "stage2", model) for model in ("passt", "atst")])
    assert found[2, "psds1", 1, "stage2", SINGLE] == pytest.approx(expected)
    assert "pretrain" not in found.index.get_level_values("stage")


def test_ladder_says_mean_and_spread_and_what_the_spread_is(by_seed, table):
    lines = format_seeds_ladder(seeds_ladder(table), [1, 2, 3]).splitlines()
    found = [value(by_seed, seed, "psds1", 1, "stage1", "passt") for seed in by_seed]
    assert f"{np.mean(found):.4f} ± {np.std(found, ddof=1):.4f}" in lines[1] and "passt" in lines[1]
    assert lines[-1] == "mean ± standard deviation over 3 seeds (1, 2, 3)"
    assert len(lines) == 2 + len(printed_ladder(seeds_ladder(table))) == 2 + 2 * (3 + 4)
    alone = format_seeds_ladder(seeds_ladder(joined({1: by_seed[1]})), [1])
    assert "±" not in alone.replace("mean ±", "")


def test_gains_are_paired_by_seed_and_tested_as_scipy_does(by_seed, table):
    gains = paired_gains(seed_gains(table)).set_index(["metric", "step", "model"])
    for metric, step, model, before, after in (
        ("psds1", "stage 2 over stage 1, iteration 1", "atst", (1, "stage1"), (1, "stage2")),
        ("mpauc", "iteration 2 over 1, stage 1", "passt", (1, "stage1"), (2, "stage1")),
        ("psds1", "iteration 2 over 1, stage 2", "ensemble", (1, "stage2"), (2, "stage2")),
    ):
        a, b = ([value(by_seed, s, metric, *place, model) for s in by_seed] for place in (before, after))
        test, row = stats.ttest_rel(b, a), gains.loc[(metric, step, model)]
        low, high = test.confidence_interval(0.95)
        assert row[["gain", "low", "high", "p"]].tolist() == pytest.approx(
            [np.mean(b) - np.mean(a), low, high, test.pvalue]
        )
        assert (row["pairs"], row["up"]) == (3, sum(y > x for x, y in zip(a, b, strict=True)))
    assert ("psds1", "stage 2 over stage 1, iteration 1", "ensemble") not in gains.index


def test_a_seed_without_one_side_is_no_pair(by_seed):
    part = joined({1: by_seed[1], 2: by_seed[2].query("iteration < 2")})
    gains = paired_gains(seed_gains(part)).set_index(["metric", "step", "model"])
    assert gains.loc[("psds1", "stage 2 over stage 1, iteration 1", "atst"), "pairs"] == 2
    alone = gains.loc[("psds1", "iteration 2 over 1, stage 2", "ensemble")]
    assert alone["pairs"] == 1 and np.isnan(alone["low"]) and np.isnan(alone["p"])


def test_three_iterations_are_compared_one_by_one_and_from_end_to_end():
    steps = seed_gains(joined({1: results(1, 3)}))["step"].unique()
    assert [step for step in steps if step.endswith(("over 1, stage 2", "over 2, stage 2"))] == [
        "iteration 2 over 1, stage 2",
        "iteration 3 over 2, stage 2",
        "iteration 3 over 1, stage 2",
    ]


@pytest.mark.parametrize("freedom", [1, 2, 4.7, 30, np.inf])
def test_interval_is_students(freedom):
    low, high, p = t_interval(0.03, 0.02, freedom)
    expected = stats.t.interval(0.95, freedom, 0.03, 0.02)
    assert (low, high, p) == pytest.approx((*expected, 2 * stats.t.sf(1.5, freedom)), rel=1e-6)
    assert np.isnan(t_interval(0.03, 0.02, 0)).all() and t_interval(0.0, 0.0, 2) == (0.0, 0.0, 1.0)


def test_words_name_the_test_and_say_that_three_are_few(table):
    told = told_gains(paired_gains(seed_gains(table)))
    assert "PSDS1, iteration 2 over 1, stage 2, Ensemble: " in told and " of 3" in told
    assert "Paired t-test over 3 seeds" in told and "3 pairs are few" in told and "once in 4 times" in told
    assert "few" not in told_test(8) and "no interval" in told_test(1)
    assert told_gains(paired_gains(seed_gains(table.iloc[:0]))) == "One step, or one seed: nothing to pair."
    assert printed_gains(paired_gains(seed_gains(table)))["up"].str.endswith("of 3").all()
