"""What `sedlab evaluate` does between its options and the scoring room: read, compare clips, score, print, write."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from sedlab.errors import SedlabError, nearest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from rich.table import Table

    from sedlab.progress import Progress
    from sedlab.scoring.metrics.evaluation import Evaluation
    from sedlab.scoring.scores.inputs import EvaluationScores
    from sedlab.scoring.scores.tables import ScoreTables

POSTPROCESS = ("none", "median", "csebbs")


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """How scores are evaluated; see `sedlab evaluate --help`."""

    postprocess: str = "none"
    """none, median, csebbs, or the path of parameters that `sedlab tune` wrote."""
    parameters: Path | None = None
    """Tuned parameters: needed for csebbs; median has published ones."""
    metric: str = "auto"
    classes: tuple[str, ...] = ()
    common_clips: bool = False
    threshold: float = 0.5
    pipsds: bool = False
    replicates: int = 0
    """Resamples for confidence intervals; 0 for none."""


def evaluate_command(
    scores: Path,
    ground_truth: Path,
    durations: Path | None,
    options: EvaluateOptions,
    *,
    json_file: Path | None = None,
    csv_file: Path | None = None,
    plot: Path | None = None,
) -> None:
    """Print every metric of the scores, overall and by class; write them where asked.

    Raises
    ------
    SedlabError
        For unreadable or unfitting files, and options that do not go together.
    """
    console = Console(width=None if sys.stdout.isatty() else 160)
    with progress_bar(console) as progress:
        evaluation = evaluate_files(scores, ground_truth, durations, options, progress=progress)
    if plot is not None and evaluation.psds1 is None:
        raise SedlabError(f"--plot {plot}: mpAUC has no PSD-ROC curve. Leave the option out.")
    console.print(_table(evaluation, f"{scores}, post-processing: {options.postprocess}"))
    console.print(", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in evaluation.counts.items()))
    for warning in evaluation.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    sources = {"scores": scores, "ground_truth": ground_truth, "durations": durations, "threshold": options.threshold}
    how = {"postprocess": options.postprocess, "parameters": options.parameters}
    if json_file is not None:
        _write_json(json_file, evaluation, {**sources, **how})
    if csv_file is not None:
        _write_csv(csv_file, evaluation)
    if plot is not None:
        _write_plot(plot, evaluation, scores.stem)
    for file in filter(None, (json_file, csv_file, plot)):
        print(f"written: {file}", file=sys.stderr)


def evaluate_files(
    scores: Path,
    ground_truth: Path,
    durations: Path | None,
    options: EvaluateOptions,
    *,
    progress: Progress | None = None,
) -> Evaluation:
    """Return every metric of the scores; errors are those of ``evaluate_command``."""
    from dataclasses import replace

    from sedlab.scoring.metrics import evaluation as metrics
    from sedlab.scoring.scores.inputs import read_durations, read_ground_truth, read_scores

    truth, found = read_ground_truth(ground_truth), read_scores(scores)
    kind = metrics.kind_of(truth) if options.metric == "auto" else options.metric
    classes = metrics.scored_classes(found, truth, kind, options.classes)
    found, truth, left_out = metrics.match_clips(found, truth, common=options.common_clips)
    seconds = read_durations(durations) if durations is not None else {}
    tables = postprocessed(found, classes, options)
    if kind == metrics.EVENTS and durations is None:
        raise SedlabError(
            f"{ground_truth}: PSDS counts false alarms per hour and needs the clips' durations. Add --durations."
        )
    common = {"replicates": options.replicates, "progress": progress or metrics.no_progress}
    if kind == metrics.SEGMENTS:
        result = metrics.evaluate_segments(tables, truth, seconds, classes, **common)
    else:
        wanted = (*metrics.EVENT_METRICS, *[metrics.PIPSDS] * options.pipsds)
        result = metrics.evaluate_events(
            tables, truth, seconds, classes, metrics=wanted, threshold=options.threshold, **common
        )
    warnings = [f"{count} clips {what.replace('_', ' ')} are left out." for what, count in left_out.items() if count]
    return replace(result, counts=result.counts | left_out, warnings=warnings + result.warnings)


def postprocessed(scores: EvaluationScores, classes: Sequence[str], options: EvaluateOptions) -> ScoreTables:
    """Return the score tables of ``classes`` after the post-processing that the options name."""
    from sedlab.scoring.postprocess import Postprocess

    how, parameters = options.postprocess, options.parameters
    if how not in POSTPROCESS:
        if not Path(how).is_file():
            known = ", ".join(POSTPROCESS)
            raise SedlabError(
                f"--postprocess {how}: no such file or method (known: {known}).{nearest(how, POSTPROCESS)}"
            )
        return Postprocess.read(how).scores(scores.tables, classes)
    if parameters is not None:
        if how == "none":
            raise SedlabError(
                f"--parameters {parameters}: nothing is post-processed. Add --postprocess csebbs or median."
            )
        return Postprocess.read(parameters).scores(scores.tables, classes)
    if how == "csebbs":
        raise SedlabError("--postprocess csebbs needs tuned parameters. Add --parameters FILE; sedlab tune writes one.")
    return Postprocess.read(how).scores(scores.tables, classes)


def results_table(evaluation: Evaluation) -> pd.DataFrame:
    """Return `metric, label, value, low, high, threshold`: a row for each metric overall ("all") and of each class."""
    import pandas as pd

    from sedlab.scoring.metrics.bootstrap import ALL

    unknown = (math.nan, math.nan)
    rows = [
        (metric, label, value, *measure.intervals.get(label, unknown), measure.thresholds.get(label, math.nan))
        for metric, measure in evaluation.measures.items()
        for label, value in {ALL: measure.overall, **measure.per_class}.items()
    ]
    return pd.DataFrame(rows, columns=["metric", "label", "value", "low", "high", "threshold"])


def _table(evaluation: Evaluation, title: str) -> Table:
    from rich.table import Table

    from sedlab.scoring.metrics.bootstrap import ALL
    from sedlab.views.figures.style import metric_name

    table = Table("", title=title)
    for metric in evaluation.measures:
        table.add_column(metric_name(metric), justify="right")
    values = results_table(evaluation).set_index(["label", "metric"])
    for label in (ALL, *evaluation.classes):
        table.add_row(label, *(_cell(values.loc[(label, metric)]) for metric in evaluation.measures))
        if label == ALL:
            table.add_section()
    return table


def _cell(row: pd.Series) -> str:
    if math.isnan(row["value"]):
        return "-"
    interval = "" if math.isnan(row["low"]) else f" ({row['low']:.2f}-{row['high']:.2f})"
    return f"{row['value']:.4f}{interval}"


def _write_json(path: Path, evaluation: Evaluation, sources: dict[str, Any]) -> None:
    from sedlab.files import write_json

    results = {}
    for metric, measure in evaluation.measures.items():
        results[metric] = {"overall": _finite(measure.overall), "per_class": _all_finite(measure.per_class)}
        if measure.intervals:
            results[metric]["intervals"] = {label: list(interval) for label, interval in measure.intervals.items()}
        if measure.thresholds:
            results[metric]["thresholds"] = _all_finite(measure.thresholds)
    known = {name: str(value) if isinstance(value, Path) else value for name, value in sources.items()}
    write_json(path, {**known, "counts": evaluation.counts, "warnings": evaluation.warnings, "metrics": results})


def _write_csv(path: Path, evaluation: Evaluation) -> None:
    from sedlab.files import atomic_path

    with atomic_path(path) as temporary:
        results_table(evaluation).to_csv(temporary, index=False)


def _write_plot(path: Path, evaluation: Evaluation, name: str) -> None:
    from sedlab.views.figures.psd_roc import psd_roc_figure

    save_figure(path, psd_roc_figure({name: evaluation.psds1}, title="PSDS1"))


def save_figure(path: Path, figure: Figure) -> None:
    """Write a figure in the format that the file name says; SedlabError if there is none of that name."""
    from sedlab.files import atomic_path

    with atomic_path(path) as temporary:
        try:
            figure.savefig(temporary, dpi=150)
        except ValueError as error:
            raise SedlabError(f"--plot {path}: {error}. Use .png, .svg or .pdf.") from error


def _finite(value: float) -> float | None:
    # JSON knows neither nan nor infinity.
    return float(value) if math.isfinite(value) else None


def _all_finite(values: dict[str, float]) -> dict[str, float | None]:
    return {label: _finite(value) for label, value in values.items()}


@contextmanager
def progress_bar(console: Console) -> Iterator[Progress]:
    """Yield a progress callback that draws a bar; silent where nobody watches."""
    from rich.progress import Progress as Bar

    with Bar(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total, what: bar.update(task, completed=done, total=total, description=what)
