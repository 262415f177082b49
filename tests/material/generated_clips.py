"""Small test sets with generated scores, and copies of them in which a clip occurs several times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.segments import CountedSegments
from sedlab.scoring.scores.tables import score_tables

CLASSES = ("Cat", "Dog", "Speech")
NUM_FRAMES = 24
TIMES = np.arange(NUM_FRAMES + 1) * 0.4


@dataclass
class Clips:
    """A small test set: scores, events, and a clip table with recordings."""

    tables: dict[str, pd.DataFrame]
    events: pd.DataFrame
    clips: pd.DataFrame

    @property
    def durations(self) -> dict[str, float]:
        return dict(zip(self.clips["clip_id"], self.clips["duration"], strict=True))

    @property
    def counted(self) -> CountedEvents:
        return CountedEvents.of(self.tables, self.events, self.durations, CLASSES)

    def segments(self, durations: dict[str, float] | None = None) -> CountedSegments:
        return CountedSegments.of(self.tables, self.clips, self.events, CLASSES, durations)


def random_clips(num_clips: int, seed: int, *, levels: int | None = None, skill: float = 2.0) -> Clips:
    """Return clips with one to three events and scores that follow them; ``levels``: as few distinct scores."""
    rng = np.random.default_rng(seed)
    clip_ids = [f"clip{k}" for k in range(num_clips)]
    logits = rng.normal(-1.0, 1.0, (num_clips, NUM_FRAMES, len(CLASSES)))
    events = []
    for k, clip_id in enumerate(clip_ids):
        for _ in range(rng.integers(1, 4)):
            label = rng.integers(len(CLASSES))
            onset = float(rng.uniform(0, 8))
            offset = onset + float(rng.uniform(0.4, 1.6))
            logits[k, int(onset / 0.4) : int(offset / 0.4) + 1, label] += skill
            events.append((clip_id, onset, offset, CLASSES[label], 1.0))
    probabilities = 1 / (1 + np.exp(-logits))
    if levels:
        probabilities = np.round(probabilities * levels) / levels
    table = pd.DataFrame(events, columns=["clip_id", "onset", "offset", "label", "confidence"])
    clips = pd.DataFrame({"clip_id": clip_ids, "duration": rng.uniform(9.6, 12.0, num_clips)})
    return Clips(score_tables(probabilities, clip_ids, CLASSES, TIMES), table, clips)


def duplicated(clips: Clips, clip_ids: tuple[str, ...], weights: np.ndarray) -> Clips:
    """Return the set in which each clip occurs as often as its weight, under new names."""
    tables, events, rows = {}, [], []
    for clip_id, weight in zip(clip_ids, weights, strict=True):
        for copy in range(weight):
            name = f"{clip_id}-copy{copy}"
            tables[name] = clips.tables[clip_id]
            events.append(clips.events[clips.events["clip_id"] == clip_id].assign(clip_id=name))
            rows.append(clips.clips[clips.clips["clip_id"] == clip_id].assign(clip_id=name))
    return Clips(tables, pd.concat(events, ignore_index=True), pd.concat(rows, ignore_index=True))


def maestro_clips(seed: int, *, levels: int | None = None) -> Clips:
    """Return three recordings of 14 s as two overlapping windows each."""
    clips = random_clips(6, seed, levels=levels)
    clips.clips["duration"] = 10.0
    clips.clips["recording"] = [f"recording{k // 2}" for k in range(6)]
    clips.clips["recording_onset"] = [4.0 * (k % 2) for k in range(6)]
    return clips


def duplicated_recordings(clips: Clips, recordings: tuple[str, ...], weights: np.ndarray) -> Clips:
    weight = dict(zip(recordings, weights, strict=True))
    clip_ids = tuple(clips.clips["clip_id"])
    copies = duplicated(clips, clip_ids, np.array([weight[name] for name in clips.clips["recording"]]))
    copies.clips["recording"] += "-" + copies.clips["clip_id"].str.split("-").str[1]
    return copies
