import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from sedlab.errors import SedlabError
from sedlab.postprocess.decode import detect_events
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.fscores import Collar, Intersection, fscores
from sedlab.scoring.scores.tables import score_tables

CLASSES = ("Cat", "Dog")
CRITERIA = (Collar(), Intersection())


def events(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["clip_id", "onset", "offset", "label"])


def random_case(seed, num_clips=5, step=0.25):
    """Return tables and events whose times lie on a coarse grid, so that many are close to a collar or half covered."""
    rng = np.random.default_rng(seed)
    clip_ids = [f"clip{k}" for k in range(num_clips)]
    smooth = rng.random((num_clips, 40, 2)).round(1)
    tables = score_tables(np.repeat(smooth, 2, axis=1)[:, :40], clip_ids, CLASSES, np.arange(41) * step)
    rows = []
    for clip_id in clip_ids:
        for label in CLASSES:
            for _ in range(rng.integers(0, 4)):
                onset = rng.integers(0, 36) * step
                rows.append((clip_id, onset, onset + rng.integers(1, 8) * step, label))
    return tables, events(*rows)


def slow_f1(tables, truth, label, threshold, criterion) -> float:
    """Decode events at one threshold and count hits and false alarms clip by clip."""
    hits = detections = 0
    truth = CountedEvents.of({}, truth, {}, CLASSES).events
    tables = {clip_id: tables[clip_id] for clip_id in set(truth["clip_id"])}
    truth = truth[truth["label"] == label]
    for clip_id, table in tables.items():
        times = np.append(table["onset"], table["offset"].iloc[-1])
        found = detect_events(table[[label]].to_numpy(), [label], times, threshold)
        found = found[["onset", "offset"]].to_numpy()
        known = truth.loc[truth["clip_id"] == clip_id, ["onset", "offset"]].to_numpy()
        clip_hits, clip_alarms = (_collar if isinstance(criterion, Collar) else _intersection)(found, known)
        hits += clip_hits
        detections += clip_hits + clip_alarms
    return 2 * hits / (detections + len(truth)) if detections + len(truth) else 0.0


def _collar(found, known):
    if not len(found) or not len(known):
        return 0, len(found)
    length = known[:, 1] - known[:, 0]
    near = np.abs(found[:, None, 0] - known[:, 0]) <= 0.2 + 1e-9
    near &= np.abs(found[:, None, 1] - known[:, 1]) <= np.maximum(0.2, 0.2 * length) + 1e-9
    hits = int((maximum_bipartite_matching(csr_matrix(near), perm_type="column") >= 0).sum())
    return hits, len(found) - hits


def _intersection(found, known):
    overlap = np.minimum(found[:, None, 1], known[:, 1]) - np.maximum(found[:, None, 0], known[:, 0])
    overlap = np.maximum(overlap, 0)
    valid = overlap.sum(axis=1) >= 0.5 * (found[:, 1] - found[:, 0]) - 1e-9
    covered = overlap[valid].sum(axis=0) >= 0.5 * (known[:, 1] - known[:, 0]) - 1e-9
    return int(covered.sum()), int((~valid).sum())


@pytest.mark.parametrize("criterion", CRITERIA)
@given(seed=st.integers(0, 10_000), threshold=st.sampled_from([0.05, 0.3, 0.5, 0.75]))
@settings(max_examples=12)
def test_equals_counting_decoded_events(criterion, seed, threshold):
    tables, truth = random_case(seed)
    given_threshold, best = fscores(
        CountedEvents.of(tables, truth, {}, CLASSES), criterion=criterion, threshold=threshold
    )
    for label in set(truth["label"]):
        wanted = slow_f1(tables, truth, label, threshold, criterion)
        assert given_threshold.per_class[label] == pytest.approx(wanted, abs=1e-9)
        assert best.per_class[label] >= wanted - 1e-9
        # The threshold it names reaches the value it names.
        at_best = slow_f1(tables, truth, label, best.thresholds[label], criterion)
        assert at_best == pytest.approx(best.per_class[label], abs=1e-9)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_best_of_a_published_system_is_what_its_thresholds_give(real20, criterion):
    _, best = fscores(CountedEvents.of(real20.tables, real20.events, {}), criterion=criterion)
    for label, threshold in best.thresholds.items():
        again, _ = fscores(CountedEvents.of(real20.tables, real20.events, {}), criterion=criterion, threshold=threshold)
        assert again.per_class[label] == pytest.approx(best.per_class[label], abs=1e-12)
    assert best.overall == pytest.approx(np.mean(list(best.per_class.values())))


def test_a_detection_just_inside_the_collar_counts_and_one_outside_does_not():
    truth = events(("a", 2.0, 4.0, "Cat"))
    for shift, expected in ((0.19, 1.0), (0.21, 0.0)):
        times = np.array([0.0, 2.0 + shift, 4.0 + 0.39, 10.0])
        tables = score_tables(np.array([[[0.0], [0.9], [0.0]]]), ["a"], ["Cat"], times)
        assert fscores(CountedEvents.of(tables, truth, {}, ["Cat"]))[0].overall == expected


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_constant_scores_give_a_value(criterion, value):
    tables = score_tables(np.full((2, 40, 2), value), ["a", "b"], CLASSES, np.arange(41) * 0.25)
    truth = events(("a", 0.0, 10.0, "Cat"), ("b", 1.0, 2.0, "Cat"))
    at_half, best = fscores(CountedEvents.of(tables, truth, {}, CLASSES), criterion=criterion)
    assert np.isnan(at_half.per_class["Dog"]) and 0 <= at_half.overall <= best.overall <= 1
    # Everything detected: the event that fills its clip is found, the other clip is a false alarm.
    assert best.per_class["Cat"] == pytest.approx(0.5)


def test_no_event_of_any_class_is_nan():
    tables, _ = random_case(0)
    for result in fscores(CountedEvents.of(tables, events(), {}, CLASSES)):
        assert np.isnan(result.overall) and set(result.per_class) == set(CLASSES)


def test_missing_scores_and_columns_are_refused(real20):
    name = real20.events["clip_id"].iloc[0]
    fewer = {clip: table for clip, table in real20.tables.items() if clip != name}
    with pytest.raises(SedlabError, match=rf"no scores for 1 of 20 clips.*first: {name}"):
        fscores(CountedEvents.of(fewer, real20.events, {}))
    with pytest.raises(SedlabError, match=r"no column for 1 of 11 classes .*'Bark'"):
        fscores(CountedEvents.of(real20.tables, real20.events, {}, [*real20.tables[name].columns[2:], "Bark"]))
