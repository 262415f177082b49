"""How a run went: the history of each training, the time of each step."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sedlab.config.experiment import Stage
from sedlab.errors import SedlabError
from sedlab.runs.manifest import manifests
from sedlab.runs.run import Run


def histories(run: Run, stage: Stage, iteration: int = 0) -> dict[str, pd.DataFrame]:
    """Return the training history of each transformer that has one, {arch: table}; empty before any training."""
    files = {arch: run.node_dir(stage, arch, iteration) / "history.csv" for arch in run.experiment.archs}
    return {arch: _read(file) for arch, file in files.items() if file.is_file()}


def wall_times(run: Run) -> pd.DataFrame:
    """Return `node, started, seconds` of every finished step, in the order in which they started."""
    rows = [(manifest.node, manifest.started, manifest.seconds) for manifest in manifests(run.path)]
    return pd.DataFrame(rows, columns=["node", "started", "seconds"]).sort_values("started", ignore_index=True)


def _read(file: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(file)
    except (ValueError, OSError) as error:
        problem = " ".join(str(error).split())
    else:
        if "step" in table:
            return table
        problem = "lacks column step"
    raise SedlabError(f"{file}: not the history of a training ({problem}). Delete it: its curves are then left out.")
