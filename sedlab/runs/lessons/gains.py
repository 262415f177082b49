"""The steps of the ladder: what each gained in this run, and what somebody guessed it would."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError, nearest
from sedlab.scoring.names import metric_name
from sedlab.scoring.results import LADDER, ladder

STAGE_2, TOGETHER = "stage 2", "ensemble"
ALONE_AGAIN, TOGETHER_AGAIN = "last iteration: single models", "last iteration: ensemble"
#: Step -> what stands before it and what after.
STEPS: dict[str, str] = {
    STAGE_2: "each model after stage 2 against itself after stage 1",
    TOGETHER: "the ensemble against the best of its members",
    ALONE_AGAIN: "each model of the last iteration against itself in the first, after stage 2",
    TOGETHER_AGAIN: "the ensemble of the last iteration against that of the first",
}


def ladder_gains(results: pd.DataFrame) -> pd.DataFrame:
    """Return what each step of the method gained.

    ``results`` is a results table (`sedlab.scoring.results`). A step that the run lacks (one iteration, one model) has
    no row.

    Returns
    -------
    DataFrame
        metric, step (of `STEPS`), gain (mean over the pairs of the step), gained (pairs with a gain), pairs.
    """
    table = ladder(results)
    table = table[table["stage"] != "pretrain"]
    rows = []
    for metric in LADDER:
        value = table.dropna(subset=[metric]).set_index(["iteration", "stage", "model"])[metric].to_dict()
        for step, differences in _differences(value).items():
            if differences:
                gained = sum(difference > 0 for difference in differences)
                rows.append((metric, step, float(np.mean(differences)), gained, len(differences)))
    return pd.DataFrame(rows, columns=["metric", "step", "gain", "gained", "pairs"])


def told_gains(gains: pd.DataFrame) -> str:
    """Return in words what each step gained, a line a metric, and whether all of them did."""
    lines = []
    for metric, part in gains.groupby("metric", sort=False):
        steps = [f"{row.step} {row.gain:+.3f} ({row.gained} of {row.pairs} up)" for row in part.itertuples()]
        lines.append(f"{metric_name(metric)}: {', '.join(steps)}.")
    lost = [f"{row.step} ({metric_name(row.metric)})" for row in gains.itertuples() if row.gain <= 0]
    if lost:
        lines.append(f"Not a gain in this run: {', '.join(lost)}.")
    elif len(gains):
        lines.append("Every step is a gain in this run. Whether that is luck is asked below.")
    return "\n".join(lines).replace("-0.", "−0.")


def guessed_gains(guess: Mapping[str, float], gains: pd.DataFrame, metric: str = "psds1") -> pd.DataFrame:
    """Return step, guess, gain and whether the guess had the right sign, of the steps that the run has.

    Raises
    ------
    SedlabError
        When ``guess`` names a step that there is not.
    """
    for step in guess:
        if step not in STEPS:
            raise SedlabError(f"no step {step!r} to guess (they are: {'; '.join(STEPS)}).{nearest(step, STEPS)}")
    table = gains[(gains["metric"] == metric) & gains["step"].isin(list(guess))]
    table = table.assign(guess=table["step"].map(guess).astype(float))
    table["right_way"] = np.sign(table["guess"]) == np.sign(table["gain"])
    return table[["step", "guess", "gain", "right_way"]].reset_index(drop=True)


def told_guess(table: pd.DataFrame) -> str:
    """Return in words how a guess (`guessed_gains`) compares with the run."""
    if table.empty or not table["guess"].any():
        return "You have not guessed: put numbers into the dictionary above, and run again."
    worst = table.loc[(table["guess"] - table["gain"]).abs().idxmax()]
    right = int(table["right_way"].sum())
    return (
        f"{right} of {len(table)} with the right sign. Farthest off: {worst['step']}, guessed {worst['guess']:+.3f}, "
        f"in this run {worst['gain']:+.3f}."
    ).replace("-0.", "−0.")


def _differences(value: Mapping[tuple[int, str, str], float]) -> dict[str, list[float]]:
    """Return the gains of each step, pair by pair, from {(iteration, stage, model): value}."""
    iterations = sorted({iteration for iteration, _, _ in value})
    archs = sorted({model for _, _, model in value} - {"ensemble"})

    def pairs(before: tuple[int, str], after: tuple[int, str], models: list[str]) -> list[float]:
        both = [((*before, model), (*after, model)) for model in models]
        return [value[b] - value[a] for a, b in both if a in value and b in value]

    together = []
    for iteration in iterations:
        members = [value[key] for arch in archs if (key := (iteration, "stage2", arch)) in value]
        ensemble = value.get((iteration, "stage2", "ensemble"))
        if len(members) > 1 and ensemble is not None:
            together.append(ensemble - max(members))
    again = [(iterations[0], "stage2"), (iterations[-1], "stage2")] if len(iterations) > 1 else []
    return {
        STAGE_2: [gain for i in iterations for gain in pairs((i, "stage1"), (i, "stage2"), archs)],
        TOGETHER: together,
        ALONE_AGAIN: pairs(*again, archs) if again else [],
        TOGETHER_AGAIN: pairs(*again, ["ensemble"]) if again else [],
    }
