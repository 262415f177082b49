"""Recorded scores with their expected values, and small corpora."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scoring_material import GOLDEN, REAL, make_corpus, read_durations, read_events

from sedlab.data.tables import Corpus


@pytest.fixture(scope="session")
def expected() -> dict:
    """The recorded metric values."""
    return json.loads((GOLDEN / "expected.json").read_text())


@pytest.fixture(scope="session")
def synthetic60() -> SimpleNamespace:
    """Synthetic scores of 60 clips with real ground truth: scores, clip_ids, classes, times, events, durations."""
    with np.load(GOLDEN / "synthetic60.npz") as file:
        return SimpleNamespace(
            probabilities=file["probabilities"],
            clip_ids=[str(name).removesuffix(".wav") for name in file["filenames"]],
            classes=tuple(str(label) for label in file["classes"]),
            times=file["frame_edges"],
            events=read_events(GOLDEN / "synthetic60_ground_truth.tsv"),
            durations=read_durations(GOLDEN / "synthetic60_durations.tsv"),
        )


@pytest.fixture(scope="session")
def real20() -> SimpleNamespace:
    """Scores of a published system for 20 clips: tables, events, durations."""
    tables = {path.stem: pd.read_csv(path, sep="\t") for path in sorted((REAL / "baseline2_run1_scores").glob("*.tsv"))}
    events = read_events(REAL / "metadata" / "ground_truth.tsv")
    durations = read_durations(REAL / "metadata" / "audio_durations.tsv")
    return SimpleNamespace(
        tables=tables,
        events=events[events["clip_id"].isin(tables)],
        durations={clip_id: durations[clip_id] for clip_id in tables},
    )


@pytest.fixture(scope="session")
def desed_corpus() -> Corpus:
    """Twelve dev-test clips: Speech, Dog and Frying, one clip without events."""
    rng = np.random.default_rng(3)
    clips = [{"subset": "devtest", "clip_id": f"clip{k:02d}"} for k in range(12)]
    events = []
    for k in range(11):
        for label in ("Speech", "Dog", "Frying")[: 1 + k % 3]:
            onset = rng.uniform(0, 6)
            events.append(("devtest", f"clip{k:02d}", onset, onset + rng.uniform(0.5, 3.5), label, 1.0))
    return make_corpus(clips, events)


@pytest.fixture(scope="session")
def maestro_corpus() -> Corpus:
    """Two recordings of 21 s as windows with 5 s between their onsets; soft labels of one second each."""
    rng = np.random.default_rng(4)
    clips, events = [], []
    for recording in ("cafe_restaurant_00", "city_center_01"):
        active = rng.random((21, 3)) < 0.4
        confidence = np.where(active, rng.uniform(0.55, 1, active.shape), rng.uniform(0, 0.45, active.shape))
        for onset in (0, 5, 10, 15):
            duration = float(min(10, 21 - onset))
            clip_id = f"{recording}-{100 * onset:06d}-{100 * (onset + int(duration)):06d}"
            clips.append(
                {
                    "subset": "maestro_dev",
                    "clip_id": clip_id,
                    "duration": duration,
                    "recording": recording,
                    "recording_onset": float(onset),
                }
            )
            for second in range(int(duration)):
                for k, label in enumerate(("people talking", "footsteps", "car")):
                    value = confidence[onset + second, k]
                    events.append(("maestro_dev", clip_id, float(second), second + 1.0, label, value))
    return make_corpus(clips, events)
