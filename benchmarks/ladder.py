"""Print the ladder of several runs as a Markdown table: mean and spread of PSDS1 and mpAUC over seeds.

for seed in 1 2 3; do sedlab run mini --name seed$seed --set seed=$seed; done
python benchmarks/ladder.py runs/seed1 runs/seed2 runs/seed3
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from sedlab.scoring.results import ladder, read_results

COLUMNS = {"passt": "fPaSST", "beats": "BEATs", "atst": "ATST", "ensemble": "ensemble"}


def main(runs: list[str]) -> None:
    """Print one table a metric, the mean over single models last."""
    steps = pd.concat([ladder(read_results(Path(run) / "results.csv")).assign(run=run) for run in runs])
    single = steps[steps["model"] != "ensemble"].groupby(["run", "iteration", "stage"], as_index=False)
    steps = pd.concat([steps, single[["psds1", "mpauc"]].mean().assign(model="mean")])
    for metric, name in (("psds1", "PSDS1, devtest"), ("mpauc", "mpAUC, maestro_dev")):
        cells = steps.groupby(["iteration", "stage", "model"])[metric].agg(["mean", "std"])
        print(f"\n| {name} | " + " | ".join([*COLUMNS.values(), "mean of the three"]) + " |")
        print("| --- |" + " --- |" * (len(COLUMNS) + 1))
        for iteration, stage in sorted({key[:2] for key in cells.index}):
            row = [_cell(cells, (iteration, stage, model)) for model in (*COLUMNS, "mean")]
            print(f"| iteration {iteration}, {stage.replace('stage', 'stage ')} | " + " | ".join(row) + " |")


def _cell(cells: pd.DataFrame, key: tuple) -> str:
    if key not in cells.index:
        return ""
    mean, std = cells.loc[key]
    return f"{mean:.3f}" if pd.isna(std) else f"{mean:.3f} ± {std:.3f}"


if __name__ == "__main__":
    main(sys.argv[1:])
