"""Corpora, score files and tables that the tests of the scoring room are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.corpora.layout import layout
from sedlab.data.tables import CLIP_COLUMNS, EVENT_COLUMNS, Corpus
from sedlab.data.targets import frame_times
from sedlab.labels import CLASSES
from sedlab.scoring.scores.file import ScoreFile

GOLDEN = Path(__file__).parents[1] / "golden" / "scores"
REAL = Path(__file__).parent / "dcase2023_baseline"


def make_corpus(clips: list[dict], events: list[tuple], root: Path = Path()) -> Corpus:
    """Return a corpus from clip rows (subset, clip_id, and what differs) and event tuples in column order."""
    rows = []
    for clip in clips:
        subset = layout(clip["subset"])
        defaults = {"duration": 10.0, "group": subset.group, "split": subset.split, "label_kind": subset.label_kind}
        rows.append({"audio": "", "recording": "", "recording_onset": 0.0, **defaults, **clip})
    return Corpus(
        pd.DataFrame(rows, columns=list(CLIP_COLUMNS)), pd.DataFrame(events, columns=list(EVENT_COLUMNS)), root
    )


def make_scores(clip_ids: list[str], logits: np.ndarray, **attrs) -> ScoreFile:
    """Return detector scores (clips, 156, 27) of the task's classes."""
    return ScoreFile(list(clip_ids), logits.astype(np.float32), CLASSES, frame_times(), attrs)


def logits_from_events(corpus: Corpus, *, noise: float, seed: int = 0) -> ScoreFile:
    """Return scores that follow a corpus's events (+3 inside, -3 outside) with Gaussian noise."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-3.0, noise, (len(corpus.clips), 156, len(CLASSES)))
    row = {clip_id: index for index, clip_id in enumerate(corpus.clips["clip_id"])}
    for event in corpus.events.itertuples():
        start, stop = int(event.onset / 0.064), int(np.ceil(event.offset / 0.064))
        logits[row[event.clip_id], start:stop, CLASSES.index(event.label)] += 6.0
    return make_scores(list(corpus.clips["clip_id"]), logits)


def read_events(path: Path) -> pd.DataFrame:
    """Return a ground-truth TSV as an event table."""
    table = pd.read_csv(path, sep="\t")
    clip_id = table["filename"].str.removesuffix(".wav")
    return table.assign(clip_id=clip_id, label=table["event_label"])[["clip_id", "onset", "offset", "label"]]


def read_durations(path: Path) -> dict[str, float]:
    """Return a durations TSV as {clip id: seconds}."""
    table = pd.read_csv(path, sep="\t")
    return dict(zip(table["filename"].str.removesuffix(".wav"), table["duration"], strict=True))
