"""`sedlab errors`: which errors the detections of a system are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sedlab.commands import options
from sedlab.commands.detection.decision import DecisionRule
from sedlab.commands.frame import Frame, read_frame
from sedlab.commands.output import (
    figure_name,
    number_table,
    progress_bar,
    table_console,
    warn,
    write_figure,
    write_table,
)
from sedlab.errors import SedlabError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from rich.table import Table

    from sedlab.progress import Progress

#: Clips that are printed; all of them are in the file.
_SHOWN_CLIPS = 5


def errors(
    scores: options.Scores,
    ground_truth: options.GroundTruth,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the tables (CSV) and pictures (PNG) go.")],
    durations: options.Durations = None,
    against: Annotated[
        Path | None, typer.Option(metavar="SCORES", help="Earlier scores of the same clips: say what changed since.")
    ] = None,
    threshold: options.Threshold = 0.5,
    thresholds: options.ThresholdFile = None,
    postprocess: options.PostprocessIfSaid = None,
    classes: options.Classes = None,
    common_clips: options.CommonClips = False,
) -> None:
    """Name every error: missed, false alarm, cross-class, onset or offset early or late, fragmented, merged, duplicate.

    Example: sedlab errors scores.hdf5 --ground-truth validation.tsv --out errors --against earlier_scores.hdf5
    """
    from sedlab.scoring.errors.tables import is_false_detection
    from sedlab.scoring.scores.matching import EVENTS

    console = table_console()
    decision = DecisionRule.of(thresholds, threshold, postprocess, usual="median")
    with progress_bar(console) as progress:
        frame = read_frame(
            [scores] if against is None else [scores, against],
            ground_truth,
            durations,
            kind=EVENTS,
            classes=classes,
            common_clips=common_clips,
            postprocess=decision.postprocess,
            told=decision.told,
        )
        found = _find_errors(frame, decision.among(frame.classes, frame.scores[0].classes), progress)
    hours = None if durations is None else _hours(durations, frame)
    cases = found[0]
    tables, pictures = _describe(cases, figure_name(scores))
    if against is not None:
        changes = _describe_changes(found[1], cases, f"From {figure_name(against)} to {figure_name(scores)}")
        tables, pictures = tables | changes[0], pictures | changes[1]

    thresholds_told = decision.told_thresholds(frame.classes, frame.scores[0].classes)
    told = f"{scores}, post-processing: {decision.told}, {thresholds_told}"
    console.print(_counts(tables["events"], f"Events of {told}"))
    console.print(_counts(tables["detections"], f"Detections of {told}"))
    print(_false_alarms(int(is_false_detection(cases).sum()), hours))
    worst = tables["clips"].head(_SHOWN_CLIPS)
    print(
        "most errors:", ", ".join(f"{row.clip_id} ({row.worst})" for row in worst.itertuples() if row.worst) or "none"
    )
    if against is not None:
        console.print(_counts(tables["changes_by_class"], f"From {against} to {scores}"))
    warn(frame.warnings)
    _write(out, tables, pictures)


def _find_errors(frame: Frame, threshold: float | dict[str, float], progress: Progress) -> list[pd.DataFrame]:
    """Return the cases of each score file."""
    from sedlab.scoring.errors.cases import find_errors
    from sedlab.scoring.errors.detections import detected_events

    cases = []
    for index, tables in enumerate(frame.tables):
        detections = detected_events(tables, frame.classes, threshold)
        cases.append(find_errors(detections, frame.truth.active, classes=frame.classes))
        progress(index + 1, len(frame.tables), "errors")
    return cases


def _describe(cases: pd.DataFrame, name: str) -> tuple[dict[str, pd.DataFrame], dict[str, Figure]]:
    """Return tables and pictures of the errors of a system, by the names of their files."""
    from sedlab.scoring.errors.kinds import DETECTION, EVENT
    from sedlab.scoring.errors.tables import clip_table, confusions, error_table
    from sedlab.views.figures.errors import boundary_figure, confusion_figure, error_kinds_figure

    tables = {
        "cases": cases,
        "events": error_table(cases, "label", EVENT),
        "detections": error_table(cases, "label", DETECTION),
        "clips": clip_table(cases),
        "confusions": confusions(cases),
    }
    pictures = {
        "kinds": error_kinds_figure(cases, title=f"Errors of {name}"),
        "confusions": confusion_figure(cases),
        "boundaries": boundary_figure(cases),
    }
    return tables, pictures


def _describe_changes(
    before: pd.DataFrame, after: pd.DataFrame, title: str
) -> tuple[dict[str, pd.DataFrame], dict[str, Figure]]:
    """Return tables and pictures of what changed, by the names of their files."""
    from sedlab.scoring.errors.changes import change_table, error_changes
    from sedlab.views.figures.errors import changes_figure

    changes = error_changes(before, after)
    by_class = change_table(changes)
    tables = {"changes": changes, "changes_by_class": by_class, "changes_by_clip": change_table(changes, "clip_id")}
    return tables, {"changes": changes_figure(by_class, title=title)}


def _hours(durations: Path, frame: Frame) -> float:
    """Return how long the clips are together."""
    clip_ids = list(frame.tables[0])
    missing = [clip_id for clip_id in clip_ids if clip_id not in frame.durations]
    if missing:
        raise SedlabError(
            f"{durations}: no duration of {len(missing)} of {len(clip_ids)} clips (first: {missing[0]}). Add them."
        )
    return sum(frame.durations[clip_id] for clip_id in clip_ids) / 3600


def _false_alarms(count: int, hours: float | None) -> str:
    rate = f", {count / hours:.1f} an hour" if hours else ""
    return f"false detections (false alarm, cross-class, duplicate): {count}{rate}"


def _counts(counts: pd.DataFrame, title: str) -> Table:
    """Return counts for the terminal: without the columns that hold only zeros, which the files have."""
    from sedlab.scoring.errors.tables import DEVIATIONS

    counts = counts.drop(columns=DEVIATIONS, errors="ignore")
    counts = counts.loc[:, (counts != 0).any()]
    columns = [column.replace("_", " ") for column in counts.columns]
    return number_table(title, columns, [list(map(_cell, row)) for row in counts.itertuples(index=False)])


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if value != value else f"{value:.2f}"
    return str(value)


def _write(out: Path, tables: dict[str, pd.DataFrame], pictures: dict[str, Figure]) -> None:
    for name, table in tables.items():
        write_table(out / f"{name}.csv", table)
    for name, figure in pictures.items():
        write_figure(out / f"{name}.png", figure)
    print(f"written: {len(tables)} tables and {len(pictures)} pictures in {out}", file=sys.stderr)
