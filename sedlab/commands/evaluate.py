"""`sedlab evaluate`: what scores are worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sedlab.commands import options
from sedlab.commands.detection.decision import DecisionRule
from sedlab.commands.frame import Frame, keep_inputs, read_metrics_frame
from sedlab.commands.output import (
    figure_name,
    format_number,
    number_table,
    progress_bar,
    say,
    say_written,
    table_console,
    warn,
    write_figure,
    write_table,
)
from sedlab.errors import SedlabError, count_of

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from sedlab.progress import Progress
    from sedlab.scoring.metrics.bootstrap import Resampling
    from sedlab.scoring.metrics.evaluation import Evaluation
    from sedlab.scoring.metrics.events import Threshold


def evaluate(
    scores: options.Scores,
    ground_truth: options.GroundTruth,
    durations: options.Durations = None,
    postprocess: options.PostprocessIfSaid = None,
    metric: options.Metric = "",
    classes: options.Classes = None,
    common_clips: options.CommonClips = False,
    threshold: options.Threshold = 0.5,
    thresholds: options.ThresholdFile = None,
    intervals: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=options.MAX_INTERVALS,
            help="Bootstrap intervals from N resamples of the clips. 0: none.",
        ),
    ] = 0,
    confidence: options.Confidence = 0.95,
    seed: options.Seed = 0,
    json_file: options.Json = None,
    csv_file: options.Csv = None,
    plot: options.Plot = None,
) -> None:
    """Evaluate scores: PSDS and F1 of events, mpAUC of soft one-second labels, overall and by class.

    Clips without event do not count for PSDS and F1, as in the published evaluation. F1 is at the threshold, and at the
    best one of each class. --metric psds,pipsds1 adds PSDS1 with the best median filter at every point (slow); --plot
    draws the PSD-ROC curve.

    Example: sedlab evaluate scores.hdf5 --ground-truth validation.tsv --durations validation_durations.tsv
    --postprocess median
    """
    from sedlab.scoring.metrics.bootstrap import Resampling
    from sedlab.scoring.metrics.evaluation import EVENT_METRICS, PIPSDS, SEGMENT_METRICS
    from sedlab.scoring.scores.matching import SEGMENTS

    keep_inputs([scores, ground_truth, durations, postprocess, thresholds], [json_file, csv_file, plot])
    decision = DecisionRule.of(thresholds, threshold, postprocess, usual="none")
    console = table_console()
    with progress_bar(console) as progress:
        frame, metrics = read_metrics_frame(
            [scores],
            ground_truth,
            durations,
            metric=metric,
            known=(*EVENT_METRICS, *SEGMENT_METRICS),
            on_request=[PIPSDS],
            classes=classes,
            common_clips=common_clips,
            postprocess=decision.postprocess,
            told=decision.told,
            resampled=intervals > 0,
        )
        chosen = decision.among(frame.classes, frame.scores[0].classes)
        evaluation = _evaluate(frame, metrics, chosen, Resampling(intervals, confidence, seed), progress)
    if plot is not None and frame.kind == SEGMENTS:
        raise SedlabError(f"--plot {plot}: mpAUC has no PSD-ROC curve. Leave the option out.")
    console.print(_table(evaluation, f"{scores}, post-processing: {decision.told}"))
    console.print(", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in evaluation.counts.items()))
    say(console, told_clips(len(frame.truth.clip_ids), frame.left_out["without_scores"], ground_truth))
    warn(evaluation.warnings)
    if json_file is not None:
        sources = {"scores": scores, "ground_truth": ground_truth, "durations": durations}
        _write_json(json_file, evaluation, {**sources, "threshold": chosen, "postprocess": decision.told})
    if csv_file is not None:
        write_table(csv_file, _results_table(evaluation))
    if plot is not None:
        from sedlab.scoring.metrics.psds import psds
        from sedlab.views.figures.psd_roc import psd_roc_figure

        write_figure(plot, psd_roc_figure({figure_name(scores): psds(evaluation.counted)}, title="PSDS1"))
    say_written(json_file, csv_file, plot)


def told_clips(scored: int, without_scores: int, ground_truth: Path) -> str:
    """Return in words on how many of the clips of a ground truth scores were evaluated."""
    if not without_scores:
        return f"on {count_of(scored, 'clip')}, all of {ground_truth}"
    total = scored + without_scores
    return f"on {scored:,} of {total:,} clips of {ground_truth}: not comparable with figures on all of them"


def _evaluate(
    frame: Frame, metrics: Sequence[str], threshold: Threshold, resampling: Resampling, progress: Progress
) -> Evaluation:
    """Return the metrics of the frame's scores; what was left out is among counts and warnings."""
    from sedlab.scoring.metrics.evaluation import evaluate_events, evaluate_segments
    from sedlab.scoring.scores.matching import SEGMENTS

    subject = (frame.tables[0], frame.truth, frame.durations, frame.classes)
    how = {"resampling": resampling, "progress": progress}
    if frame.kind == SEGMENTS:
        result = evaluate_segments(*subject, **how)
    else:
        result = evaluate_events(*subject, metrics=metrics, threshold=threshold, **how)
    return replace(
        result,
        measures={name: result.measures[name] for name in metrics},
        counts=result.counts | frame.left_out,
        warnings=frame.warnings + result.warnings,
    )


def _results_table(evaluation: Evaluation) -> pd.DataFrame:
    """Return `metric, label, value, low, high, threshold`: a row for each metric overall ("all") and of each class."""
    import pandas as pd

    from sedlab.scoring.names import ALL

    unknown = (math.nan, math.nan)
    rows = [
        (metric, label, value, *measure.intervals.get(label, unknown), measure.thresholds.get(label, math.nan))
        for metric, measure in evaluation.measures.items()
        for label, value in {ALL: measure.overall, **measure.per_class}.items()
    ]
    return pd.DataFrame(rows, columns=["metric", "label", "value", "low", "high", "threshold"])


def _table(evaluation: Evaluation, title: str) -> Table:
    from sedlab.scoring.names import ALL, metric_name

    metrics = list(evaluation.measures)
    values = _results_table(evaluation).set_index(["label", "metric"])
    rows = [
        (label, *(_cell(values.loc[(label, metric)]) for metric in metrics))
        for label in (ALL, *evaluation.counted.classes)
    ]
    return number_table(title, ("", *map(metric_name, metrics)), rows)


def _cell(row: pd.Series) -> str:
    interval = "" if math.isnan(row["low"]) else f" ({row['low']:.2f}-{row['high']:.2f})"
    return f"{format_number(row['value'])}{interval}"


def _write_json(path: Path, evaluation: Evaluation, sources: dict[str, Any]) -> None:
    from pydantic_core import to_jsonable_python

    from sedlab.files import write_json

    results = {
        metric: {name: value for name, value in vars(measure).items() if value != {}}
        for metric, measure in evaluation.measures.items()
    }
    document = {**sources, "counts": evaluation.counts, "warnings": evaluation.warnings, "metrics": results}
    # JSON knows neither nan nor infinity.
    write_json(path, to_jsonable_python(document, inf_nan_mode="null"))
