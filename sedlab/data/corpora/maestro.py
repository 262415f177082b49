"""MAESTRO Real: minutes-long recordings with soft labels, cut into overlapping windows of 10 s.

Annotators listened to overlapping excerpts of each recording; a label's confidence says how many of them, weighted by
their reliability, heard the sound in that second. The recordings are cut into windows that start every ``hop_seconds``;
in evaluation, the scores of all windows over a second are averaged.

Source: Martin-Morato & Mesaros, "Strong labeling of sound events using crowdsourced weak labels", IEEE/ACM TASLP 2023;
windows as in the DCASE 2024 Task 4 baseline recipe (hop 1 s for both splits, as the published system used them);
``sedlab.data.preparation`` cuts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.config.data import DataConfig
from sedlab.data.corpora.layout import Subset
from sedlab.data.corpora.reading import annotation_table, clip_table, clips_with_audio, event_table, known_labels
from sedlab.data.tables import Corpus
from sedlab.data.tsv import line_number
from sedlab.errors import SedlabError
from sedlab.labels import MAESTRO_CLASSES, MAESTRO_TO_DESED

SCENES: tuple[str, ...] = ("cafe_restaurant", "city_center", "grocery_store", "metro_station", "residential_area")

#: Scenes with fewer recordings than this are pooled before they are split.
MIN_SCENE_RECORDINGS = 4

_COLUMNS = ("filename", "onset", "offset", "event_label", "confidence")


def read_maestro(root: Path, subset: Subset, config: DataConfig) -> Corpus:
    """Return the windows and soft events of one MAESTRO subset.

    Training and validation share one table and are told apart by recording, see ``split_recordings``. Training rows are
    aliased to DESED classes if ``config.alias_labels``. A window whose only row is empty is a clip without events.
    """
    path = root / subset.table
    table = annotation_table(root, subset, _COLUMNS, numbers=("onset", "offset", "confidence"))
    clip_ids = table["clip_id"].drop_duplicates()
    windows = parse_window_names(clip_ids, path)

    if subset.split != "test":
        train, held_out = split_recordings(
            windows["recording"], fraction=config.maestro_train_fraction, seed=config.split_seed
        )
        windows = windows[windows["recording"].isin(train if subset.split == "train" else held_out)]
    clips = clip_table(
        subset,
        windows["clip_id"],
        duration=windows["end"] - windows["start"],
        recording=windows["recording"],
        recording_onset=windows["start"],
    )
    clips = clips_with_audio(clips, root, subset)

    rows = table[table["clip_id"].isin(clips["clip_id"]) & (table["event_label"] != "")]
    labels = known_labels(rows["event_label"], MAESTRO_CLASSES, path)
    # The published confidence is at most 1; above it the cross-entropy would have no minimum.
    wrong = ~rows["confidence"].between(0, 1)
    if wrong.any():
        row = wrong.idxmax()
        raise SedlabError(
            f"{path}, line {line_number(row)}: confidence {rows.confidence[row]:g} is not between 0 and 1."
        )
    aliases = MAESTRO_TO_DESED if config.alias_labels and subset.split == "train" else ()
    events = event_table(subset, rows, labels, path=path, confidence=rows["confidence"], aliases=aliases)
    return Corpus(clips=clips, events=events, root=root, aliased=config.alias_labels)


def parse_window_names(clip_ids: pd.Series, path: Path) -> pd.DataFrame:
    """Return columns clip_id, recording, start, end (seconds) from ``<recording>-<centiseconds>-<centiseconds>``."""
    parts = clip_ids.str.extract(r"^(?P<recording>.+)-(?P<start>\d{6,})-(?P<end>\d{6,})$")
    wrong = parts["start"].isna()
    if wrong.any():
        raise SedlabError(
            f"{path}: clip name {clip_ids[wrong].iloc[0]!r} is not <recording>-<start>-<end> in centiseconds "
            "of six digits. Prepare the recordings with `sedlab data maestro prepare`."
        )
    return pd.DataFrame(
        {
            "clip_id": clip_ids,
            "recording": parts["recording"],
            "start": parts["start"].astype(int) / 100,
            "end": parts["end"].astype(int) / 100,
        }
    ).reset_index(drop=True)


def split_recordings(recordings: Sequence[str], *, fraction: float, seed: int) -> tuple[list[str], list[str]]:
    """Split recording names scene by scene into those to train on and those held out for validation.

    One legacy NumPy generator runs through the scenes in the order of `SCENES` (unknown scenes follow as they appear):
    names in order of first appearance are shuffled, the first ⌊fraction·n⌋ train. With seed 42 and the published
    training recordings this holds out cafe_restaurant_14, city_center_11, grocery_store_03, metro_station_10 and
    residential_area_01.

    In a small corpus ⌊0.9·n⌋ would hold out whole scenes. Scenes with fewer than `MIN_SCENE_RECORDINGS` recordings are
    therefore pooled and split together, after the others. With a fraction below 1 and two recordings or more, at least
    one recording ends on each side.
    """
    # The published split was drawn from this generator; a modern one would draw another.
    random = np.random.RandomState(seed)
    by_scene: dict[str, list[str]] = {scene: [] for scene in SCENES}
    for name in dict.fromkeys(recordings):
        by_scene.setdefault(scene_of(name), []).append(name)
    parts = [names for names in by_scene.values() if len(names) >= MIN_SCENE_RECORDINGS]
    parts.append([name for names in by_scene.values() if len(names) < MIN_SCENE_RECORDINGS for name in names])

    train: list[str] = []
    held_out: list[str] = []
    for names in parts:
        random.shuffle(names)
        num_train = int(fraction * len(names))
        train += names[:num_train]
        held_out += names[num_train:]
    if fraction < 1 and not train and len(held_out) > 1:
        train.append(held_out.pop(0))
    return train, held_out


def scene_of(recording: str) -> str:
    """Return the scene of a recording: its name without the trailing number."""
    return recording.rsplit("_", 1)[0]
