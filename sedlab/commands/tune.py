"""`sedlab tune`: post-processing that suits the scores, class by class."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sedlab.commands import options
from sedlab.commands.frame import check_durations, keep_inputs, match, read_times
from sedlab.commands.output import format_number, progress_bar, say_written, table_console, warn, write_figure
from sedlab.errors import SedlabError

if TYPE_CHECKING:
    from rich.table import Table

    from sedlab.scoring.metrics.psds import PsdsResult
    from sedlab.scoring.scores.inputs import EvaluationScores, GroundTruth
    from sedlab.scoring.tuning.choice import Tuning


def tune(
    scores: options.Scores,
    ground_truth: options.GroundTruth,
    durations: options.Durations,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the parameters go (JSON).")],
    method: Annotated[
        Literal["csebbs", "median"], typer.Option(help="Sound event bounding boxes, or lengths of the median filter.")
    ] = "csebbs",
    common_clips: options.CommonClips = False,
    plot: options.Plot = None,
) -> None:
    """Tune post-processing class by class: the setting with the best PSDS1 of the class alone.

    Tune on other clips than those you report results of. --plot draws every setting tried.

    Example: sedlab tune scores.hdf5 --ground-truth validation.tsv --durations validation_durations.tsv
    --out csebbs.json
    """
    from sedlab.runs.moved.left_out import require_packed
    from sedlab.scoring.metrics.events import CountedEvents
    from sedlab.scoring.metrics.psds import psds
    from sedlab.scoring.postprocess import Postprocess
    from sedlab.scoring.postprocess.csebbs import UNTUNED
    from sedlab.scoring.scores.inputs import read_ground_truth, read_scores
    from sedlab.scoring.scores.matching import EVENTS
    from sedlab.scoring.tuning.csebbs import tune_csebbs
    from sedlab.scoring.tuning.median import tune_median

    keep_inputs([scores, ground_truth, durations], [out, plot])
    search = {"csebbs": tune_csebbs, "median": tune_median}[method]
    require_packed(scores)
    truth, found = read_ground_truth(ground_truth), read_scores(scores)
    classes = tuned_classes(found, truth)
    matched = match([found], truth, common=common_clips)
    seconds, notes = read_times(matched, EVENTS, durations)
    check_durations(durations, seconds, matched.truth, classes)
    counted = CountedEvents.of(matched.scores[0].tables, matched.truth.events, seconds, classes)
    console = table_console()
    with progress_bar(console) as progress:
        tuning = search(counted, progress=progress)
        progress(0, 2, "PSDS1 before")
        before = psds(counted)
        progress(1, 2, "PSDS1 after")
        after = psds(replace(counted, scores=tuning.params.scores(counted.scores, classes)))

    Postprocess.of(_with_sources(tuning, scores, ground_truth, before, after)).write(out)
    if plot is not None:
        from sedlab.views.figures.tuning import csebbs_tuning_figure, median_tuning_figure

        draw = {"csebbs": csebbs_tuning_figure, "median": median_tuning_figure}[method]
        write_figure(plot, draw(tuning))
    console.print(_table(tuning, before, after, f"{scores}, {method}"))
    console.print(f"clips: {after.num_clips}, events: {after.num_events}")
    warn(notes + matched.warnings)
    if after.missing_classes:
        otherwise = {
            "csebbs": f"boxes with a step of {UNTUNED.step:g} s, merged where scores fall by < {UNTUNED.absolute:g}",
            "median": "the published length of the filter, none without",
        }
        warn([f"no event of {', '.join(after.missing_classes)}: not tuned, used will be {otherwise[method]}."])
    say_written(out, plot)


def tuned_classes(scores: EvaluationScores, truth: GroundTruth) -> tuple[str, ...]:
    """Return the scored classes that the ground truth speaks about; of DESED's all, also those that do not occur.

    Raises
    ------
    SedlabError
        For soft labels, which say nothing about extents, and when no class has scores.
    """
    from sedlab.labels import DESED_CLASSES
    from sedlab.scoring.scores.matching import SEGMENTS, kind_of

    if kind_of(truth) == SEGMENTS:
        raise SedlabError(
            f"{truth.path}: soft or MAESTRO labels, which are scored in seconds. Tune on events with onset and offset; "
            "classes that are not tuned keep their scores."
        )
    known = set(truth.labels)
    if known and known <= set(DESED_CLASSES):
        known |= set(DESED_CLASSES)
    classes = tuple(label for label in scores.classes if label in known)
    if not classes:
        raise SedlabError(
            f"{scores.path}: no scores for any class of {truth.path}. Give the ground truth of its clips."
        )
    return classes


def _with_sources(tuning: Tuning, scores: Path, ground_truth: Path, before: PsdsResult, after: PsdsResult):
    """Return the parameters with what they were tuned on."""
    from sedlab import __version__
    from sedlab.data.formats.names import readable_name

    sources = {
        "scores": readable_name(scores.name),
        "ground_truth": readable_name(ground_truth.name),
        "clips": after.num_clips,
        "events": after.num_events,
        "psds1_before": before.overall,
        "psds1_after": after.overall,
        "sedlab": __version__,
    }
    return replace(tuning.params, provenance={**tuning.params.provenance, **sources})


def _table(tuning: Tuning, before: PsdsResult, after: PsdsResult, title: str) -> Table:
    from rich.table import Table

    heads, settings = _settings(tuning)
    table = Table("", *heads, title=title)
    for name in ("PSDS1 before", "after"):
        table.add_column(name, justify="right")
    for label in tuning.best:
        values = settings.get(label, ("not tuned", *[""] * (len(heads) - 1)))
        table.add_row(label, *values, format_number(before.per_class[label]), format_number(after.per_class[label]))
    table.add_section()
    table.add_row("all", *[""] * len(heads), format_number(before.overall), format_number(after.overall))
    return table


def _settings(tuning: Tuning) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return the column heads, and the cells of each tuned class."""
    from sedlab.scoring.postprocess.median import MedianParams

    if isinstance(tuning.params, MedianParams):
        return ("length",), {label: (f"{seconds:g} s",) for label, seconds in tuning.params.seconds.items()}
    return ("step", "merged where the score falls"), {
        label: (
            f"{s.step:g} s",
            f"by < {s.absolute:g}" if math.isinf(s.relative) else f"by a factor < {s.relative:g}",
        )
        for label, s in tuning.params.settings.items()
    }
