"""Import a corpus: labels and recordings become tables and clips under ``own/``, whole or not at all.

What has not changed since an earlier import of the same recordings is left as it is; one that was interrupted goes on.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sedlab.data.corpora.layout import OWN_FOLDER
from sedlab.data.importing.cutting import ToCut, cut_all
from sedlab.data.importing.planning import ImportPlan, plan_import
from sedlab.data.importing.record import (
    RECORD,
    CutRecording,
    ImportOptions,
    ImportRecord,
    read_clips,
    read_record,
    splits_so_far,
    write_clips,
)
from sedlab.data.importing.writing import PARTS, clips_and_events, remove_others, table_path, write_tables
from sedlab.errors import SedlabError, os_problem
from sedlab.files import sweep_temporaries, write_text_if_changed
from sedlab.progress import Progress, no_progress
from sedlab.system.locking import Held, held

#: How often it is written down what has been cut, in seconds.
_NOTE_SECONDS = 10.0
_Cut = dict[tuple[str, str], CutRecording]


@dataclass(frozen=True)
class Imported:
    """What an import has made."""

    root: Path
    classes: tuple[str, ...]
    events: pd.DataFrame
    """A row an event of a clip: part, filename, onset, offset, label; NaN times for labels of whole clips."""
    clips: pd.DataFrame
    """A row a clip: part, filename, seconds, recording."""
    num_cut: int
    """Recordings that were cut now; the others were there."""
    changed: bool
    """Whether any file is another than before."""
    notes: tuple[str, ...]


def import_corpus(
    root: str | Path, options: ImportOptions, *, replace: bool = False, progress: Progress = no_progress
) -> Imported:
    """Make the corpus "own" under ``root`` from recordings and labels, and return what it holds.

    Parameters
    ----------
    replace : bool
        Take the place of an import of other recordings or labels.

    Raises
    ------
    SedlabError
        When something in the labels is wrong, ``own/`` holds another corpus, or a recording cannot be read. Nothing is
        written before labels, names and classes have been found right.
    """
    root = Path(root)
    before = _before(root, options, replace=replace)
    same_split = before is not None and _split_of(before.options) == _split_of(options)
    known = read_clips(root) if before is not None else {}
    plan = plan_import(options, root, splits_so_far(known) if same_split else {})
    (root / OWN_FOLDER).mkdir(parents=True, exist_ok=True)
    try:
        with held(root / OWN_FOLDER / ".lock"):
            return _make(root, options, plan, known if before is not None else None, progress)
    except Held as error:
        raise SedlabError(
            f"{root / OWN_FOLDER}: another import is at work ({error}). Wait for it.{error.remedy}"
        ) from None
    except OSError as error:
        raise SedlabError(os_problem(error, root / OWN_FOLDER)) from error


def _make(root: Path, options: ImportOptions, plan: ImportPlan, known: _Cut | None, progress: Progress) -> Imported:
    if known is None:
        _clear(root)
    sweep_temporaries(root / OWN_FOLDER)
    known = known or {}
    wanted = {(r.subset, r.recording): r for r in plan.to_cut}
    kept = {key: cut for key, cut in known.items() if key in wanted and _is_current(cut, wanted[key], root)}
    todo = [recording for key, recording in wanted.items() if key not in kept]
    overwritten = any(_overwrites(recording, known) for recording in todo)
    record = ImportRecord(options=options, classes=plan.classes, finished=False)
    if todo:
        write_text_if_changed(root / RECORD, record.model_dump_json(indent=2) + "\n")
    if overwritten:
        # Until all is cut anew: clips of other sound must not be read by the labels of the old one.
        for part in PARTS[:4]:
            table_path(root, part).unlink(missing_ok=True)
    cut = _cut(root, todo, known, kept, progress)
    clips, rows, notes = clips_and_events(plan, cut)
    changed = write_tables(root, plan, clips, rows) | bool(todo)
    changed |= remove_others(root, clips)
    write_clips(root, list(cut.values()))
    changed |= write_text_if_changed(
        root / RECORD, record.model_copy(update={"finished": True}).model_dump_json(indent=2) + "\n"
    )
    return Imported(root, plan.classes, rows, clips, len(todo), changed, (*plan.notes, *notes))


def _before(root: Path, options: ImportOptions, *, replace: bool) -> ImportRecord | None:
    """Return the record of an import that this one continues; None for a new one.

    Raises SedlabError for a folder that holds something else.
    """
    folder = root / OWN_FOLDER
    if (folder / "").resolve() == options.folder.resolve():
        raise SedlabError(f"{folder}: the clips of an import go there. Keep the recordings in another folder.")
    record = read_record(root) if not replace or (root / RECORD).is_file() else None
    if record is None:
        there = [path.name for path in folder.iterdir() if path.name != ".lock"] if folder.is_dir() else []
        if there:
            raise SedlabError(
                f"{folder}: holds {there[0]}, which no import has made. Move the folder away, or give another --root."
            )
        return None
    if (record.options.folder, record.options.labels) == (options.folder, options.labels):
        return record
    if not replace:
        raise SedlabError(
            f"{folder}: holds an import of {record.options.folder}. Take its place with --replace, or give another "
            "--root."
        )
    return None


def _split_of(options: ImportOptions) -> tuple:
    return options.split, options.split_column, options.seed


def _is_current(cut: CutRecording, wanted: ToCut, root: Path) -> bool:
    return cut.source == wanted.source and cut.is_whole(root) and cut.clips == wanted.clips(cut.num_samples)


def _overwrites(recording: ToCut, known: _Cut) -> bool:
    return (recording.subset, recording.recording) in known


def _clear(root: Path) -> None:
    for path in (root / OWN_FOLDER).iterdir():
        if path.name != ".lock":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _cut(root: Path, todo: Sequence[ToCut], known: _Cut, kept: _Cut, progress: Progress) -> _Cut:
    """Cut what is to be cut, and note now and then what has been, so that an interrupted import can go on."""
    cut = dict(kept)
    noted = time.monotonic()

    def done(result: CutRecording) -> None:
        nonlocal noted
        cut[result.subset, result.recording] = result
        progress(len(cut) - len(kept), len(todo), result.recording)
        if time.monotonic() - noted > _NOTE_SECONDS:
            write_clips(root, list({**known, **cut}.values()))
            noted = time.monotonic()

    try:
        cut_all(root, todo, done)
    except BaseException:
        with suppress(SedlabError):
            write_clips(root, list({**known, **cut}.values()))
        raise
    return cut


def summary(imported: Imported) -> pd.DataFrame:
    """Return a row a class and one for all: clips, events and seconds of events in each split, and labels of clips."""
    table = []
    for label in (None, *imported.classes):
        row: dict[str, object] = {"class": "all" if label is None else label}
        for part in PARTS:
            clips = imported.clips[imported.clips["part"] == part]
            events = imported.events[imported.events["part"] == part]
            if clips.empty:
                continue
            if label is not None:
                events = events[events["label"] == label]
            num_clips = len(clips) if label is None else events["filename"].nunique()
            row[f"{part} clips"] = "" if part == "unlabeled" and label is not None else num_clips
            if part in ("train", "val", "test"):
                row[f"{part} events"] = len(events)
                row[f"{part} seconds"] = round(float((events["offset"] - events["onset"]).sum()), 1)
        table.append(row)
    return pd.DataFrame(table)
