"""DESED: domestic clips of 10 s with strong, weak or no labels, real and synthetic.

Source: Turpault et al., "Sound event detection in domestic environments with weakly labeled data and soundscape
synthesis", DCASE workshop 2019; tables as distributed with the DESED repository.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sedlab.config.data import DataConfig
from sedlab.data.audio_file import read_header
from sedlab.data.corpora import reading
from sedlab.data.corpora.layout import SUBSETS, Subset
from sedlab.data.formats.names import readable_name
from sedlab.data.formats.text import is_table
from sedlab.data.tables import EVENT_COLUMNS, Corpus
from sedlab.data.tsv import read_tsv, write_tsv
from sedlab.errors import SedlabError
from sedlab.labels import DESED_CLASSES, DESED_TO_MAESTRO


def read_desed(root: Path, subset: Subset, config: DataConfig) -> Corpus:
    """Return the clips and events of one DESED subset.

    Training clips named in the subset's exclusion list are left out if ``config.exclude_overlapping``, and training
    events are aliased to MAESTRO classes if ``config.alias_labels``.
    """
    if subset.label_kind == "strong":
        clips, events = read_strong(root, subset, DESED_CLASSES)
    elif subset.label_kind == "weak":
        clips, events = read_weak(root, subset, DESED_CLASSES, split=config)
    else:
        clips, events = read_unlabeled(root, subset)
    if subset.split == "train" and config.exclude_overlapping:
        clips = reading.without_excluded(clips, root, subset)
    clips = reading.clips_with_audio(clips, root, subset)
    events = events[events["clip_id"].isin(clips["clip_id"])]
    if subset.split == "train" and config.alias_labels:
        events = reading.add_aliases(events, DESED_TO_MAESTRO)
    return Corpus(clips=clips, events=events.reset_index(drop=True), root=root, aliased=config.alias_labels)


def split_weak(table: pd.DataFrame, *, fraction: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the weak table into training rows, in the order drawn, and validation rows, in file order.

    With the published table, 0.9 and seed 42 these are the published 1420 and 158 clips.
    """
    train = table.sample(frac=fraction, random_state=seed)
    return train, table.drop(train.index)


def written_durations(root: Path, subset: Subset, clip_ids: pd.Series) -> pd.Series:
    """Return seconds by clip for a subset that is scored, as its durations table has them; NaN where not known.

    PSDS counts false positives per hour of these tables, which are written with one decimal: the rounding is part of
    the metric, so a duration taken from a sound file instead is rounded likewise.
    """
    durations = pd.Series(float("nan"), index=clip_ids.index)
    if subset.durations is None:
        return durations
    if is_table(root / subset.durations):
        path = root / subset.durations
        table = read_tsv(path, ("filename", "duration"), numbers=("duration",), any_bytes=True)
        table["clip_id"] = reading.stem(table["filename"].map(readable_name))
        known = table.drop_duplicates("clip_id").set_index("clip_id")["duration"]
        if (known <= 0).any():
            raise SedlabError(f"{path}: clip {(known <= 0).idxmax()!r} has no positive duration. Correct it.")
        stored = reading.stored_stems(clip_ids, known.index)
        durations = stored.map(known)
    folder = subset.audio_folder(root)
    names = reading.audio_names(folder) if folder else {}
    stored = reading.stored_stems(clip_ids, names)
    for row in durations.index[durations.isna() & stored.isin(names.keys())]:
        durations[row] = round(read_header(folder / names[stored[row]]).duration, 1)
    return durations


def write_durations(root: Path, subset_name: str, path: Path | None = None) -> Path:
    """Write the durations table of a scored subset from its sound files, to its place or ``path``; return where.

    One decimal, as the baseline writes them: PSDS divides by the sum of these numbers.
    """
    subset = SUBSETS[subset_name]
    folder = subset.audio_folder(root)
    if subset.durations is None or folder is None:
        raise SedlabError(f"{subset_name}: has no durations table, or no audio under {root}.")
    names = [name for _, name in sorted(reading.audio_names(folder).items())]
    seconds = [round(read_header(folder / name).duration, 1) for name in names]
    path = path or root / subset.durations
    write_tsv(path, pd.DataFrame({"filename": names, "duration": seconds}))
    return path


def read_strong(root: Path, subset: Subset, classes: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return clips and events of a table (filename, onset, offset, event_label); their audio is not looked for yet."""
    path = root / subset.table
    columns = ("filename", "onset", "offset", "event_label")
    table = reading.annotation_table(root, subset, columns, numbers=("onset", "offset"))
    clip_ids = table["clip_id"].drop_duplicates()
    clips = reading.clip_table(subset, clip_ids, duration=written_durations(root, subset, clip_ids))
    # An empty row says that the clip was listened to and holds no event (15 clips of the published validation set).
    rows = table[table["event_label"] != ""]
    labels = reading.known_labels(rows["event_label"], classes, path)
    return clips, reading.event_table(subset, rows, labels, path=path)


def read_weak(
    root: Path, subset: Subset, classes: Sequence[str], *, split: DataConfig | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return clips and events of a table (filename, event_labels); of the one side that the subset is, if ``split``."""
    path = root / subset.table
    table = reading.annotation_table(root, subset, ("filename", "event_labels"))
    if split is not None:
        # Before anything is left out, so that a missing file moves no other clip to the other side.
        train, held_out = split_weak(table, fraction=split.weak_train_fraction, seed=split.split_seed)
        table = train if subset.split == "train" else held_out
    labels = table["event_labels"].str.split(",").explode().str.strip()
    labels = labels[labels != ""]
    labels = reading.known_labels(labels, classes, path)
    known = {"subset": subset.name, "clip_id": table["clip_id"].reindex(labels.index), "label": labels}
    events = pd.DataFrame({**known, "onset": float("nan"), "offset": float("nan"), "confidence": 1.0})
    return reading.clip_table(subset, table["clip_id"]), events[list(EVENT_COLUMNS)].reset_index(drop=True)


def read_unlabeled(root: Path, subset: Subset) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the clips of a folder, and an event table without rows."""
    folder = subset.audio_folder(root)
    names = pd.Series(sorted(reading.audio_names(folder)), dtype=str)
    if names.empty:
        raise SedlabError(
            f"{folder}: found 0 clips of {subset.name}. "
            "Download or prepare the audio, or remove the folder to do without it."
        )
    nothing = pd.DataFrame({"clip_id": [], "onset": [], "offset": []}, dtype=float)
    labels = pd.Series([], dtype=str)
    return reading.clip_table(subset, names), reading.event_table(subset, nothing, labels, path=folder)
