import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scoring_material import GOLDEN, REAL

from sedlab.errors import SedlabError
from sedlab.labels import MAESTRO_EVAL_CLASSES
from sedlab.scoring.metrics.bootstrap import Resampling, bootstrap_intervals
from sedlab.scoring.metrics.comparison import compare
from sedlab.scoring.metrics.evaluation import (
    EVENT_MEASURES,
    EVENT_METRICS,
    PIPSDS,
    SEGMENT_METRICS,
    Measure,
    counted_scores,
    evaluate_events,
    evaluate_segments,
    event_measures,
    with_intervals,
)
from sedlab.scoring.metrics.mpauc import segment_mpauc
from sedlab.scoring.metrics.psds import psds
from sedlab.scoring.metrics.segments import CountedSegments
from sedlab.scoring.metrics.statistics.choice import METRICS
from sedlab.scoring.postprocess import Postprocess
from sedlab.scoring.postprocess.csebbs import CsebbsParams, CsebbsSetting
from sedlab.scoring.scores.inputs import EvaluationScores, GroundTruth, read_durations, read_ground_truth, read_scores
from sedlab.scoring.scores.matching import EVENTS, SEGMENTS, kind_of, match_clips, scored_classes
from sedlab.scoring.scores.tables import score_tables

CLASSES = ("Cat", "Dog")


def truth_of(*rows, silent=(), soft=False) -> GroundTruth:
    """Return ground truth from (clip_id, onset, offset, label[, confidence])."""
    events = pd.DataFrame(
        [row if len(row) == 5 else (*row, 1.0) for row in rows],
        columns=["clip_id", "onset", "offset", "label", "confidence"],
    ).astype({"onset": float, "offset": float, "confidence": float})
    clip_ids = dict.fromkeys([*events["clip_id"], *silent])
    return GroundTruth(events, tuple(clip_ids), soft, Path("truth.tsv"))


def scores_of(*clip_ids, classes=CLASSES, seed=0) -> EvaluationScores:
    probabilities = np.random.default_rng(seed).random((len(clip_ids), 20, len(classes)))
    tables = score_tables(probabilities, clip_ids, classes, np.arange(21) * 0.5)
    return EvaluationScores(tables, tuple(classes), Path("scores"))


@pytest.fixture(scope="module")
def published():
    scores = read_scores(REAL / "baseline2_run1_scores")
    truth = read_ground_truth(REAL / "metadata" / "ground_truth.tsv")
    return *match_clips(scores, truth, common=True), read_durations(REAL / "metadata" / "audio_durations.tsv")


def test_recorded_values_of_a_published_system(published, expected):
    scores, truth, left_out, durations = published
    assert left_out == {"without_scores": 672, "without_ground_truth": 0}
    result = evaluate_events(scores.tables, truth, durations, scored_classes(scores, truth, EVENTS))
    wanted = expected["dcase2023_baseline_paper_grid"]
    assert result.measures["psds1"].overall == pytest.approx(wanted["psds1"], abs=1e-9)
    assert result.measures["psds1"].per_class == pytest.approx(wanted["psds1_class"], abs=1e-9)
    assert result.measures["psds2"].overall == pytest.approx(wanted["psds2"], abs=1e-9)
    assert tuple(result.measures) == EVENT_METRICS
    assert result.counts == {"clips": 20, "events": 146, "without_event": 0, "joined_events": 0}
    assert not result.warnings and psds(result.counted).overall == result.measures["psds1"].overall


def test_recorded_values_of_synthetic_scores(synthetic60, expected):
    tables = score_tables(synthetic60.probabilities, synthetic60.clip_ids, synthetic60.classes, synthetic60.times)
    truth = read_ground_truth(GOLDEN / "synthetic60_ground_truth.tsv")
    result = evaluate_events(tables, truth, synthetic60.durations, synthetic60.classes, metrics=("psds1", "psds2"))
    for metric in ("psds1", "psds2"):
        assert result.measures[metric].overall == pytest.approx(expected["synthetic60"][metric], abs=1e-9)


def test_intervals_are_made_where_clips_can_be_resampled(published):
    scores, truth, _, durations = published
    classes = scored_classes(scores, truth, EVENTS)
    result = evaluate_events(scores.tables, truth, durations, classes, threshold=0.3, resampling=Resampling(30))
    resampled = {"psds1", "psds2", "collar_f1", "intersection_f1"}
    assert {name for name, measure in result.measures.items() if measure.intervals} == resampled
    for name in resampled:
        measure = result.measures[name]
        assert set(measure.intervals) == {"all", *classes}
        low, high = measure.intervals["all"]
        assert low < measure.overall < high


@pytest.mark.parametrize(("postprocess", "threshold"), [("none", 0.11), ("median", 0.73), ("csebbs", 0.5)])
def test_an_interval_is_that_of_the_value_beside_it(published, postprocess, threshold):
    """Whatever can be resampled: the interval's own value is the measure's, in an evaluation and in a comparison."""
    scores, truth, _, durations = published
    classes = scored_classes(scores, truth, EVENTS)
    boxes = CsebbsParams(dict.fromkeys(classes[:-1], CsebbsSetting(0.5, 0.2)))
    method = Postprocess.of(boxes) if postprocess == "csebbs" else Postprocess.read(postprocess)
    counted = counted_scores(method.scores(scores.tables, classes), truth, EVENTS, durations, classes)
    metrics = [name for name in METRICS if name in EVENT_METRICS]
    measures = event_measures(counted, metrics, threshold=threshold)
    few = Resampling(5)
    compared = compare(counted, counted, metrics, threshold=threshold, resampling=few)
    for name, measure in measures.items():
        wanted = {"all": measure.overall, **measure.per_class}
        found = bootstrap_intervals(counted, name, threshold=threshold, resampling=few)
        intervals = {"all": found.overall, **found.per_class}
        assert {label: i.value for label, i in intervals.items()} == pytest.approx(wanted, abs=1e-9)
        beside = with_intervals({name: measure}, counted, few, threshold=threshold)[name].intervals
        assert beside == {label: (i.low, i.high) for label, i in intervals.items()}
        assert {d.label: d.b.value for d in compared.differences if d.metric == name} == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("seconds", [10.0, 14.5, 200.0])
def test_an_interval_of_mpauc_is_that_of_its_value_whatever_recordings_last(seconds):
    """Seconds that no clip covers count in the value, so they count in the interval."""
    names = [f"place_{k:02d}-000000-001000" for k in range(8)]
    scores = scores_of(*names, classes=MAESTRO_EVAL_CLASSES)
    rows = [(name, s, s + 1, MAESTRO_EVAL_CLASSES[(k + s) % 3], 0.9) for k, name in enumerate(names) for s in range(5)]
    durations = dict.fromkeys([name.split("-")[0] for name in names], seconds)
    result = evaluate_segments(
        scores.tables, truth_of(*rows, soft=True), durations, MAESTRO_EVAL_CLASSES, resampling=Resampling(200)
    )
    measure, found = result.measures["mpauc"], bootstrap_intervals(result.counted, "mpauc", resampling=Resampling(200))
    assert found.overall.value == pytest.approx(measure.overall, abs=1e-12)
    low, high = measure.intervals["all"]
    assert low <= measure.overall <= high and (low, high) == (found.overall.low, found.overall.high)


def test_clips_without_event_and_joined_events_are_counted():
    truth = truth_of(
        ("a", 1, 2, "Dog"), ("a", 2, 3, "Dog"), ("a", 2.5, 4, "Dog"), ("b", 0, 1, "Cat"), silent=("c", "d")
    )
    scores, durations = scores_of("a", "b", "c", "d"), dict.fromkeys("abcd", 10.0)
    result = evaluate_events(scores.tables, truth, durations, CLASSES)
    assert result.counts == {"clips": 2, "events": 2, "without_event": 2, "joined_events": 2}
    assert [warning.split()[0] for warning in result.warnings] == ["2", "2"]
    joined = truth_of(("a", 1, 4, "Dog"), ("b", 0, 1, "Cat"))
    again = evaluate_events(scores.tables, joined, durations, CLASSES)
    assert {name: m.overall for name, m in again.measures.items()} == {
        name: m.overall for name, m in result.measures.items()
    }


def test_unsure_events_do_not_count():
    sure = truth_of(("a", 1, 2, "Dog", 0.8), ("b", 0, 1, "Cat", 0.6), soft=True)
    unsure = truth_of(*sure.events.itertuples(index=False, name=None), ("b", 4, 6, "Dog", 0.5), soft=True)
    scores, durations = scores_of("a", "b"), dict.fromkeys("ab", 10.0)
    first, second = (evaluate_events(scores.tables, truth, durations, CLASSES) for truth in (sure, unsure))
    assert first.measures["psds1"].overall == second.measures["psds1"].overall


def test_kind_and_classes_follow_the_ground_truth():
    scores = scores_of("a", classes=("Dog", *MAESTRO_EVAL_CLASSES))
    events = truth_of(("a", 0, 1, "Dog"))
    assert kind_of(events) == EVENTS and scored_classes(scores, events, EVENTS) == ("Dog",)
    for truth in (truth_of(("a", 0, 1, "car", 0.7), soft=True), truth_of(("a", 0, 1, "car"))):
        assert kind_of(truth) == SEGMENTS and scored_classes(scores, truth, SEGMENTS) == MAESTRO_EVAL_CLASSES
    assert scored_classes(scores, events, EVENTS, ("car",)) == ("car",)


def test_class_without_scores_is_refused_with_the_nearest():
    with pytest.raises(SedlabError, match=r"no scores for 1 of 2 classes \(first: 'Dogg'\)\. Did you mean 'Dog'\?"):
        scored_classes(scores_of("a"), truth_of(("a", 0, 1, "Dogg"), ("a", 0, 1, "Cat")), EVENTS)
    with pytest.raises(SedlabError, match="has no events"):
        scored_classes(scores_of("a"), truth_of(silent=("a",)), EVENTS)


def test_clips_on_one_side_are_refused_or_left_out():
    scores, truth = scores_of("a", "b", "x", "y"), truth_of(("a", 0, 1, "Dog"), ("c", 0, 1, "Dog"), silent=("b", "d"))
    with pytest.raises(SedlabError, match=r"1 clip without scores.*first: c.*2 clips without ground truth.*first: x"):
        match_clips(scores, truth)
    common, known, left_out = match_clips(scores, truth, common=True)
    assert list(common.tables) == ["a", "b"] and known.clip_ids == ("a", "b") and len(known.events) == 1
    assert left_out == {"without_scores": 1, "without_ground_truth": 2}
    # A clip without event needs no scores; that of a soft table does, because its seconds count as negatives.
    match_clips(scores_of("a", "c"), truth)
    with pytest.raises(SedlabError, match=r"2 clips without scores.*first: b"):
        match_clips(scores_of("a", "c"), replace(truth, soft=True))


def test_nothing_in_common_is_refused():
    with pytest.raises(SedlabError, match=r"holds 1 clip \(first: a\), none of which is in truth\.tsv"):
        match_clips(scores_of("a"), truth_of(("b", 0, 1, "Dog")), common=True)


def test_segments_are_those_of_the_recordings(maestro_corpus):
    clips, events = maestro_corpus.clips, maestro_corpus.events
    rng = np.random.default_rng(1)
    tables = score_tables(
        rng.random((8, 156, 11)), list(clips["clip_id"]), MAESTRO_EVAL_CLASSES, np.arange(157) * 0.064
    )
    rows = events[["clip_id", "onset", "offset", "label", "confidence"]].itertuples(index=False, name=None)
    result = evaluate_segments(tables, truth_of(*rows, soft=True), {}, MAESTRO_EVAL_CLASSES, resampling=Resampling(20))
    wanted = segment_mpauc(CountedSegments.of(tables, clips, events))
    assert tuple(result.measures) == SEGMENT_METRICS
    assert result.measures["mpauc"].overall == wanted.overall
    assert result.measures["mpauc_linear"].overall == wanted.overall_linear
    assert result.counts == {"clips": 8, "recordings": 2, "segments": 42}
    assert "wind_blowing" in result.warnings[0] and "all" in result.measures["mpauc"].intervals


def test_segments_need_the_names_of_windows():
    with pytest.raises(SedlabError, match=r"truth\.tsv: clip name 'a' is not <recording>"):
        evaluate_segments(scores_of("a").tables, truth_of(("a", 0, 1, "Dog"), soft=True), {}, CLASSES)


@st.composite
def hostile_cases(draw):
    """Draw few clips, frames and values, so that scores tie, clips are alone, and classes have no event."""
    num_clips, num_frames = draw(st.integers(1, 3)), draw(st.integers(1, 12))
    values = st.sampled_from([0.0, 1e-300, 0.25, 0.5, 1.0])
    frames = draw(
        st.one_of(
            values.map(lambda value: [value] * (num_clips * num_frames * 2)),
            st.lists(values, min_size=num_clips * num_frames * 2, max_size=num_clips * num_frames * 2),
        )
    )
    clip_ids = [f"c{k}" for k in range(num_clips)]
    tables = score_tables(
        np.array(frames).reshape(num_clips, num_frames, 2), clip_ids, CLASSES, np.arange(num_frames + 1) * 0.5
    )
    event = st.tuples(
        st.sampled_from(clip_ids), st.sampled_from([0.0, 0.5, 0.7, 3.0]), st.sampled_from([0.001, 0.5, 4.0, 20.0])
    )
    rows = [
        (clip_id, onset, onset + length, draw(st.sampled_from(CLASSES)))
        for clip_id, onset, length in draw(st.lists(event, min_size=0, max_size=5))
    ]
    return tables, truth_of(*rows, silent=clip_ids), dict.fromkeys(clip_ids, num_frames * 0.5)


@given(case=hostile_cases())
@settings(max_examples=60)
def test_any_scores_give_values_or_nan(case):
    tables, truth, durations = case
    result = evaluate_events(tables, truth, durations, CLASSES, metrics=(*EVENT_METRICS, PIPSDS))
    present = set(truth.labels)
    for measure in result.measures.values():
        for label, value in {"all": measure.overall, **measure.per_class}.items():
            if label in present or (label == "all" and present):
                assert -1e-9 <= value <= 1 + 1e-9
            else:
                assert math.isnan(value)


@given(
    values=st.lists(st.sampled_from([0.0, 0.2, 0.5, 1.0]), min_size=40, max_size=40),
    active=st.lists(st.booleans(), min_size=20, max_size=20),
)
@settings(max_examples=40)
def test_any_segments_give_values_or_nan(values, active):
    names = ("r-000000-001000", "r-000500-001500")
    tables = score_tables(np.array(values).reshape(2, 10, 2), names, ("car", "footsteps"), np.arange(11.0))
    rows = [(names[k // 10], k % 10, k % 10 + 1, "car", 0.9) for k in np.flatnonzero(active)]
    truth = truth_of(*rows, silent=names, soft=True)
    result = evaluate_segments(tables, truth, {}, ("car", "footsteps"))
    for measure in result.measures.values():
        assert math.isnan(measure.per_class["footsteps"])
        assert math.isnan(measure.overall) or 0 <= measure.overall <= 1
    assert result.counts["segments"] == 15


def test_one_entry_makes_a_metric_of_events(monkeypatch):
    monkeypatch.setitem(EVENT_MEASURES, "num_events", lambda counted, threshold: Measure(len(counted.events), {}))
    truth = truth_of(("a", 0, 1, "Dog"), ("a", 3, 4, "Cat"))
    result = evaluate_events(scores_of("a").tables, truth, {"a": 10.0}, CLASSES, metrics=("num_events",))
    assert result.measures["num_events"].overall == 2
