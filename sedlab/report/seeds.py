"""The section of a run with several seeds: what they say together."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from sedlab.report.page import link, render
from sedlab.runs.run import Run
from sedlab.runs.seeds.results import seed_results
from sedlab.scoring.names import STAGE_NAME, metric_name, model_name
from sedlab.scoring.seeds.gains import paired_gains, printed_gains, seed_gains, told_test
from sedlab.scoring.seeds.tables import printed_ladder, rungs, seeds_ladder, told_spread
from sedlab.views.figures.over_seeds.gains import seed_gains_figure


def seeds(run: Run) -> Markup:
    """Return mean and spread of the ladder over the seeds, and what each step gained in pairs."""
    results = seed_results(run)
    gains = paired_gains(seed_gains(results))
    others = {other.name: other for other in run.seeds.values() if other.name != run.name}
    return render(
        "seeds",
        spread=told_spread(results["seed"].unique().tolist()),
        seed=run.experiment.seed,
        pages={name: link(name, f"../{name}/{other.report.name}") for name, other in others.items()},
        ladder=printed_ladder(seeds_ladder(results)),
        figure=seed_gains_figure(results),
        gains=printed_gains(gains),
        test=told_test(int(gains["pairs"].max()) if len(gains) else 0),
        every=_every_seed(rungs(results)),
    )


def _every_seed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rungs of every seed, a column for each seed."""
    wide = table.pivot(index=["metric", "iteration", "stage", "model"], columns="seed", values="value").reset_index()
    named = wide.assign(
        metric=wide["metric"].map(metric_name), stage=wide["stage"].map(STAGE_NAME), model=wide["model"].map(model_name)
    )
    return named.rename(columns=lambda name: f"seed {name}" if isinstance(name, int) else name)
