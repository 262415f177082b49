"""AudioSet strong: 10 s clips with strong labels of 456 classes, for pre-training.

Classes are Freebase ids ("MIDs"); ``audioset_strong_labels.csv`` beside this module gives their English names: Google
AudioSet, https://research.google.com/audioset, CC BY 4.0.

Source: Hershey et al., "The benefit of temporally-strong labels in audio event classification", ICASSP 2021.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib import resources
from pathlib import Path

import pandas as pd

from sedlab.config.data import DataConfig
from sedlab.data.corpora import reading
from sedlab.data.corpora.layout import Subset
from sedlab.data.formats.text import table_file
from sedlab.data.tables import EVENT_COLUMNS, Corpus
from sedlab.errors import SedlabError

#: Published durations of the evaluation clips (no header; Y<id>,<seconds>); read where it is, else each file's own.
EVAL_DURATIONS = "audioset_strong/metadata/eval_durations.csv"


def read_audioset(root: Path, subset: Subset, config: DataConfig) -> Corpus:
    """Return the clips and merged events of one part of AudioSet strong; labels are MIDs.

    The audio of segment ``<id>_<start ms>`` may be stored under that name or as ``<id>``, with or without a leading Y.
    """
    path = root / subset.table
    times = ("start_time_seconds", "end_time_seconds")
    table = reading.annotation_table(root, subset, ("segment_id", *times, "label"), numbers=times)
    table = table.rename(columns=dict(zip(times, ("onset", "offset"), strict=True)))
    clip_ids = table["clip_id"].drop_duplicates().reset_index(drop=True)
    clips = reading.clips_with_audio(
        reading.clip_table(subset, clip_ids, duration=_published_durations(root, subset, clip_ids)),
        root,
        subset,
        files=_file_stems(clip_ids, subset.audio_folder(root)),
    )
    rows = table[table["clip_id"].isin(clips["clip_id"]) & (table["label"] != "")]
    labels = reading.known_labels(rows["label"], tuple(display_names()), path)
    events = reading.event_table(subset, rows, labels, path=path)
    return Corpus(clips=clips, events=merge_events(events), root=root, aliased=config.alias_labels)


def merge_events(events: pd.DataFrame) -> pd.DataFrame:
    """Join events of the same clip and label that overlap or touch; sorted by clip, label and onset."""
    if events.empty:
        return events
    keys = ["subset", "clip_id", "label"]
    events = events.sort_values([*keys, "onset", "offset"], kind="stable", ignore_index=True)
    # The latest offset so far among the earlier events of the same clip and label.
    reach = events.groupby(keys, sort=False)["offset"].cummax()
    same = (events[keys] == events[keys].shift()).all(axis=1)
    starts_new = ~same | (events["onset"] > reach.shift())
    joined = dict.fromkeys(EVENT_COLUMNS, "first") | {"offset": "max", "confidence": "max"}
    return events.groupby(starts_new.cumsum(), sort=False).agg(joined).reset_index(drop=True)


def audioset_classes(corpus: Corpus) -> tuple[str, ...]:
    """Return the MIDs that occur in the AudioSet training events, sorted by display name: the label space.

    Without a training part, those of whatever AudioSet part there is.
    """
    parts = [name for name in ("audioset_train", "audioset_eval") if name in corpus.subsets]
    if not parts:
        raise SedlabError(f"{corpus.root}: holds no AudioSet strong clips; expected them under audioset_strong/.")
    mids = corpus.events.loc[corpus.events["subset"] == parts[0], "label"].unique()
    names = display_names()
    return tuple(sorted(mids, key=lambda mid: (names[mid], mid)))


@lru_cache(maxsize=1)
def display_names() -> dict[str, str]:
    """Return English name by MID for the 456 classes."""
    text = resources.files(__package__).joinpath("audioset_strong_labels.csv").read_text(encoding="utf-8")
    return dict(csv.reader(text.splitlines()))


def audio_spellings(clip_id: str) -> tuple[str, ...]:
    """Return the names under which data sets keep segment ``<id>_<start ms>``, the most exact first."""
    video_id = clip_id.rsplit("_", 1)[0]
    return clip_id, f"Y{clip_id}", f"Y{video_id}", video_id


def _file_stems(clip_ids: pd.Series, folder: Path) -> pd.Series:
    """Return the file stem under which each segment is stored in ``folder``; the id itself where none is."""
    present = reading.audio_names(folder).keys()
    return clip_ids.map(lambda clip_id: next((s for s in audio_spellings(clip_id) if s in present), clip_id))


def _published_durations(root: Path, subset: Subset, clip_ids: pd.Series) -> pd.Series | float:
    """Return the seconds of each clip; nan where the published table does not say."""
    path = table_file(root / EVAL_DURATIONS)
    if subset.split == "train" or not path.is_file():
        return float("nan")
    try:
        # Not named while reading: of a field too many, pandas would make an index.
        table = pd.read_csv(path, header=None, dtype={0: str, 1: float}).set_axis(["name", "seconds"], axis=1)
    except ValueError as error:
        raise SedlabError(
            f"{path}: not a table of name,seconds without header ({' '.join(str(error).split())}). Copy it again, or "
            "remove it to take the durations of the files."
        ) from None
    seconds = dict(zip(table["name"], table["seconds"], strict=True))
    return clip_ids.map(lambda clip_id: next((seconds[s] for s in audio_spellings(clip_id) if s in seconds), None))
