"""Is a step of the method a gain beyond the luck of the seed? Differences within each seed, then over the seeds.

Both sides of a step come from the same seed: stage 2 goes on from that seed's stage 1, iteration 2 learns from that
seed's pseudo-labels. What a seed does to both cancels in the difference, so pairs tell more than two means would.
The interval is that of the paired t-test, with pairs - 1 degrees of freedom (Student 1908). It takes the differences of
many seeds to be normally distributed, which a few cannot show. The clips are the same in all of them: what other clips
would change is asked in `sedlab.scoring.seeds.resampling`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import special

from sedlab.scoring.names import STAGE_NAME, metric_name, model_name
from sedlab.scoring.results import LADDER
from sedlab.scoring.seeds.tables import SINGLE, rungs

CONFIDENCE = 0.95
#: Degrees of freedom beyond which Student's distribution is the normal one.
UNLIMITED = 1e9
#: Pairs below which a test has little to go by.
FEW = 6
COLUMNS: tuple[str, ...] = ("metric", "step", "model", "gain", "sd", "low", "high", "p", "pairs", "up")


def seed_gains(table: pd.DataFrame) -> pd.DataFrame:
    """Return metric, step, model, seed, gain: each step of the ladder in each seed.

    Steps are "stage 2 over stage 1, iteration 1" and "iteration 2 over 1, stage 2". ``table`` is of
    `sedlab.scoring.seeds.tables.joined`.
    """
    ladder = rungs(table)
    rows = []
    for metric in LADDER:
        value = ladder[ladder["metric"] == metric].set_index(["seed", "iteration", "stage", "model"])["value"].to_dict()
        models = sorted({key[3] for key in value}, key=model_place)
        seeds = list(dict.fromkeys(key[0] for key in value))
        for step, before, after in _steps(sorted({key[1] for key in value})):
            for model in models:
                pairs = [(seed, (seed, *before, model), (seed, *after, model)) for seed in seeds]
                rows += [
                    (metric, step, model, s, value[b] - value[a]) for s, a, b in pairs if a in value and b in value
                ]
    return pd.DataFrame(rows, columns=["metric", "step", "model", "seed", "gain"])


def paired_gains(gains: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each metric, step and model of `seed_gains`, with the columns `COLUMNS`.

    gain is the mean over the pairs, sd their standard deviation, low and high bound its 95 % interval, p is that of
    the two-sided paired t-test, up counts the seeds with a gain. With one pair there is no interval.
    """
    rows = []
    for (metric, step, model), part in gains.groupby(["metric", "step", "model"], sort=False):
        rows.append((metric, step, model, *paired_test(part["gain"].to_numpy(float))))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def paired_test(differences: np.ndarray) -> tuple[float, ...]:
    """Return mean, sd, low, high, p, pairs and up, see `paired_gains`, of the differences (N,) within pairs."""
    mean, count = differences.mean(), len(differences)
    sd = float(np.std(differences, ddof=1)) if count > 1 else np.nan
    low, high, p = t_interval(float(mean), sd / np.sqrt(count), count - 1)
    return mean, sd, low, high, p, count, int((differences > 0).sum())


def t_interval(mean: float, error: float, freedom: float, confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """Return low, high and the two-sided p of a mean with this standard error and so many degrees of freedom."""
    if not freedom > 0 or np.isnan(error):
        return np.nan, np.nan, np.nan
    half = _quantile(freedom, confidence) * error
    p = 2 * float(special.stdtr(min(freedom, UNLIMITED), -abs(mean) / error)) if error > 0 else float(mean == 0)
    return mean - half, mean + half, p


def told_gains(table: pd.DataFrame) -> str:
    """Return in words what each step gained in the mean of the single models and in the ensemble, and how sure."""
    if table.empty:
        return "One step, or one seed: nothing to pair."
    shown = table[table["model"].isin(["ensemble", SINGLE])]
    shown = table if shown.empty else shown
    lines = [
        f"{metric_name(row.metric)}, {row.step}, {model_name(row.model)}: {told_gain(row)}"
        for row in shown.itertuples()
    ]
    return "\n".join([*lines, told_test(int(table["pairs"].max()))])


def told_gain(row: object) -> str:
    """Return a row of `paired_gains` in words: gain, interval, and in how many seeds."""
    interval = "" if np.isnan(row.low) else f" ({row.low:+.3f} to {row.high:+.3f}, p {row.p:.3f})"
    return f"{row.gain:+.3f}{interval}, up in {row.up} of {row.pairs}".replace("-0.", "−0.")


def told_test(pairs: int, several: str = "steps", gain: str = "gain") -> str:
    """Return in words which test that was of ``several`` things, and what so many pairs are good for."""
    if pairs < 2:
        return "One pair: no interval. Run more seeds."
    test = f"Paired t-test over {pairs} seeds, 95 % intervals, not corrected for looking at several {several}."
    if pairs >= FEW:
        return test
    factor = _quantile(pairs - 1, CONFIDENCE) / np.sqrt(pairs)
    return (
        f"{test} {pairs} pairs are few: the interval reaches {factor:.1f} standard deviations to either side, and by "
        f"chance alone all {pairs} go the same way once in {2 ** (pairs - 1)} times. An interval with zero in it does "
        f"not say that there is no {gain}."
    )


def printed_gains(table: pd.DataFrame) -> pd.DataFrame:
    """Return `paired_gains` with names and numbers as in print."""
    cells = [
        {
            "metric": metric_name(row.metric),
            "step": row.step,
            "model": model_name(row.model),
            "gain": f"{row.gain:+.3f}",
            "95 % interval": "" if np.isnan(row.low) else f"{row.low:+.3f} to {row.high:+.3f}",
            "p": "" if np.isnan(row.p) else f"{row.p:.3f}",
            "up": f"{row.up} of {row.pairs}",
        }
        for row in table.itertuples()
    ]
    return pd.DataFrame(cells, columns=["metric", "step", "model", "gain", "95 % interval", "p", "up"])


def _quantile(freedom: float, confidence: float) -> float:
    """Return how many standard errors an interval reaches to either side."""
    return float(special.stdtrit(min(freedom, UNLIMITED), (1 + confidence) / 2))


def _steps(iterations: list[int]) -> Iterator[tuple[str, tuple[int, str], tuple[int, str]]]:
    """Yield the name of each step, and what stands before it and what after."""
    for iteration in iterations:
        yield f"stage 2 over stage 1, iteration {iteration}", (iteration, "stage1"), (iteration, "stage2")
    pairs = list(itertools.pairwise(iterations))
    # From the first to the last too, where that is not one step.
    pairs += [(iterations[0], iterations[-1])] if len(pairs) > 1 else []
    for first, second in pairs:
        for stage in ("stage1", "stage2"):
            yield f"iteration {second} over {first}, {STAGE_NAME[stage]}", (first, stage), (second, stage)


def model_place(model: str) -> int:
    """Return where a model stands among others: after those that it is made of."""
    order = ("passt", "beats", "atst", SINGLE, "ensemble")
    return order.index(model) if model in order else len(order)
