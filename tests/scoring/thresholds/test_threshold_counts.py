"""Counts at every threshold are those of detecting at that threshold and scoring what is found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sedlab.scoring.errors.cases import find_errors
from sedlab.scoring.errors.kinds import CORRECT, DETECTION
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.fscores import Collar, Intersection, fscores
from sedlab.scoring.postprocess.csebbs import CsebbsParams, CsebbsSetting
from sedlab.scoring.scores.tables import score_tables
from sedlab.scoring.thresholds.counts import CRITERIA, subset_counts

CLASSES = ("Cat", "Dog", "Speech")
NUM_CLIPS, NUM_FRAMES = 12, 60


def material(seed: int, *, levels: int = 0, frame_seconds: float = 0.064) -> CountedEvents:
    """Scores that follow short events in close succession, so that one detection is close to several; many ties."""
    rng = np.random.default_rng(seed)
    times = np.arange(NUM_FRAMES + 1) * frame_seconds
    clip_ids = [f"clip{k}" for k in range(NUM_CLIPS)]
    logits, rows = rng.normal(-1, 1.5, (NUM_CLIPS, NUM_FRAMES, len(CLASSES))), []
    for k, clip_id in enumerate(clip_ids):
        for label in rng.choice(len(CLASSES), size=rng.integers(1, 3), replace=False):
            start = rng.integers(0, 20)
            while start < NUM_FRAMES - 4:
                stop = start + rng.integers(1, 6)
                rows.append((clip_id, times[start] + rng.choice([0, 0.02]), times[stop], CLASSES[label]))
                logits[k, start:stop, label] += 3
                start = stop + rng.integers(1, 8)
    scores = 1 / (1 + np.exp(-logits))
    scores = np.round(scores * levels) / levels if levels else scores.astype(np.float32)
    events = pd.DataFrame(rows, columns=["clip_id", "onset", "offset", "label"])
    return CountedEvents.of(
        score_tables(scores, clip_ids, CLASSES, times), events, dict.fromkeys(clip_ids, times[-1]), CLASSES
    )


@pytest.mark.parametrize(
    ("seed", "levels", "frame_seconds"), [(0, 0, 0.064), (1, 7, 0.064), (2, 20, 0.1), (3, 0, 0.02)]
)
def test_counts_are_those_of_the_library_at_every_threshold(seed, levels, frame_seconds):
    counted = material(seed, levels=levels, frame_seconds=frame_seconds)
    found = subset_counts(counted)
    assert found.num_clips == NUM_CLIPS and found.hours == pytest.approx(NUM_CLIPS * NUM_FRAMES * frame_seconds / 3600)
    rng = np.random.default_rng(seed)
    ways = {"collar": Collar(), "psds1": Intersection(0.7, 0.7), "psds2": Intersection(0.1, 0.1)}
    for name, criterion in ways.items():
        for label in CLASSES:
            thresholds, hits, false_alarms = counted.changes(criterion, label).cumulated()
            # At scores themselves, just below them, and anywhere.
            asked = np.concatenate((thresholds[:-1], np.nextafter(thresholds[:-1], 0), rng.uniform(0, 1, 50), [0, 1]))
            place = np.searchsorted(thresholds, asked, side="right")
            got = found.steps[name][label].at(asked)
            np.testing.assert_array_equal(got[0], hits[place])
            np.testing.assert_array_equal(got[1], false_alarms[place])


@pytest.mark.parametrize("seed", range(3))
def test_counts_of_event_boxes_are_those_of_the_boxes_above_the_threshold(seed):
    counted = material(seed)
    params = CsebbsParams({label: CsebbsSetting(0.2, 0.1) for label in CLASSES})
    found = subset_counts(counted, params)
    boxes = [
        params.detect(table.to_numpy()[:, 2:], CLASSES, np.append(table["onset"], table["offset"].iloc[-1])).assign(
            clip_id=clip_id
        )
        for clip_id, table in counted.scores.items()
    ]
    boxes = pd.concat(boxes, ignore_index=True)
    for threshold in (0.0, 0.2, 0.4, float(boxes["confidence"].median()), 0.9):
        cases = find_errors(boxes[boxes["confidence"] > threshold], counted.events)
        for label in CLASSES:
            of_class = cases[(cases["label"] == label) & (cases["side"] == DETECTION)]
            correct = int((of_class["outcome"] == CORRECT).sum())
            assert found.steps["collar"][label].at(threshold) == (correct, len(of_class) - correct)


def test_the_best_thresholds_are_those_of_f1_at_its_best():
    counted = material(5)
    best, found = fscores(counted)[1], subset_counts(counted).best()
    for label in CLASSES:
        assert found[label][1] == pytest.approx(best.per_class[label])
        assert fscores(counted, threshold=found[label][0])[0].per_class[label] == pytest.approx(best.per_class[label])
    threshold, mean = found[""]
    assert fscores(counted, threshold=threshold)[0].overall == pytest.approx(mean)
    others = [fscores(counted, threshold=other)[0].overall for other in (0.2, 0.5, 0.6, 0.8)]
    assert max(others) <= mean + 1e-12


def test_thinned_steps_keep_hits_and_nearly_keep_false_alarms():
    steps = subset_counts(material(6)).steps["collar"]["Dog"]
    few = steps.thinned(exact_up_to=10, tolerance=0.1)
    asked = np.linspace(0, 1, 999)
    (hits, false_alarms), (few_hits, few_false_alarms) = steps.at(asked), few.at(asked)
    assert len(few.thresholds) < 0.8 * len(steps.thresholds)
    np.testing.assert_array_equal(few_hits, hits)
    exact = false_alarms <= 10
    assert exact.any() and not exact.all()
    np.testing.assert_array_equal(few_false_alarms[exact], false_alarms[exact])
    assert (np.abs(few_false_alarms - false_alarms) <= np.ceil(0.106 * false_alarms)).all()


def test_a_class_without_event_has_false_alarms_only():
    counted = material(7)
    without = CountedEvents.of(
        counted.scores, counted.events[counted.events["label"] != "Cat"], counted.durations, CLASSES
    )
    found = subset_counts(without)
    steps = found.steps["collar"]["Cat"]
    assert steps.at(0.0)[0] == 0 and steps.at(0.3)[1] > 0 and steps.num_events == 0
    assert set(found.best()) == {"", "Dog", "Speech"} and set(found.steps) == set(CRITERIA)
