import math

import numpy as np
import pytest
import torch
from scoring_material import logits_from_events, make_corpus
from torch import nn

from sedlab.data.tables import Corpus, concatenate
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES, MEDIAN_FILTER_FRAMES
from sedlab.models.detector import Features
from sedlab.models.head import Scores
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.mpauc import segment_mpauc
from sedlab.scoring.metrics.objective import (
    predict_validation,
    validate_networks,
    validation_row,
    validation_scores,
    weak_f1,
)
from sedlab.scoring.metrics.psds import psds
from sedlab.scoring.metrics.segments import CountedSegments
from sedlab.scoring.scores.tables import score_tables
from sedlab.system.aside import aside


class ScriptedDetector(nn.Module):
    """Says about clip k what it was told: the waveform's first sample is k."""

    def __init__(self, logits: np.ndarray, weak: np.ndarray):
        super().__init__()
        self.logits = torch.from_numpy(logits)  # (clips, T, C)
        self.weak = torch.from_numpy(weak)
        self.clips_seen = 0

    def features(self, waveform):
        return Features(waveform, waveform)

    def embed(self, transformer_features):
        return transformer_features

    def forward(self, mel, embedding, *, masks=(None,)):
        rows = mel[:, 0].long()
        self.clips_seen += len(rows)
        logits = self.logits[rows].transpose(1, 2)
        return tuple(Scores(logits.sigmoid() * m[:, :, None], self.weak[rows] * m, logits) for m in masks)


class NumberedCache:
    """The waveform of a clip is its row in the corpus."""

    def __init__(self, corpus: Corpus):
        keys = zip(corpus.clips["subset"], corpus.clips["clip_id"], strict=True)
        self.row = {key: float(index) for index, key in enumerate(keys)}

    def read(self, subset, clip_id):
        return np.array([self.row[subset, clip_id]], dtype=np.float32)


def renamed(corpus: Corpus, subset: str) -> Corpus:
    """Return the corpus with all its rows in another subset."""
    return Corpus(corpus.clips.assign(subset=subset), corpus.events.assign(subset=subset), corpus.root)


@pytest.fixture
def corpus(desed_corpus, maestro_corpus) -> Corpus:
    weak_clips = [{"subset": "weak_val", "clip_id": f"w{k}"} for k in range(3)]
    tags = [("weak_val", "w0", math.nan, math.nan, "Dog", 1.0), ("weak_val", "w2", math.nan, math.nan, "Cat", 1.0)]
    parts = [
        renamed(desed_corpus, "synth_val"),
        renamed(desed_corpus, "external_strong_eval"),
        make_corpus(weak_clips, tags),
        renamed(maestro_corpus, "maestro_val"),
    ]
    return concatenate(parts)


@pytest.fixture
def detector(corpus, desed_corpus, maestro_corpus) -> ScriptedDetector:
    parts = [
        logits_from_events(desed_corpus, noise=2.0, seed=1).logits,
        logits_from_events(desed_corpus, noise=3.0, seed=2).logits,
        np.zeros((3, 156, 27), np.float32),
        logits_from_events(maestro_corpus, noise=4.0, seed=3).logits,
    ]
    weak = np.full((len(corpus.clips), 27), 0.1, np.float32)
    for k, label in enumerate(("Dog", "Cat", "Cat")):
        weak[24 + k, CLASSES.index(label)] = 0.9
    weak[24, CLASSES.index("car")] = 0.9  # masked for DESED clips, so it must not count
    return ScriptedDetector(np.concatenate(parts), weak)


def test_parts_are_the_median_filtered_metrics_and_add_up(corpus, detector, desed_corpus, maestro_corpus):
    from scipy.ndimage import median_filter

    result = validation_scores(detector, corpus, NumberedCache(corpus), batch_size=5)

    def tables(part, rows):
        probabilities = 1 / (1 + np.exp(-detector.logits[rows].numpy().astype(float)))
        for k, label in enumerate(CLASSES):
            probabilities[:, :, k] = median_filter(probabilities[:, :, k], size=(1, MEDIAN_FILTER_FRAMES[label]))
        return score_tables(probabilities, list(part.clips["clip_id"]), CLASSES, np.arange(157) * 0.064)

    durations = dict.fromkeys(desed_corpus.clips["clip_id"], 10.0)
    synth = psds(CountedEvents.of(tables(desed_corpus, slice(0, 12)), desed_corpus.events, durations)).overall
    external = psds(CountedEvents.of(tables(desed_corpus, slice(12, 24)), desed_corpus.events, durations)).overall
    maestro = segment_mpauc(
        CountedSegments.of_validation(tables(maestro_corpus, slice(27, None)), maestro_corpus.events)
    ).overall
    assert result.parts == pytest.approx(
        {
            "mpauc_maestro_val": maestro,
            "psds1_synth_val": synth,
            "psds1_external_strong_eval": external,
            # Dog: one hit. Cat: one hit, one false alarm.
            "weak_f1_weak_val": (1 + 2 / 3) / 2,
        }
    )
    assert 0 < synth != external > 0
    assert result.objective == pytest.approx(maestro + synth + external)


def test_each_clip_goes_through_the_network_once(corpus, detector):
    validation_scores(detector, corpus, NumberedCache(corpus))
    assert detector.clips_seen == len(corpus.clips)


def test_absent_subsets_add_nothing(corpus, detector):
    whole = validation_scores(detector, corpus, NumberedCache(corpus))
    part = validation_scores(detector, corpus.subset("synth_val", "weak_val"), NumberedCache(corpus))
    assert set(part.parts) == {"psds1_synth_val", "weak_f1_weak_val"}
    assert part.objective == whole.parts["psds1_synth_val"]


def test_subset_without_any_event_adds_nothing(corpus, detector):
    silent = Corpus(corpus.clips, corpus.events[corpus.events["subset"] != "synth_val"], corpus.root)
    result = validation_scores(detector, silent, NumberedCache(corpus))
    assert math.isnan(result.parts["psds1_synth_val"]) and math.isfinite(result.objective)


def test_without_validation_clips_it_says_what_is_missing(corpus, detector):
    with pytest.raises(SedlabError, match=r"no validation clips .*maestro_val, synth_val, external_strong_eval"):
        validation_scores(detector, corpus.subset(), NumberedCache(corpus))


def test_weak_labels_select_where_nothing_else_is_there(corpus, detector):
    alone = validation_scores(detector, corpus.subset("weak_val"), NumberedCache(corpus))
    assert alone.objective == alone.parts["weak_f1_weak_val"]
    both = validation_scores(detector, corpus.subset("weak_val", "synth_val"), NumberedCache(corpus))
    assert both.objective == both.parts["psds1_synth_val"]


def test_teacher_is_scored_beside_the_student(corpus, detector):
    networks = {"student": detector, "teacher": detector}
    row = validate_networks(networks, corpus, NumberedCache(corpus))
    assert row["objective"] == row["teacher/objective"]
    assert row["teacher/psds1_synth_val"] == row["psds1_synth_val"]


def test_a_process_beside_finds_the_same(corpus, detector):
    predictions = predict_validation({"student": detector}, corpus, NumberedCache(corpus))
    beside = aside(validation_row, predictions, corpus)
    assert beside.result(timeout=500) == validation_row(predictions, corpus)


def test_weak_f1_ignores_classes_that_never_occur_and_masked_cells():
    weak = np.array([[0.9, 0.1, 0.9], [0.9, 0.1, 0.1]])
    target = np.array([[1, 0, 0], [0, 0, 0]], dtype=bool)
    everything, without_last = np.ones((2, 3), bool), np.array([[1, 1, 0]] * 2, bool)
    assert weak_f1(weak, target, everything) == pytest.approx((2 / 3 + 0) / 2)
    assert weak_f1(weak, target, without_last) == pytest.approx(2 / 3)
    assert math.isnan(weak_f1(np.zeros((2, 3)), np.zeros((2, 3), bool), everything))
