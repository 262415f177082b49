"""Measures of clips against a slow and obvious way, and what must hold of them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scoring_material import make_corpus

from sedlab.scoring.clips.change import decided_seconds, probability_change
from sedlab.scoring.clips.confidence import mean_entropy, peak_scores
from sedlab.scoring.clips.disagreement import disagreement
from sedlab.scoring.clips.error_counts import COUNTED, error_counts
from sedlab.scoring.clips.label_difference import label_difference
from sedlab.scoring.errors.cases import find_errors
from sedlab.scoring.errors.kinds import OUTCOMES

N, T, C = 3, 5, 2
PROBABILITY = st.floats(0, 1, width=32)


def probabilities():
    return arrays(np.float32, (N, T, C), elements=PROBABILITY)


AUDIBLE = arrays(bool, (N, T))


def by_hand(measure, audible, *systems):
    """Return the mean over audible frames of a function of the systems' probabilities, one number at a time."""
    result = np.full((N, C), np.nan)
    for n in range(N):
        frames = [t for t in range(T) if audible[n, t]]
        for c in range(C):
            if frames:
                result[n, c] = sum(measure(*(float(s[n, t, c]) for s in systems)) for t in frames) / len(frames)
    return result


def entropy_by_hand(p):
    return -sum(q * math.log2(q) for q in (p, 1 - p) if q > 0)


def deviation_by_hand(*p):
    mean = sum(p) / len(p)
    return math.sqrt(sum((q - mean) ** 2 for q in p) / len(p))


@settings(max_examples=60, deadline=None)
@given(probabilities(), probabilities(), probabilities(), AUDIBLE)
def test_measures_agree_with_the_slow_way(a, b, c, audible):
    close = {"atol": 2e-6, "equal_nan": True}
    assert np.allclose(mean_entropy(a, audible), by_hand(entropy_by_hand, audible, a), **close)
    assert np.allclose(disagreement([a, b, c], audible), by_hand(deviation_by_hand, audible, a, b, c), **close)
    assert np.allclose(probability_change(a, b, audible), by_hand(lambda p, q: abs(p - q), audible, a, b), **close)
    peaks = [[max([a[n, t, k] for t in range(T) if audible[n, t]], default=0) for k in range(C)] for n in range(N)]
    assert np.array_equal(peak_scores(a, audible), np.asarray(peaks, np.float32))


@settings(max_examples=40, deadline=None)
@given(probabilities(), probabilities(), AUDIBLE)
def test_what_is_not_audible_counts_nowhere(a, b, audible):
    other = np.where(audible[:, :, None], a, b)
    for measure in (
        peak_scores,
        mean_entropy,
        lambda p, frames: probability_change(p, p[::-1] * 0, frames),
        lambda p, frames: disagreement([p, p * 0], frames),
        lambda p, frames: decided_seconds(p, p * 0, frames, 1.0)[1],
    ):
        assert np.array_equal(measure(a, audible), measure(other, audible), equal_nan=True)


@settings(max_examples=40, deadline=None)
@given(probabilities(), probabilities(), AUDIBLE)
def test_a_change_is_the_same_both_ways_and_its_seconds_add_up(a, b, audible):
    assert np.allclose(probability_change(a, b, audible), probability_change(b, a, audible), equal_nan=True)
    gained, lost, kept = decided_seconds(a, b, audible, 0.064)
    lost_back, gained_back, kept_back = decided_seconds(b, a, audible, 0.064)
    assert np.array_equal(gained, gained_back) and np.array_equal(lost, lost_back) and np.array_equal(kept, kept_back)
    seconds = ((b > 0.5) & audible[:, :, None]).sum(axis=1) * 0.064
    assert np.allclose(gained + kept, seconds)


def test_one_system_alone_cannot_disagree_and_two_alike_do_not():
    a, audible = np.random.default_rng(0).random((N, T, C), dtype=np.float32), np.ones((N, T), bool)
    assert np.isnan(disagreement([a], audible)).all()
    assert np.allclose(disagreement([a, a, a], audible), 0, atol=1e-6)
    assert np.allclose(disagreement([a * 0, a * 0 + 1], audible), 0.5)


@pytest.mark.parametrize(("subset", "expected"), [("devtest", 0.25), ("maestro_dev", 0.25 * 0.8), ("weak_train", 0.0)])
def test_difference_from_the_label_is_that_of_its_kind(subset, expected):
    classes = ("Dog", "car")
    corpus = make_corpus(
        [{"subset": subset, "clip_id": "a"}, {"subset": subset, "clip_id": "b"}],
        [(subset, "a", *((math.nan,) * 2 if subset == "weak_train" else (0.0, 2.0)), "Dog", 0.8)],
    )
    if subset == "devtest":
        corpus.events["confidence"] = 1.0
    # Four frames of a second; the event lasts two of them, and the system hears it in the first only.
    scores, audible = np.zeros((2, 4, 2), np.float32), np.ones((2, 4), bool)
    scores[0, 0, 0] = corpus.events["confidence"].iloc[0] if subset != "weak_train" else 1.0

    found = label_difference(scores, corpus, audible, classes, 1.0)

    assert found[0, 0] == pytest.approx(expected)
    assert np.array_equal(found[1], [0, 0]) and found[0, 1] == 0
    scores[1, 2, 1] = 0.5  # nobody marked it
    found = label_difference(scores, corpus, audible, classes, 1.0)
    assert found[1, 1] == pytest.approx(0.5 if subset == "weak_train" else 0.125)


def test_clips_without_labels_have_no_difference_and_subsets_with_equal_names_are_kept_apart():
    corpus = make_corpus(
        [{"subset": name, "clip_id": "a"} for name in ("devtest", "unlabeled_train", "strong_train")],
        [("devtest", "a", 0.0, 1.0, "Dog", 1.0)],
    )
    found = label_difference(np.zeros((3, 2, 1), np.float32), corpus, np.ones((3, 2), bool), ("Dog",), 1.0)
    assert np.array_equal(found[:, 0], [0.5, np.nan, 0], equal_nan=True)


def test_every_error_is_counted_once_by_its_kind():
    columns = ["clip_id", "onset", "offset", "label"]
    events = pd.DataFrame(
        [("a", 0, 1, "Dog"), ("a", 4, 5, "Cat"), ("b", 0, 2, "Dog"), ("b", 5, 9, "Cat")], columns=columns
    )
    found = pd.DataFrame(
        [("a", 0, 1, "Dog"), ("a", 7, 8, "Dog"), ("a", 4.1, 4.9, "Dog"), ("b", 1.0, 2.0, "Dog"), ("b", 5, 6, "Cat")],
        columns=columns,
    )
    cases = find_errors(found.assign(confidence=0.9), events)

    counts = error_counts(cases, ["b", "a", "elsewhere"], ("Cat", "Dog"))

    assert {kind: table.sum(axis=1).tolist() for kind, table in counts.items()} == {
        "false alarms": [0, 1, 0],
        "missed": [0, 0, 0],
        "wrong class": [0, 1, 0],
        "boundaries": [2, 0, 0],
        "in pieces": [0, 0, 0],
    }
    assert counts["wrong class"][1].tolist() == [1, 0]  # the cat, not the dog that was heard
    outcomes = [outcome for side, kinds in COUNTED.values() if side == "event" for outcome in kinds]
    assert sorted(outcomes) == sorted(set(OUTCOMES["event"]) - {"correct"})
