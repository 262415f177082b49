"""Which runs travel together: those that repeat a run with other seeds, and those of a sweep."""

from __future__ import annotations

from pathlib import Path

from sedlab.runs.run import Run, open_run
from sedlab.runs.sweeps.folders import SWEEP_FILE, open_sweep


def runs_together(run: Run) -> list[Run]:
    """Return a run and those that belong to it, as far as they are there; itself first."""
    others = [other for other in run.seeds.values() if other.path != run.path]
    return [run, *others]


def named(path: Path, *, alone: bool = False) -> tuple[list[Path], list[Run]]:
    """Return the folders of sweeps, and the runs, that travel where somebody names the folder of a run or of a sweep.

    ``alone``: without those that repeat a run with other seeds. SedlabError when there is nothing at that path.
    """
    if not (path.expanduser() / SWEEP_FILE).is_file():
        run = open_run(path)
        return [], [run] if alone else runs_together(run)
    sweep = open_sweep(path)
    swept = [sweep.base_run, *(run for run in sweep.runs.values() if run.path != sweep.base_run.path)]
    return [sweep.path], [one for run in swept for one in ([run] if alone else runs_together(run))]
