"""What `sedlab errors` does between its options and the scoring room: read, detect, name errors, print, write."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from sedlab.commands.evaluate import EvaluateOptions, postprocessed, progress_bar, save_figure
from sedlab.errors import SedlabError

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from sedlab.progress import Progress

#: Clips that are printed; all of them are in the file.
_SHOWN_CLIPS = 5


def errors_command(
    scores: Path,
    ground_truth: Path,
    durations: Path | None,
    options: EvaluateOptions,
    out: Path,
    *,
    against: Path | None = None,
) -> None:
    """Name the errors of the scores' detections, print them by class, write tables and pictures to ``out``.

    With ``against``, other scores of the same clips, also what changed from those to these.

    Raises
    ------
    SedlabError
        For unreadable or unfitting files, and options that do not go together.
    """
    from sedlab.scoring.errors.changes import change_table, error_changes
    from sedlab.scoring.errors.kinds import DETECTION, EVENT
    from sedlab.scoring.errors.tables import clip_table, confusions, error_table, is_false_detection
    from sedlab.views.figures.errors import boundary_figure, changes_figure, confusion_figure, error_kinds_figure

    files = [scores] if against is None else [scores, against]
    console = Console(width=None if sys.stdout.isatty() else 160)
    with progress_bar(console) as progress:
        found, clip_ids = find_file_errors(files, ground_truth, options, progress=progress)
    hours = _hours(durations, clip_ids)
    cases = found[0]
    tables = {
        "cases": cases,
        "events": error_table(cases, "label", EVENT),
        "detections": error_table(cases, "label", DETECTION),
        "clips": clip_table(cases),
        "confusions": confusions(cases),
    }
    pictures = {
        "kinds": error_kinds_figure(cases, title=f"Errors of {scores.stem}"),
        "confusions": confusion_figure(cases),
        "boundaries": boundary_figure(cases),
    }
    if against is not None:
        changes = error_changes(found[1], cases)
        tables |= {"changes": changes, "changes_by_class": change_table(changes)}
        tables["changes_by_clip"] = change_table(changes, "clip_id")
        pictures["changes"] = changes_figure(tables["changes_by_class"], title=f"From {against.stem} to {scores.stem}")

    told = f"{scores}, post-processing: {options.postprocess}, threshold {options.threshold:g}"
    console.print(_counts(tables["events"], f"Events of {told}"))
    console.print(_counts(tables["detections"], f"Detections of {told}"))
    print(_false_alarms(int(is_false_detection(cases).sum()), hours))
    worst = tables["clips"].head(_SHOWN_CLIPS)
    print(
        "most errors:", ", ".join(f"{row.clip_id} ({row.worst})" for row in worst.itertuples() if row.worst) or "none"
    )
    if against is not None:
        console.print(_counts(tables["changes_by_class"], f"From {against} to {scores}"))
    _write(out, tables, pictures)


def find_file_errors(
    files: list[Path], ground_truth: Path, options: EvaluateOptions, *, progress: Progress | None = None
) -> tuple[list[pd.DataFrame], list[str]]:
    """Return the cases of each score file and the ids of the clips they share; errors are those of `errors_command`."""
    from sedlab.labels import SOFT_THRESHOLD
    from sedlab.scoring.errors.detections import detected_events
    from sedlab.scoring.errors.kinds import find_errors
    from sedlab.scoring.metrics import evaluation
    from sedlab.scoring.scores.inputs import read_ground_truth, read_scores

    progress = progress or evaluation.no_progress
    truth, found = read_ground_truth(ground_truth), [read_scores(path) for path in files]
    classes = options.classes
    for scores in found:
        classes = evaluation.scored_classes(scores, truth, evaluation.EVENTS, classes)
    for scores in found:
        # The second has to fit the clips that the first one left.
        _, truth, _ = evaluation.match_clips(scores, truth, common=options.common_clips)
    events = truth.events[truth.events["confidence"] > SOFT_THRESHOLD]
    cases = []
    for index, scores in enumerate(found):
        chosen, _, _ = evaluation.match_clips(scores, truth, common=options.common_clips)
        detections = detected_events(postprocessed(chosen, classes, options), classes, options.threshold)
        cases.append(find_errors(detections, events, classes=classes))
        progress(index + 1, len(found), "errors")
    return cases, list(chosen.tables)


def _hours(durations: Path | None, clip_ids: list[str]) -> float | None:
    """Return how long the clips are together; None where nobody said."""
    from sedlab.scoring.scores.inputs import read_durations

    if durations is None:
        return None
    seconds = read_durations(durations)
    missing = [clip_id for clip_id in clip_ids if clip_id not in seconds]
    if missing:
        raise SedlabError(
            f"{durations}: no duration of {len(missing)} of {len(clip_ids)} clips (first: {missing[0]}). Add them."
        )
    return sum(seconds[clip_id] for clip_id in clip_ids) / 3600


def _false_alarms(count: int, hours: float | None) -> str:
    rate = f", {count / hours:.1f} an hour" if hours else ""
    return f"false detections (false alarm, cross-class, duplicate): {count}{rate}"


def _counts(counts: pd.DataFrame, title: str) -> Table:
    """Return counts for the terminal: without the columns that hold only zeros, which the files have."""
    from rich.table import Table

    from sedlab.scoring.errors.tables import DEVIATIONS

    counts = counts.drop(columns=DEVIATIONS, errors="ignore")
    counts = counts.loc[:, (counts != 0).any()]
    table = Table(title=title)
    for column in counts.columns:
        table.add_column(column.replace("_", " "), justify="left" if column == counts.columns[0] else "right")
    for place, row in enumerate(counts.itertuples(index=False)):
        table.add_row(*map(_cell, row), end_section=place == 0)
    return table


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if value != value else f"{value:.2f}"
    return str(value)


def _write(out: Path, tables: dict[str, pd.DataFrame], pictures: dict[str, object]) -> None:
    from sedlab.files import atomic_path

    for name, table in tables.items():
        with atomic_path(out / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    for name, figure in pictures.items():
        save_figure(out / f"{name}.png", figure)
    print(f"written: {len(tables)} tables and {len(pictures)} pictures in {out}", file=sys.stderr)
