from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from generated_clips import (
    CLASSES,
    Clips,
    duplicated,
    duplicated_recordings,
    maestro_clips,
    random_clips,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.errors import SedlabError
from sedlab.scoring.metrics.bootstrap import (
    ALL,
    Resampling,
    bootstrap_intervals,
)
from sedlab.scoring.metrics.comparison import COLUMNS, compare, paired_bootstrap, sign_level
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.fscores import Collar, Intersection, fscores
from sedlab.scoring.metrics.mpauc import segment_mpauc
from sedlab.scoring.metrics.psds import PSDS1, PSDS2, psds
from sedlab.scoring.metrics.segments import CountedSegments
from sedlab.scoring.metrics.statistics.choice import METRICS, metric_statistics
from sedlab.scoring.metrics.statistics.fscores import FscoreStatistics, fscore_statistics
from sedlab.scoring.metrics.statistics.mpauc import mpauc_statistics
from sedlab.scoring.metrics.statistics.psds import psds_statistics
from sedlab.scoring.scores.tables import score_tables


def assert_equals(values: np.ndarray, classes: tuple[str, ...], overall: float, per_class: dict[str, float]) -> None:
    """Compare one row of ``evaluate`` with a result; a class that has no value must be nan in both."""
    expected = [overall, *(per_class[label] for label in classes)]
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-9, equal_nan=True)


def slow_values(metric: str, clips: Clips):
    """Return the metric's own result on ``clips``."""
    if metric in ("psds1", "psds2"):
        return psds(CountedEvents.of(clips.tables, clips.events, clips.durations, CLASSES), scenario=METRICS[metric])
    return fscores(CountedEvents.of(clips.tables, clips.events, {}, CLASSES), criterion=METRICS[metric])[0]


@pytest.mark.parametrize("metric", ["psds1", "psds2", "collar_f1", "intersection_f1"])
@settings(max_examples=25)
@given(data=st.data())
def test_weighted_statistics_equal_the_metric_on_duplicated_clips(metric, data):
    clips = random_clips(
        data.draw(st.integers(2, 5)),
        data.draw(st.integers(0, 10**6)),
        levels=data.draw(st.sampled_from([None, 3, 20])),
        skill=data.draw(st.sampled_from([2.0, 6.0])),
    )
    statistics = metric_statistics(metric, clips.counted)
    some = st.lists(st.integers(0, 3), min_size=len(statistics.units), max_size=len(statistics.units))
    weights = np.array(data.draw(some.filter(any)))
    result = slow_values(metric, duplicated(clips, statistics.units, weights))
    assert_equals(statistics.evaluate(weights[None])[0], statistics.classes, result.overall, result.per_class)


@pytest.mark.parametrize("scenario", [PSDS1, PSDS2], ids=["psds1", "psds2"])
def test_every_clip_once_gives_the_metric_on_recorded_scores(synthetic60, real20, scenario):
    tables = score_tables(synthetic60.probabilities, synthetic60.clip_ids, synthetic60.classes, synthetic60.times)
    for scores, events, durations in (
        (tables, synthetic60.events, synthetic60.durations),
        (real20.tables, real20.events, real20.durations),
    ):
        result = psds(CountedEvents.of(scores, events, durations), scenario=scenario)
        statistics = psds_statistics(CountedEvents.of(scores, events, durations), scenario)
        once = statistics.evaluate(np.ones((1, len(statistics.units))))
        assert_equals(once[0], statistics.classes, result.overall, result.per_class)


@pytest.mark.parametrize("scenario", [PSDS1, PSDS2], ids=["psds1", "psds2"])
@pytest.mark.parametrize("without", ["", "Dishes"])
def test_resample_of_recorded_scores_equals_psds_of_duplicated_clips(synthetic60, scenario, without):
    tables = score_tables(synthetic60.probabilities, synthetic60.clip_ids, synthetic60.classes, synthetic60.times)
    recorded = Clips(
        tables, synthetic60.events, pd.DataFrame(synthetic60.durations.items(), columns=["clip_id", "duration"])
    )
    statistics = psds_statistics(CountedEvents.of(tables, recorded.events, recorded.durations), scenario)
    weights = np.random.default_rng(2).multinomial(60, np.full(len(statistics.units), 1 / len(statistics.units)))
    holding = recorded.events[recorded.events["label"] == without]["clip_id"]
    weights[np.isin(statistics.units, holding)] = 0
    copies = duplicated(recorded, statistics.units, weights)
    result = psds(CountedEvents.of(copies.tables, copies.events, copies.durations), scenario=scenario)
    assert (without in result.missing_classes) == bool(without)
    assert_equals(statistics.evaluate(weights[None])[0], statistics.classes, result.overall, result.per_class)


@pytest.mark.parametrize("criterion", [Collar(), Intersection()], ids=["collar", "intersection"])
@pytest.mark.parametrize("threshold", [0.2, 0.5])
def test_f1_of_every_clip_once_is_the_metric(real20, criterion, threshold):
    result, _ = fscores(CountedEvents.of(real20.tables, real20.events, {}), criterion=criterion, threshold=threshold)
    statistics = fscore_statistics(CountedEvents.of(real20.tables, real20.events, {}), criterion, threshold)
    once = statistics.evaluate(np.ones((1, len(statistics.units))))
    assert_equals(once[0], statistics.classes, result.overall, result.per_class)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    levels=st.sampled_from([None, 3, 20]),
    weights=st.lists(st.integers(0, 3), min_size=3, max_size=3).filter(any),
)
def test_weighted_segments_equal_mpauc_of_duplicated_recordings(seed, levels, weights):
    clips = maestro_clips(seed, levels=levels)
    statistics = mpauc_statistics(clips.segments())
    assert statistics.units == ("recording0", "recording1", "recording2")
    copies = duplicated_recordings(clips, statistics.units, np.array(weights))
    result = segment_mpauc(CountedSegments.of(copies.tables, copies.clips, copies.events, CLASSES))
    values = statistics.evaluate(np.array([weights]))[0]
    assert_equals(values, statistics.classes, result.overall, result.per_class)


def test_batches_of_resamples_do_not_change_values():
    clips = random_clips(6, 5)
    statistics = psds_statistics(clips.counted, PSDS2)
    weights = np.random.default_rng(0).integers(0, 4, (7, 6)) + (np.arange(6) == 0)
    together = statistics.evaluate(weights)
    one_by_one = np.concatenate([statistics.evaluate(row[None]) for row in weights])
    np.testing.assert_allclose(together, one_by_one, rtol=0, atol=1e-12)


def test_same_seed_same_intervals_and_another_seed_others():
    clips = random_clips(12, 1)
    first, again, other = (
        bootstrap_intervals(clips.counted, resampling=Resampling(60, seed=seed)) for seed in (0, 0, 1)
    )
    assert first.overall == again.overall and first.per_class == again.per_class
    assert first.overall != other.overall
    assert first.overall.value == other.overall.value
    assert first.num_units == 12


def test_order_of_the_clips_does_not_matter():
    clips = random_clips(8, 2)
    shuffled = Clips(
        dict(reversed(clips.tables.items())), clips.events.sample(frac=1, random_state=1), clips.clips.iloc[::-1]
    )
    here, there = (bootstrap_intervals(some.counted, resampling=Resampling(30)) for some in (clips, shuffled))
    assert here.overall == there.overall


def test_a_system_does_not_differ_from_itself():
    clips = random_clips(10, 3)
    table = compare(clips.counted, clips.counted, list(METRICS)[:4], resampling=Resampling(20)).table()
    assert list(table.columns) == list(COLUMNS)
    assert list(table["metric"].unique()) == ["psds1", "psds2", "collar_f1", "intersection_f1"]
    assert list(table["label"]) == [ALL, *CLASSES] * 4
    assert (table[["difference", "low", "high"]] == 0).all(axis=None) and (table["p"] == 1).all()


def test_swapping_the_systems_turns_the_difference_around():
    bad, good = (random_clips(10, 4, skill=skill) for skill in (0.5, 3.0))
    bad = replace(bad, events=good.events, clips=good.clips)
    forth, back = (
        compare(a.counted, b.counted, ["intersection_f1"], resampling=Resampling(40)).table()
        for a, b in ((bad, good), (good, bad))
    )
    np.testing.assert_allclose(forth["difference"], -back["difference"])
    np.testing.assert_allclose(forth["low"], -back["high"])
    np.testing.assert_allclose(forth["p"], back["p"])
    np.testing.assert_allclose(forth["a_low"], back["b_low"])
    assert forth.loc[0, "low"] > 0 and forth.loc[0, "p"] < 0.1


def test_difference_of_similar_systems_is_known_better_than_either_value():
    a, b = (random_clips(40, 6, skill=skill) for skill in (2.0, 3.0))
    b = replace(b, events=a.events, clips=a.clips)
    row = compare(a.counted, b.counted, ["intersection_f1"], resampling=Resampling(100)).table().loc[0]
    width = row["high"] - row["low"]
    assert width < row["a_high"] - row["a_low"] and width < row["b_high"] - row["b_low"]


def test_replicates_without_a_class_are_counted_and_left_out():
    clips = random_clips(6, 7)
    rare = clips.events[(clips.events["label"] != "Cat") | (clips.events["clip_id"] == "clip0")]
    rare = pd.concat([rare, pd.DataFrame([("clip0", 0.0, 1.0, "Cat", 1.0)], columns=rare.columns)])
    replicates = 400
    result = bootstrap_intervals(replace(clips, events=rare).counted, resampling=Resampling(replicates))
    # A class in one of n clips is missed by (1 - 1/n)^n of the replicates.
    share = result.num_without_positive["Cat"] / replicates
    num_units = result.num_units
    assert share == pytest.approx((1 - 1 / num_units) ** num_units, abs=0.08)
    assert result.num_without_positive["Speech"] < result.num_without_positive["Cat"]
    assert result.num_without_positive[ALL] >= result.num_without_positive["Cat"]
    assert np.isfinite([result.overall.low, result.overall.high, result.per_class["Cat"].low]).all()


def test_class_that_the_set_lacks_has_no_interval():
    clips = random_clips(6, 8)
    without = clips.events[clips.events["label"] != "Dog"]
    result = bootstrap_intervals(replace(clips, events=without).counted, "psds2", resampling=Resampling(10))
    assert result.missing_classes == ("Dog",) and set(result.per_class) == {"Cat", "Speech"}
    with pytest.raises(SedlabError, match="no event of the classes"):
        bootstrap_intervals(replace(clips, events=clips.events.iloc[:0]).counted)


def test_one_clip_has_an_interval_of_no_width():
    clips = random_clips(1, 9)
    result = bootstrap_intervals(clips.counted, resampling=Resampling(5))
    assert result.overall.low == result.overall.high == pytest.approx(result.overall.value, abs=1e-12)


def test_unknown_metric_and_missing_scores_are_refused():
    clips = random_clips(3, 0)
    with pytest.raises(SedlabError, match=r"unknown metric 'psds'\. Did you mean 'psds"):
        bootstrap_intervals(clips.counted, "psds")
    fewer = {name: table for name, table in clips.tables.items() if name != "clip1"}
    with pytest.raises(SedlabError, match="no scores for 1 of 3 clips"):
        compare(clips.counted, replace(clips, tables=fewer).counted)


def test_progress_is_reported_up_to_the_end():
    clips, seen = random_clips(4, 0), []
    counted = clips.counted
    compare(counted, counted, resampling=Resampling(120), progress=lambda *s: seen.append(s))
    assert seen == [(50, 120, "psds1"), (100, 120, "psds1"), (120, 120, "psds1")]


def counted_pair(num_clips: int, rng: np.random.Generator) -> tuple[FscoreStatistics, FscoreStatistics]:
    """Return two systems that find 60 % and 70 % of the events of a class; clips are as hard for one as for the other.

    Each clip has 1 to 5 events and one false alarm in two clips, so F1 over endless clips is 2 * 3 p / (3 p + 0.5 + 3).
    """
    num_events = rng.integers(1, 6, (num_clips, 1)).astype(float)
    hard = rng.random((num_clips, 1))
    false_alarms = (rng.random((num_clips, 1)) < 0.5).astype(float)
    return tuple(
        FscoreStatistics(
            units=tuple(f"clip{k}" for k in range(num_clips)),
            classes=("Dog",),
            missing_classes=(),
            hits=rng.binomial(num_events.astype(int), np.clip(found + 0.4 * (hard - 0.5), 0, 1)).astype(float),
            false_alarms=false_alarms,
            num_events=num_events,
        )
        for found in (0.6, 0.7)
    )


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(11)
    truth_a, truth_b = (2 * 3 * found / (3 * found + 3.5) for found in (0.6, 0.7))
    trials, covered = 300, np.zeros(3)
    for trial in range(trials):
        row, _ = paired_bootstrap("f1", *counted_pair(60, rng), resampling=Resampling(200, 0.9, trial))
        pairs = ((row.a, truth_a), (row.b, truth_b), (row.difference, truth_b - truth_a))
        covered += [interval.low <= truth <= interval.high for interval, truth in pairs]
    # Five standard errors of a share of 300 trials are 0.087.
    assert np.all(np.abs(covered / trials - 0.9) < 0.087), covered / trials


def test_equal_systems_are_called_different_about_as_rarely_as_they_should_be():
    rng = np.random.default_rng(12)
    trials, called = 300, 0
    for trial in range(trials):
        first, _ = counted_pair(60, rng)
        hits = rng.binomial(first.num_events.astype(int), 0.6).astype(float)
        other = rng.binomial(first.num_events.astype(int), 0.6).astype(float)
        a, b = replace(first, hits=hits), replace(first, hits=other)
        called += paired_bootstrap("f1", a, b, resampling=Resampling(200, seed=trial))[0].p < 0.1
    assert called / trials == pytest.approx(0.1, abs=0.087)


def test_sign_level_counts_the_rarer_sign_and_zero_for_both():
    assert sign_level(np.array([1.0] * 98 + [-1.0])) == pytest.approx(2 * 2 / 100)
    assert sign_level(np.array([0.5] * 999)) == pytest.approx(2 / 1000)
    assert sign_level(np.array([0.0, 0.0, 1.0, np.nan])) == 1.0
    assert np.isnan(sign_level(np.array([np.nan])))


def test_a_difference_of_rounding_alone_counts_for_neither_sign():
    exact, _ = counted_pair(20, np.random.default_rng(0))
    nearly = replace(exact, hits=exact.hits * (1 + 1e-15))
    row = paired_bootstrap("f1", exact, nearly, resampling=Resampling(20))[0]
    assert row.p == 1.0 and row.difference.low == row.difference.high == 0.0


def test_f1_threshold_and_recording_lengths_reach_the_metric():
    clips = random_clips(6, 3)
    low, high = (
        bootstrap_intervals(clips.counted, "collar_f1", threshold=threshold, resampling=Resampling(2)).overall.value
        for threshold in (0.2, 0.8)
    )
    assert low != high
    maestro = maestro_clips(4)
    longer = {"recording0": 40.0}
    result = segment_mpauc(CountedSegments.of(maestro.tables, maestro.clips, maestro.events, CLASSES, durations=longer))
    interval = bootstrap_intervals(maestro.segments(longer), "mpauc", resampling=Resampling(2))
    assert interval.overall.value == pytest.approx(result.overall, abs=1e-12)
    assert interval.num_units == 3
