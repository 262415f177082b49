"""The results of a run and of its repetitions with other seeds, joined."""

from __future__ import annotations

import pandas as pd

from sedlab.errors import warn_once
from sedlab.runs.layout import SEEDS_RESULTS
from sedlab.runs.run import Run
from sedlab.scoring.results import read_results
from sedlab.scoring.seeds.gains import paired_gains, seed_gains, told_gains
from sedlab.scoring.seeds.tables import format_seeds_ladder, joined, read_seeds, seeds_ladder


def join_seeds(run: Run) -> pd.DataFrame:
    """Return the metrics of every seed of a run that has come to its end, see `sedlab.scoring.seeds.tables.joined`.

    One that has not is told of in a warning and left out.
    """
    found = {}
    for seed, other in run.seeds.items():
        files = [other.metrics(iteration) for iteration in other.iterations]
        files = [*(other.node_dir("pretrain", arch) / "metrics.csv" for arch in _pretrained(other)), *files]
        if missing := [file for file in files if not file.is_file()]:
            warn_once(f"{other.path}: seed {seed} is left out, it has not come to its end (no {missing[0]}).")
        else:
            found[seed] = pd.concat([read_results(file) for file in files], ignore_index=True)
    return joined(found)


def seed_results(run: Run) -> pd.DataFrame:
    """Return every number of every seed: a results table with the column ``seed`` before.

    Raises
    ------
    SedlabError
        When the run has one seed.
    """
    return read_seeds(run.path / SEEDS_RESULTS)


def gains_over_seeds(run: Run) -> pd.DataFrame:
    """Return what each step gained over the seeds, paired, see `sedlab.scoring.seeds.gains.paired_gains`."""
    return paired_gains(seed_gains(seed_results(run)))


def told_seeds(run: Run) -> str:
    """Return in words mean and spread of the ladder and the gains over the seeds, or how to run several."""
    if not has_seeds(run):
        first = next(iter(run.seeds.values()))
        if first.name != run.name:
            return (
                f"{run.name} repeats {first.name} with seed {run.experiment.seed}: {first.name} sets them side by side."
            )
        return (
            f"{run.name} has one seed, {run.experiment.seed}. With three, means, their spread and what each step "
            "gained in every one of them would stand here:\n\n"
            f"sedlab run {run.experiment.name} --seeds 3"
        )
    table = seed_results(run)
    ladder = format_seeds_ladder(seeds_ladder(table), table["seed"].unique().tolist())
    return f"{ladder}\n\n{told_gains(paired_gains(seed_gains(table)))}"


def has_seeds(run: Run) -> bool:
    """Return whether there are results of several seeds."""
    return (run.path / SEEDS_RESULTS).is_file() and len(run.seeds) > 1


def _pretrained(run: Run) -> list[str]:
    return [arch for arch in run.experiment.archs if run.experiment.pretrains(arch)]
