"""What `sedlab compare` does between its options and the scoring room: read, match clips, resample, print, write."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from sedlab.commands.evaluate import EvaluateOptions, postprocessed, progress_bar, save_figure
from sedlab.errors import SedlabError, nearest

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from sedlab.progress import Progress
    from sedlab.scoring.metrics.bootstrap import Comparison


def compare_command(
    scores_a: Path,
    scores_b: Path,
    ground_truth: Path,
    durations: Path | None,
    options: EvaluateOptions,
    *,
    metrics: Sequence[str] = (),
    confidence: float = 0.95,
    seed: int = 0,
    csv_file: Path | None = None,
    plot: Path | None = None,
) -> None:
    """Print the differences between two systems with confidence intervals; write them where asked.

    Raises
    ------
    SedlabError
        For unreadable or unfitting files, and unknown options.
    """
    console = Console(width=None if sys.stdout.isatty() else 160)
    with progress_bar(console) as progress:
        comparison = compare_files(
            scores_a,
            scores_b,
            ground_truth,
            durations,
            options,
            metrics=metrics,
            confidence=confidence,
            seed=seed,
            progress=progress,
        )
    table = comparison.table()
    print(f"A: {scores_a}\nB: {scores_b}")
    for metric, rows in table.groupby("metric", sort=False):
        console.print(_table(str(metric), rows, comparison))
    _print_notes(comparison, table)
    if csv_file is not None:
        _write_csv(csv_file, table)
    if plot is not None:
        from sedlab.views.figures.intervals import differences_figure

        save_figure(plot, differences_figure(table, a=scores_a.stem, b=scores_b.stem))
    for file in filter(None, (csv_file, plot)):
        print(f"written: {file}", file=sys.stderr)


def compare_files(
    scores_a: Path,
    scores_b: Path,
    ground_truth: Path,
    durations: Path | None,
    options: EvaluateOptions,
    *,
    metrics: Sequence[str] = (),
    confidence: float = 0.95,
    seed: int = 0,
    progress: Progress | None = None,
) -> Comparison:
    """Return every difference between the systems.

    Parameters and errors are those of ``compare_command``. ``metrics``: by default all that fit the ground truth.
    """
    import pandas as pd

    from sedlab.labels import SOFT_THRESHOLD
    from sedlab.scoring.metrics import evaluation
    from sedlab.scoring.metrics.bootstrap import compare
    from sedlab.scoring.scores.inputs import read_durations, read_ground_truth, read_scores

    truth = read_ground_truth(ground_truth)
    kind = evaluation.kind_of(truth) if options.metric == "auto" else options.metric
    chosen = _metrics(kind, metrics)
    if kind == evaluation.EVENTS and durations is None:
        raise SedlabError(
            f"{ground_truth}: PSDS counts false alarms per hour and needs the clips' durations. Add --durations."
        )
    found = [read_scores(path) for path in (scores_a, scores_b)]
    classes = options.classes
    for scores in found:
        classes = evaluation.scored_classes(scores, truth, kind, classes)
    for scores in found:
        # The second has to fit the clips that the first one left.
        _, truth, _ = evaluation.match_clips(scores, truth, common=options.common_clips)
    tables = [postprocessed(scores, classes, options) for scores in found]

    seconds = read_durations(durations) if durations is not None else {}
    if kind == evaluation.SEGMENTS:
        events, clips = truth.events, evaluation.recording_clips(truth)
    else:
        events = truth.events[truth.events["confidence"] > SOFT_THRESHOLD]
        clips = pd.DataFrame({"clip_id": list(seconds), "duration": list(seconds.values())})
    return compare(
        *tables,
        events,
        clips,
        metrics=chosen,
        classes=classes,
        threshold=options.threshold,
        recording_seconds=seconds,
        replicates=options.replicates,
        confidence=confidence,
        seed=seed,
        progress=progress,
    )


def _metrics(kind: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the metrics to compare; of those that fit the ground truth, all unless some are ``wanted``."""
    from sedlab.scoring.metrics.bootstrap import METRICS
    from sedlab.scoring.metrics.evaluation import SEGMENTS

    fitting = tuple(metric for metric in METRICS if (metric == "mpauc") == (kind == SEGMENTS))
    for metric in wanted:
        if metric not in fitting:
            raise SedlabError(
                f"--metrics {metric}: not for this ground truth.{nearest(metric, fitting)} "
                f"What can be compared here: {', '.join(fitting)}."
            )
    return tuple(wanted) or fitting


def _table(metric: str, rows: pd.DataFrame, comparison: Comparison) -> Table:
    from rich.table import Table

    from sedlab.scoring.metrics.bootstrap import ALL
    from sedlab.views.figures.style import metric_name

    table = Table("", title=metric_name(metric))
    for name in ("A", "B", "B - A", f"{100 * comparison.confidence:g} % interval", "p"):
        table.add_column(name, justify="right")
    for row in rows.itertuples():
        clear = row.low > 0 or row.high < 0
        interval = "-" if math.isnan(row.low) else f"{row.low:+.4f} to {row.high:+.4f}"
        table.add_row(
            row.label,
            f"{row.a:.4f}",
            f"{row.b:.4f}",
            f"{row.difference:+.4f}",
            interval,
            f"{row.p:.3f}",
            style="bold" if clear else None,
            end_section=row.label == ALL,
        )
    return table


def _print_notes(comparison: Comparison, table: pd.DataFrame) -> None:
    from sedlab.scoring.metrics.bootstrap import ALL

    for metric, units in comparison.num_units.items():
        what = "recordings" if metric == "mpauc" else "clips with an event"
        missing = comparison.missing_classes[metric]
        without = f"; no value for {', '.join(missing)}" if missing else ""
        print(f"{metric}: {comparison.replicates} resamples of {units} {what}{without}")
    # All metrics see the same resamples.
    counts = table[table["metric"] == table["metric"].iloc[0]].set_index("label")["num_without_positive"]
    classes = counts.drop(ALL)
    if counts[ALL]:
        lacking = ", ".join(f"{label} in {count}" for label, count in classes[classes > 0].items())
        print(f"warning: {counts[ALL]} resamples lack a class and leave it out ({lacking})", file=sys.stderr)


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    from sedlab.files import atomic_path

    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)
