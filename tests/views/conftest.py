"""Small synthetic things to draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scoring_material import make_corpus

from sedlab.data.tables import Corpus
from sedlab.labels import CLASSES, DESED_CLASSES, MAESTRO_CLASSES, MAESTRO_EVAL_CLASSES
from sedlab.scoring.audit.reliability import PseudoLabelAudit
from sedlab.scoring.metrics.psds import PsdRoc, PsdsResult
from sedlab.scoring.results import COLUMNS
from sedlab.scoring.scores.file import ScoreFile


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def waveform(rng) -> np.ndarray:
    time = np.arange(160000) / 16000
    return (0.2 * np.sin(2 * np.pi * 1000 * time) + 0.01 * rng.standard_normal(160000)).astype(np.float32)


@pytest.fixture
def events() -> pd.DataFrame:
    return pd.DataFrame({"onset": [1.0, 4.0], "offset": [3.0, 4.5], "label": ["Speech", "Dog"]})


@pytest.fixture
def history(rng) -> pd.DataFrame:
    steps = np.arange(40)
    table = pd.DataFrame(
        {"step": steps, "epoch": steps // 10, "lr": np.linspace(0, 1e-3, 40), "loss/total": 2.0 / (1 + steps)}
    )
    table["loss/strong"] = 0.7 * table["loss/total"]
    for name in ("val/student_psds1", "val/teacher_psds1", "val/objective"):
        table[name] = np.nan
        table.loc[9::10, name] = rng.random(4)
    return table


@pytest.fixture
def results(rng) -> pd.DataFrame:
    rows = []
    for iteration, stage, model in (
        (1, "stage1", "atst"),
        (1, "stage2", "atst"),
        (1, "stage2", "ensemble"),
        (2, "stage1", "atst"),
        (2, "stage2", "atst"),
        (2, "stage2", "ensemble"),
    ):
        for metric, subset, labels in (
            ("psds1", "devtest", DESED_CLASSES),
            ("mpauc", "maestro_dev", MAESTRO_EVAL_CLASSES),
        ):
            for label in ("all", *labels):
                row = (iteration, model, stage, False, "median", subset, metric, label, rng.random())
                rows.append((*row, float("nan"), float("nan"), 100.0))
    return pd.DataFrame(rows, columns=list(COLUMNS))


@pytest.fixture
def psds_result() -> PsdsResult:
    curve = PsdRoc(np.array([0.0, 10.0, 50.0, 200.0]), np.array([0.1, 0.4, 0.6, 0.9]))
    return PsdsResult(0.55, {"Speech": 0.6}, curve, {"Speech": curve})


@pytest.fixture
def audit() -> PseudoLabelAudit:
    """Two classes; "Speech" is perfectly calibrated."""
    counts = [("all", 100, 40, 40, 25), ("Speech", 50, 20, 16, 15), ("Dog", 50, 20, 24, 10), ("Cat", 50, 0, 0, 0)]
    per_class = pd.DataFrame(counts, columns=["label", "count", "positive", "detected", "correct"])
    per_class["calibration_error"] = [0.1, 0.0, 0.2, np.nan]
    middles = np.array([0.25, 0.75])
    factors = (("all", 100, 0.9), ("Speech", 50, 1.0), ("Dog", 20, 0.8))
    borders = {"low": middles - 0.25, "high": middles + 0.25, "probability": middles}
    bins = [
        pd.DataFrame({"label": label, "count": count, "frequency": middles * factor, **borders})
        for label, count, factor in factors
    ]
    by_confidence = pd.DataFrame(columns=["label", "threshold", "detected", "precision", "recall"])
    return PseudoLabelAudit("strong_train", "frame", 3, per_class, pd.concat(bins, ignore_index=True), by_confidence)


@pytest.fixture
def scores(rng) -> ScoreFile:
    """Six clips in which only cats and dogs are in doubt."""
    logits = rng.normal(-8, 1, (6, 156, len(CLASSES))).astype(np.float32)
    logits[..., [CLASSES.index("Cat"), CLASSES.index("Dog")]] += 7
    return ScoreFile([f"clip{k}" for k in range(6)], logits, CLASSES, np.arange(157) * 0.064)


@pytest.fixture
def corpus(rng) -> Corpus:
    clips, events = [], []
    for subset, classes in (
        ("synth_train", DESED_CLASSES),
        ("unlabeled_train", ()),
        ("maestro_train", MAESTRO_CLASSES),
    ):
        for number in range(5):
            clips.append({"subset": subset, "clip_id": f"{number}", "audio": f"{number}.wav"})
            for label in rng.choice(classes, 2, replace=False) if classes else ():
                events.append((subset, f"{number}", 1.0, 1.0 + rng.random(), label, 1.0))
    return make_corpus(clips, events)


@pytest.fixture
def empty_corpus(corpus) -> Corpus:
    return Corpus(corpus.clips.iloc[:0], corpus.events.iloc[:0], Path())
