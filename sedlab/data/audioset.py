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
from sedlab.data.layout import Subset
from sedlab.data.reading import annotation_table, audio_names, check_labels, clip_table, clips_with_audio, event_table
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError

NUM_FRAMES = 250
FRAME_SECONDS = 0.04


def read_audioset(root: Path, subset: Subset, config: DataConfig) -> Corpus:
    """Return the clips and merged events of one part of AudioSet strong; labels are MIDs.

    The audio of segment ``<id>_<start ms>`` may be stored under that name or as ``<id>``, with or without a leading Y.
    """
    path = root / subset.table
    times = ("start_time_seconds", "end_time_seconds")
    table = annotation_table(root, subset, ("segment_id", *times, "label"), numbers=times)
    table = table.rename(columns=dict(zip(times, ("onset", "offset"), strict=True)))
    clip_ids = table["clip_id"].drop_duplicates().reset_index(drop=True)
    clips = clips_with_audio(
        clip_table(subset, clip_ids), root, subset, files=_file_stems(clip_ids, subset.audio_folder(root))
    )
    rows = table[table["clip_id"].isin(clips["clip_id"]) & (table["label"] != "")]
    check_labels(rows["label"], tuple(display_names()), path)
    events = event_table(subset, rows, rows["label"], path=path)
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
    merged = events.groupby(starts_new.cumsum(), sort=False).agg(
        {
            "subset": "first",
            "clip_id": "first",
            "onset": "first",
            "offset": "max",
            "label": "first",
            "confidence": "max",
        }
    )
    return merged.reset_index(drop=True)


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
    text = resources.files("sedlab.data").joinpath("audioset_strong_labels.csv").read_text(encoding="utf-8")
    return dict(csv.reader(text.splitlines()))


def _file_stems(clip_ids: pd.Series, folder: Path) -> pd.Series:
    """Return the file stem under which each segment is stored in ``folder``; the id itself where none is."""
    present = audio_names(folder).keys()
    video_ids = clip_ids.str.rsplit("_", n=1).str[0]
    stems = clip_ids.copy()
    # From the least to the most preferred spelling, so that the last match wins.
    for candidate in (video_ids, "Y" + video_ids, "Y" + clip_ids, clip_ids):
        stems = candidate.where(candidate.isin(present), stems)
    return stems
