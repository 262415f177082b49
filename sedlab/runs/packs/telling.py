"""What of a run is here, and how to look at it: a few lines for who has opened or copied one."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from sedlab.data.corpora.layout import SCORE_FILE, SUBSETS
from sedlab.errors import SedlabError, count_of
from sedlab.runs.layout import ENSEMBLE
from sedlab.runs.manifest import manifests
from sedlab.runs.moved.about import durations_file, truth_file
from sedlab.runs.moved.left_out import is_packed, left_out, read_packed
from sedlab.runs.run import Run
from sedlab.scoring.names import model_name
from sedlab.scoring.results import ladder, read_results


def told_run(run: Run) -> list[str]:
    """Return lines: which run it is, what of it is here, what is not and why, and how to look at it."""
    where = _said(run.path)
    return [_headline(run, where), *_here(run), *_not_here(run), f"look at {where}:", *_ways(run, where)]


def _headline(run: Run, where: str) -> str:
    experiment, done = run.experiment, manifests(run.path)
    reported = next((one for one in done if one.node == "report"), None)
    date = f"finished {reported.finished[:10]}" if reported else f"{count_of(len(done), 'job')} done"
    names = ", ".join(model_name(arch) for arch in experiment.archs)
    line = f"{where}: {experiment.name}, {names}, {count_of(experiment.iterations, 'iteration')}, {date}"
    return f"{line}{_best(run)}"


def _best(run: Run) -> str:
    try:
        table = ladder(read_results(run.results))
    except (SedlabError, OSError):
        return ""
    rows = table[table["model"] == ENSEMBLE]
    if rows.empty:
        return ""
    row = rows.iloc[-1]
    numbers = [
        f"{name} {row[column]:.4f}" for column, name in (("psds1", "PSDS1"), ("mpauc", "mpAUC")) if row[column] > 0
    ]
    return f"; ensemble {', '.join(numbers)}" if numbers else ""


def _here(run: Run) -> Iterator[str]:
    scored = [name for name in SUBSETS if any(run.path.glob(f"iteration*/**/{SCORE_FILE[name]}.hdf5"))]
    parts = [f"scores of {count_of(len(scored), 'set')}"] if scored else []
    if run.is_apart or run.data_root.is_dir():
        parts.append("labels")
    if run.report.is_file():
        parts.append("report")
    if pages := len(list(run.path.glob("notebooks/*.ipynb"))):
        parts.append(count_of(pages, "executed notebook"))
    there = _checkpoints(run)
    if there:
        names = ", ".join(there[:3]) + (f" and {len(there) - 3} more" if len(there) > 3 else "")
        parts.append(f"checkpoints of {names}")
    if run.data_root.is_dir() and not run.is_apart:
        parts.append(f"its corpus {run.experiment.data.root}")
    elif heard := len(run.cache()) if run.is_apart else 0:
        parts.append(f"the sound of {count_of(heard, 'clip')}")
    yield f"  here: {', '.join(parts) or 'nothing yet'}"


def _not_here(run: Run) -> Iterator[str]:
    root = run.experiment.data.root
    if run.is_apart:
        sizes = read_packed(run.path).subsets.values()
        silent = sum(there - came for came, there in sizes)
        if silent or not is_packed(run.path):
            many = count_of(silent, "clip") if silent else "the clips"
            yield f"  not here: {many} of {root}, so there is nothing to hear of them (sedlab pack --clips all)"
    elif not run.data_root.is_dir():
        yield (
            f"  not here: {root}, its clips and labels. Scores, tables and report can be read; to hear clips and to "
            "evaluate, pack the run where they are: sedlab pack"
        )
    lacking = [name for name in left_out(run.path) if name.endswith(".pt")]
    if lacking:
        yield f"  not here: {count_of(len(lacking), 'checkpoint')} (sedlab pack --checkpoints all)"
    if scores := [name for name in left_out(run.path) if name.endswith(".hdf5")]:
        yield f"  not here: {count_of(len(scores), 'score file')} of training sets (sedlab pack --scores all)"


def _ways(run: Run, where: str) -> Iterator[str]:
    if run.is_apart or run.data_root.is_dir():
        yield f"  sedlab.explore({where!r})    in a notebook: sedlab lab"
    if run.report.is_file():
        yield f"  {where}/{run.report.name}    in a browser"
    there = _checkpoints(run)
    if there:
        best = run.path / there[-1].replace("_", "/", 2) / "best.pt"
        yield f"  sedlab detect RECORDING --checkpoint {shlex.quote(_said(best))}"
    test, last = run.event_test, max(run.iterations)
    scores = run.score_file(last, ENSEMBLE, test) if test else None
    if scores is not None and scores.is_file() and (run.path / truth_file(test)).is_file():
        truth, durations = (shlex.quote(f"{where}/{one(test)}") for one in (truth_file, durations_file))
        yield (
            f"  sedlab evaluate {shlex.quote(_said(scores))} --ground-truth {truth} --durations {durations} "
            "--postprocess median"
        )


def _checkpoints(run: Run) -> list[str]:
    """Return the names of the trainings of detectors whose checkpoints are here, in their order."""
    return [
        node.name
        for node in run.experiment.nodes()
        if node.stage != "pretrain" and (run.node_dir(node.stage, node.arch, node.iteration) / "best.pt").is_file()
    ]


def _said(path: Path) -> str:
    """Return a path as a person in the working folder would write it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
