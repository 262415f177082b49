"""Operating points of curves: a threshold, applied by other means, gives what the point says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from generated_clips import CLASSES, maestro_clips, random_clips
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.scoring.curves.system import SystemCurves
from sedlab.scoring.metrics.mpauc import segment_mpauc
from sedlab.scoring.metrics.psds import PSDS1, PSDS2, psds
from sedlab.scoring.metrics.spread import class_spread

SCENARIOS = {"psds1": PSDS1, "psds2": PSDS2}


def runs_above(scores: np.ndarray, times: np.ndarray, threshold: float) -> list[tuple[float, float]]:
    """Return the spans of neighbouring frames whose score exceeds the threshold."""
    spans: list[tuple[float, float]] = []
    for score, start, end in zip(scores, times, times[1:], strict=False):
        if score > threshold:
            spans[-1:] = [(spans[-1][0], end)] if spans and spans[-1][1] == start else [*spans[-1:], (start, end)]
    return spans


def shared(span: tuple[float, float], others: list[tuple[float, float]]) -> float:
    return sum(max(min(span[1], end) - max(span[0], start), 0.0) for start, end in others)


def part(seconds: float, span: tuple[float, float], needed: float) -> bool:
    return round(seconds, 6) >= round(needed * (span[1] - span[0]), 6)


def slow_counts(clips, label: str, threshold: float, scenario) -> tuple[int, int]:
    """Return events found and false detections at one threshold, by the words of the definition."""
    hits = false_alarms = 0
    for clip_id, events in clips.counted.events.groupby("clip_id"):
        table = clips.tables[clip_id]
        times = np.append(table["onset"], table["offset"].iloc[-1])
        truth = [tuple(span) for span in events.loc[events["label"] == label, ["onset", "offset"]].to_numpy()]
        found = runs_above(table[label].to_numpy(), times, threshold)
        right = [span for span in found if part(shared(span, truth), span, scenario.dtc_threshold)]
        false_alarms += len(found) - len(right)
        hits += sum(part(shared(span, right), span, scenario.gtc_threshold) for span in truth)
    return hits, false_alarms


@pytest.mark.parametrize("metric", SCENARIOS)
@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), levels=st.sampled_from([None, 4]), threshold=st.floats(-0.1, 1.1))
def test_threshold_of_a_point_gives_its_events_and_false_alarms(metric, seed, levels, threshold):
    clips, scenario = random_clips(3, seed, levels=levels, skill=4.0), SCENARIOS[metric]
    counted = clips.counted
    curves = SystemCurves.of_psds(psds(counted, scenario), scenario)
    hours = sum(counted.seconds.values()) / 3600
    for label, curve in curves.classes.items():
        for at, (rate, ratio) in zip(curve.threshold, zip(curve.rate, curve.ratio, strict=True), strict=True):
            hits, false_alarms = slow_counts(clips, label, at, scenario)
            assert ratio == pytest.approx(hits / counted.num_events[label])
            point = curves.point({label: at})
            assert (point.hits, point.num_positive) == (hits, counted.num_events[label])
            assert point.false_alarms == pytest.approx(false_alarms / hours)
            assert point.rate == pytest.approx(rate) and point.threshold == at
            if metric == "psds1":
                assert rate == pytest.approx(false_alarms / hours)
        # Any other threshold too, on the curve or below it, up to the end of the curve.
        point, (hits, false_alarms) = curves.point({label: threshold}), slow_counts(clips, label, threshold, scenario)
        if np.isfinite(point.rate):
            assert (point.hits, round(point.false_alarms * hours)) == (hits, false_alarms)
            place = curve.at(point.rate)
            assert place >= 0 and point.ratio <= curve.ratio[place] + 1e-12
        else:
            assert false_alarms / hours > 0


def test_thresholds_of_a_point_over_all_classes_give_its_ratio():
    scenario = PSDS2
    clips = random_clips(40, 3, skill=1.0)
    result = psds(clips.counted, scenario)
    curves = SystemCurves.of_psds(result, scenario)
    spread = class_spread(result.class_curves, scenario)
    assert len(curves.overall.rate) > 5
    for rate, ratio in zip(curves.overall.rate[:-1], curves.overall.ratio[:-1], strict=True):
        thresholds = curves.thresholds_at(rate)
        point = curves.point(thresholds)
        assert set(thresholds) == set(CLASSES)
        assert point.ratio == pytest.approx(ratio) and point.rate == pytest.approx(rate)
        assert point.hits == sum(slow_counts(clips, label, at, scenario)[0] for label, at in thresholds.items())
        np.testing.assert_allclose(spread.effective[np.searchsorted(spread.efpr, rate)], ratio)
    assert np.isnan(curves.point(thresholds).threshold) and curves.overall.threshold.size == 0


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), levels=st.sampled_from([None, 4]))
def test_threshold_of_a_point_of_mpauc_gives_its_seconds(seed, levels):
    counted = maestro_clips(seed, levels=levels).segments()
    result = segment_mpauc(counted)
    curves = SystemCurves.of_mpauc(result)
    scores, truth = counted.stacked()
    for label, curve in curves.classes.items():
        k = CLASSES.index(label)
        for at, rate, ratio in zip(curve.threshold, curve.rate, curve.ratio, strict=True):
            found = scores[:, k] > at
            assert ratio == pytest.approx(np.mean(found[truth[:, k]]))
            assert rate == pytest.approx(np.mean(found[~truth[:, k]]))
            point = curves.point({label: at})
            assert (point.hits, point.num_positive) == (np.sum(found & truth[:, k]), np.sum(truth[:, k]))
            assert point.false_alarms == pytest.approx(np.mean(found & ~truth[:, k]) * 3600)
        assert curve.area == result.per_class[label]
    widths = np.diff(curves.overall.rate, append=curves.max_rate)
    assert np.sum(widths * curves.overall.ratio) / curves.max_rate == pytest.approx(result.overall)


def test_a_class_without_event_has_no_curve_and_no_point():
    clips = random_clips(6, 8)
    clips.events = clips.events[clips.events["label"] != "Dog"]
    curves = SystemCurves.of_psds(psds(clips.counted), PSDS1)
    assert set(curves.classes) == set(curves.points) == {"Cat", "Speech"}
    assert curves.curve("Dog") is None and set(curves.thresholds_at(10.0)) == {"Cat", "Speech"}


def test_silence_has_one_point_that_detects_nothing():
    clips = random_clips(2, 0)
    clips.tables = {name: table.assign(**dict.fromkeys(CLASSES, 0.0)) for name, table in clips.tables.items()}
    curves = SystemCurves.of_psds(psds(clips.counted), PSDS1)
    point = curves.point(curves.thresholds_at(100.0))
    assert (point.hits, point.ratio, point.false_alarms) == (0, 0.0, 0.0)
    assert all(pd.Series(point.thresholds) >= 0)
