"""What `sedlab tune` does between its options and the scoring room: read, tune, write, show what it brought."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from sedlab.commands.evaluate import progress_bar, save_figure
from sedlab.errors import SedlabError

if TYPE_CHECKING:
    from rich.table import Table

    from sedlab.scoring.metrics.psds import PsdsResult
    from sedlab.scoring.scores.inputs import EvaluationScores, GroundTruth
    from sedlab.scoring.tuning.csebbs import CsebbsTuning
    from sedlab.scoring.tuning.median import MedianTuning


def tune_command(
    scores: Path,
    ground_truth: Path,
    durations: Path,
    out: Path,
    *,
    method: str = "csebbs",
    common_clips: bool = False,
    plot: Path | None = None,
) -> None:
    """Write the best parameters of ``method`` for each class and print PSDS1 without and with them.

    Raises
    ------
    SedlabError
        For unreadable or unfitting files.
    """
    from sedlab.scoring.metrics.evaluation import match_clips
    from sedlab.scoring.metrics.psds import psds
    from sedlab.scoring.postprocess import Postprocess
    from sedlab.scoring.scores.inputs import read_durations, read_ground_truth, read_scores

    truth, found = read_ground_truth(ground_truth), read_scores(scores)
    classes = tuned_classes(found, truth)
    found, truth, left_out = match_clips(found, truth, common=common_clips)
    seconds = read_durations(durations)
    console = Console(width=None if sys.stdout.isatty() else 160)
    with progress_bar(console) as progress:
        tuning = _tune(method, found, truth, seconds, classes, progress)
        progress(0, 2, "PSDS1 before")
        before = psds(found.tables, truth.events, seconds, classes=classes)
        progress(1, 2, "PSDS1 after")
        after = psds(tuning.params.scores(found.tables, classes), truth.events, seconds, classes=classes)

    Postprocess.of(_with_sources(tuning, scores, ground_truth, before, after)).write(out)
    if plot is not None:
        _write_plot(plot, tuning)
    console.print(_table(tuning, before, after, f"{scores}, {method}"))
    console.print(f"clips: {after.num_clips}, events: {after.num_events}")
    for what, count in left_out.items():
        if count:
            print(f"warning: {count} clips {what.replace('_', ' ')} are left out.", file=sys.stderr)
    if after.missing_classes:
        print(f"warning: no event of {', '.join(after.missing_classes)}: not tuned.", file=sys.stderr)
    for file in filter(None, (out, plot)):
        print(f"written: {file}", file=sys.stderr)


def tuned_classes(scores: EvaluationScores, truth: GroundTruth) -> tuple[str, ...]:
    """Return the scored classes that the ground truth speaks about; of DESED's all, also those that do not occur.

    Raises
    ------
    SedlabError
        For soft labels, which say nothing about extents, and when no class has scores.
    """
    from sedlab.labels import DESED_CLASSES
    from sedlab.scoring.metrics.evaluation import SEGMENTS, kind_of

    if kind_of(truth) == SEGMENTS:
        raise SedlabError(
            f"{truth.path}: soft or MAESTRO labels, which are scored in seconds. Tune on events with onset and offset; "
            "classes that are not tuned keep their scores."
        )
    known = set(truth.labels)
    if known & set(DESED_CLASSES):
        known |= set(DESED_CLASSES)
    classes = tuple(label for label in scores.classes if label in known)
    if not classes:
        raise SedlabError(
            f"{scores.path}: no scores for any class of {truth.path}. Give the ground truth of its clips."
        )
    return classes


def _tune(
    method: str,
    scores: EvaluationScores,
    truth: GroundTruth,
    durations: dict[str, float],
    classes: Sequence[str],
    progress,
) -> CsebbsTuning | MedianTuning:
    from sedlab.scoring.tuning.csebbs import tune_csebbs
    from sedlab.scoring.tuning.median import tune_median

    tune = {"csebbs": tune_csebbs, "median": tune_median}[method]
    return tune(scores.tables, truth.events, durations, classes=classes, progress=progress)


def _with_sources(
    tuning: CsebbsTuning | MedianTuning, scores: Path, ground_truth: Path, before: PsdsResult, after: PsdsResult
):
    """Return the parameters with what they were tuned on."""
    from dataclasses import replace

    from sedlab import __version__

    sources = {
        "scores": scores.name,
        "ground_truth": ground_truth.name,
        "clips": after.num_clips,
        "events": after.num_events,
        "psds1_before": before.overall,
        "psds1_after": after.overall,
        "sedlab": __version__,
    }
    return replace(tuning.params, provenance={**tuning.params.provenance, **sources})


def _table(tuning: CsebbsTuning | MedianTuning, before: PsdsResult, after: PsdsResult, title: str) -> Table:
    from rich.table import Table

    settings = _settings(tuning)
    table = Table("", *settings[0], title=title)
    for name in ("PSDS1 before", "after"):
        table.add_column(name, justify="right")
    for label, values in zip(tuning.best, settings[1:], strict=True):
        table.add_row(label, *values, _number(before.per_class[label]), _number(after.per_class[label]))
    table.add_section()
    table.add_row("all", *[""] * len(settings[0]), _number(before.overall), _number(after.overall))
    return table


def _settings(tuning: CsebbsTuning | MedianTuning) -> list[tuple[str, ...]]:
    """Return the column heads, then the cells of each class."""
    from sedlab.scoring.tuning.csebbs import CsebbsTuning

    if not isinstance(tuning, CsebbsTuning):
        return [("length",), *((f"{seconds:g} s",) for seconds in tuning.params.seconds.values())]
    return [
        ("step", "merged where the score falls"),
        *(
            (f"{s.step:g} s", f"by < {s.absolute:g}" if math.isinf(s.relative) else f"by a factor < {s.relative:g}")
            for s in tuning.params.settings.values()
        ),
    ]


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"


def _write_plot(path: Path, tuning: CsebbsTuning | MedianTuning) -> None:
    from sedlab.scoring.tuning.csebbs import CsebbsTuning
    from sedlab.views.figures.tuning import csebbs_tuning_figure, median_tuning_figure

    draw = csebbs_tuning_figure if isinstance(tuning, CsebbsTuning) else median_tuning_figure
    save_figure(path, draw(tuning))
