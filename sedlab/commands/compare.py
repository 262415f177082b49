"""`sedlab compare`: whether one system is better than another."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sedlab.commands import options
from sedlab.commands.frame import keep_inputs, read_metrics_frame
from sedlab.commands.output import (
    figure_name,
    number_table,
    progress_bar,
    say_written,
    table_console,
    warn,
    write_figure,
    write_table,
)

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from sedlab.scoring.metrics.comparison import Comparison


def compare(
    scores_a: Annotated[Path, typer.Argument(metavar="SCORES_A", help="HDF5 score file, or folder of score TSVs.")],
    scores_b: Annotated[Path, typer.Argument(metavar="SCORES_B", help="Of the same clips; differences are B - A.")],
    ground_truth: options.GroundTruth,
    durations: options.Durations = None,
    postprocess: options.Postprocess = "none",
    metric: options.Metric = "",
    classes: options.Classes = None,
    common_clips: options.CommonClips = False,
    threshold: options.Threshold = 0.5,
    intervals: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, max=options.MAX_INTERVALS, help="Bootstrap intervals from N resamples of the clips."
        ),
    ] = 1000,
    confidence: options.Confidence = 0.95,
    seed: options.Seed = 0,
    csv_file: options.Csv = None,
    plot: options.Plot = None,
) -> None:
    """Say whether system B differs from system A: paired bootstrap over clips (MAESTRO: over recordings).

    Example: sedlab compare iteration1.hdf5 iteration2.hdf5 --ground-truth validation.tsv
    --durations validation_durations.tsv --postprocess median --metric psds1,psds2
    """
    from sedlab.scoring.metrics.bootstrap import Resampling
    from sedlab.scoring.metrics.comparison import compare as comparison_of
    from sedlab.scoring.metrics.evaluation import counted_scores
    from sedlab.scoring.metrics.statistics.choice import METRICS

    keep_inputs([scores_a, scores_b, ground_truth, durations, postprocess], [csv_file, plot])
    console = table_console()
    with progress_bar(console) as progress:
        frame, metrics = read_metrics_frame(
            [scores_a, scores_b],
            ground_truth,
            durations,
            metric=metric,
            known=tuple(METRICS),
            classes=classes,
            common_clips=common_clips,
            postprocess=postprocess,
            resampled=True,
        )
        counted = [
            counted_scores(tables, frame.truth, frame.kind, frame.durations, frame.classes) for tables in frame.tables
        ]
        resampling = Resampling(intervals, confidence, seed)
        comparison = comparison_of(*counted, metrics, threshold=threshold, resampling=resampling, progress=progress)
    table = comparison.table()
    print(f"A: {scores_a}\nB: {scores_b}")
    for name, rows in table.groupby("metric", sort=False):
        console.print(_table(str(name), rows, comparison))
    warn(frame.warnings)
    _print_notes(comparison, table)
    if csv_file is not None:
        write_table(csv_file, table)
    if plot is not None:
        from sedlab.views.figures.intervals import differences_figure

        write_figure(plot, differences_figure(table, a=figure_name(scores_a), b=figure_name(scores_b)))
    say_written(csv_file, plot)


def _table(metric: str, rows: pd.DataFrame, comparison: Comparison) -> Table:
    """Return the differences of a metric; those whose interval excludes zero are bold."""
    from sedlab.scoring.names import metric_name

    columns = ("", "A", "B", "B - A", f"{100 * comparison.resampling.confidence:g} % interval", "p")
    cells = [
        (
            row.label,
            f"{row.a:.4f}",
            f"{row.b:.4f}",
            f"{row.difference:+.4f}",
            "-" if math.isnan(row.low) else f"{row.low:+.4f} to {row.high:+.4f}",
            f"{row.p:.3f}",
        )
        for row in rows.itertuples()
    ]
    clear = set(rows["label"][(rows["low"] > 0) | (rows["high"] < 0)])
    return number_table(metric_name(metric), columns, cells, bold=clear)


def _print_notes(comparison: Comparison, table: pd.DataFrame) -> None:
    from sedlab.scoring.names import ALL

    for metric, units in comparison.num_units.items():
        what = "recordings" if metric == "mpauc" else "clips with an event"
        missing = comparison.missing_classes[metric]
        without = f"; no value for {', '.join(missing)}" if missing else ""
        print(f"{metric}: {comparison.resampling.replicates} resamples of {units} {what}{without}")
    # All metrics see the same resamples.
    counts = table[table["metric"] == table["metric"].iloc[0]].set_index("label")["num_without_positive"]
    classes = counts.drop(ALL)
    if counts[ALL]:
        lacking = ", ".join(f"{label} in {count}" for label, count in classes[classes > 0].items())
        warn([f"{counts[ALL]} resamples lack a class and leave it out ({lacking})"])
