"""The tables of an imported corpus: what each clip holds, written where that has changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sedlab.data.corpora.layout import OWN_CLASSES, OWN_FOLDER, SUBSETS
from sedlab.data.corpora.own import write_own_classes
from sedlab.data.importing.planning import ImportPlan
from sedlab.data.importing.record import CutRecording, write_if_changed
from sedlab.data.importing.windows import window_events
from sedlab.errors import count_of
from sedlab.grid import SAMPLE_RATE

PARTS = ("train", "val", "test", "weak", "unlabeled")


def clips_and_events(
    plan: ImportPlan, cut: Mapping[tuple[str, str], CutRecording]
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Return clips, events, and notes about events that no clip has."""
    clips, rows, late = [], [], 0
    for recording in plan.to_cut:
        part = recording.subset.removeprefix(f"{OWN_FOLDER}_")
        made = cut[recording.subset, recording.recording]
        clips += [(part, name, (end - start) / SAMPLE_RATE, recording.recording) for name, start, end in made.clips]
        if part == "weak":
            labels = plan.weak[recording.recording]
            rows += [(part, made.clips[0][0], float("nan"), float("nan"), label) for label in labels]
        elif part != "unlabeled":
            end = min(made.num_samples / SAMPLE_RATE, recording.until)
            late += sum(onset >= end for onset, _, _ in recording.events)
            for name, start, stop in made.clips:
                rows += [(part, name, *event) for event in window_events(recording.events, start, stop)]
    events = pd.DataFrame(rows, columns=["part", "filename", "onset", "offset", "label"])
    events = events.astype({"onset": float, "offset": float})
    table = pd.DataFrame(clips, columns=["part", "filename", "seconds", "recording"])
    notes = [f"{count_of(late, 'event')} left out that would begin after the recording has ended"] if late else []
    return table.sort_values(["part", "filename"], ignore_index=True), events, notes


def write_tables(root: Path, plan: ImportPlan, clips: pd.DataFrame, rows: pd.DataFrame) -> bool:
    """Write classes, labels and durations; return whether a file is another than before."""
    changed = False
    path = root / OWN_CLASSES
    if not path.is_file() or path.read_text(encoding="utf-8").splitlines() != list(plan.classes):
        write_own_classes(root, plan.classes)
        changed = True
    for part in PARTS[:4]:
        of_part = clips[clips["part"] == part]
        if of_part.empty:
            continue
        labels = of_part[["filename"]].merge(rows[rows["part"] == part], on="filename", how="left")
        if part == "weak":
            joined = labels.groupby("filename")["label"].agg(lambda found: ",".join(found.dropna()))
            table = joined.rename("event_labels").reset_index()
        else:
            # A clip without events keeps one row, without times and label.
            table = labels.rename(columns={"label": "event_label"})[["filename", "onset", "offset", "event_label"]]
            table = table.sort_values(["filename", "onset", "offset", "event_label"], ignore_index=True)
        changed |= write_if_changed(table_path(root, part), table)
        if durations := SUBSETS[f"{OWN_FOLDER}_{part}"].durations:
            seconds = of_part[["filename"]].assign(duration=of_part["seconds"].round(6))
            changed |= write_if_changed(root / durations, seconds)
    return changed


def remove_others(root: Path, clips: pd.DataFrame) -> bool:
    """Remove clips, tables and folders of an earlier import that are not of this one; return whether there were any."""
    removed = False
    for part in PARTS:
        wanted = set(clips.loc[clips["part"] == part, "filename"])
        folder = root / SUBSETS[f"{OWN_FOLDER}_{part}"].audio
        if not folder.is_dir():
            continue
        for path in [path for path in folder.iterdir() if path.name not in wanted]:
            path.unlink()
            removed = True
        if not wanted:
            folder.rmdir()
            table_path(root, part).unlink(missing_ok=True)
            if durations := SUBSETS[f"{OWN_FOLDER}_{part}"].durations:
                (root / durations).unlink(missing_ok=True)
    return removed


def table_path(root: Path, part: str) -> Path:
    """Return where the labels of a part are."""
    return root / (SUBSETS[f"{OWN_FOLDER}_{part}"].table or f"{OWN_FOLDER}/{part}.tsv")
