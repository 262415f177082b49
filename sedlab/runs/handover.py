"""Where the result of a training node lies, and who reads it."""

from __future__ import annotations

import pandas as pd

from sedlab.config.experiment import Stage
from sedlab.runs.run import Run


def handed_on(run: Run, stage: Stage, arch: str, iteration: int = 0) -> pd.DataFrame:
    """Return what a training node writes and who reads it: a row a file, no cell too long for pandas to show.

    Returns
    -------
    DataFrame
        Index ``file``, relative to the project folder; ``MB`` (NaN: not there yet), ``what it is``, ``read by``.
    """
    folder = run.node_dir(stage, arch, iteration)
    rows = []
    for name, what, readers in _files(stage, arch):
        path = folder / name
        size = round(path.stat().st_size / 1e6, 2) if path.is_file() else float("nan")
        rows.append((path.relative_to(run.project).as_posix(), size, what, readers))
    return pd.DataFrame(rows, columns=["file", "MB", "what it is", "read by"]).set_index("file")


def _files(stage: Stage, arch: str) -> list[tuple[str, str, str]]:
    if stage == "pretrain":
        networks, best = "the tagger of the best validation", f"stage 1 of {arch}, in every iteration"
    else:
        networks = "student and mean teacher of the best validation"
        best = "scores (04a_scores), " + (f"stage 2 of {arch}" if stage == "stage1" else "sedlab detect")
    files = [
        ("best.pt", networks, best),
        ("last.pt", "networks and optimiser, to resume from", "this stage, if it was interrupted"),
        ("history.csv", "losses of each step, scores of each validation", "learning curves, 07_compare, the report"),
    ]
    if stage == "pretrain":
        files.append(("metrics.csv", "scores on the evaluation clips", "07_compare, the report"))
    return files
