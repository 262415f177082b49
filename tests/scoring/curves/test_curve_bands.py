"""Bands around curves, against the metric itself on clips that are really drawn, and what is remembered of systems."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from generated_clips import CLASSES, duplicated, duplicated_recordings, maestro_clips, random_clips
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.errors import SedlabError
from sedlab.scoring.curves.bands import curve_bands
from sedlab.scoring.curves.curve_set import KEPT_STATISTICS, CurveSet
from sedlab.scoring.curves.system import SystemCurves
from sedlab.scoring.metrics.bootstrap import Resampling, resamples
from sedlab.scoring.metrics.comparison import compare
from sedlab.scoring.metrics.mpauc import segment_mpauc
from sedlab.scoring.metrics.psds import PSDS1, PSDS2, psds
from sedlab.scoring.metrics.statistics.choice import metric_statistics
from sedlab.scoring.names import ALL


def slow_curves(curves: SystemCurves, rates: np.ndarray) -> np.ndarray:
    """Return (1 + classes, rates): curves looked at one rate after the other; nan for a class without."""
    rows = np.full((1 + len(CLASSES), len(rates)), np.nan)
    for k, label in enumerate((None, *CLASSES)):
        if (curve := curves.curve(label)) is not None:
            places = [curve.at(rate + 1e-9) for rate in rates]
            rows[k] = [curve.ratio[place] if place >= 0 else 0.0 for place in places]
    return rows


@pytest.mark.parametrize("metric", ["psds1", "psds2", "mpauc"])
@settings(max_examples=10)
@given(
    seed=st.integers(0, 10**6),
    levels=st.sampled_from([None, 3, 20]),
    weights=st.lists(st.integers(0, 3), min_size=3, max_size=3).filter(any),
)
def test_curves_of_a_resample_are_those_of_clips_really_drawn(metric, seed, levels, weights):
    weights = np.array(weights)
    if metric == "mpauc":
        clips = maestro_clips(seed, levels=levels)
        statistics = metric_statistics(metric, clips.segments())
        copies = duplicated_recordings(clips, statistics.units, weights)
        slow, end = SystemCurves.of_mpauc(segment_mpauc(copies.segments())), 0.1
    else:
        scenario = {"psds1": PSDS1, "psds2": PSDS2}[metric]
        clips = random_clips(3, seed, levels=levels, skill=4.0)
        statistics = metric_statistics(metric, clips.counted)
        copies = duplicated(clips, statistics.units, weights)
        slow, end = SystemCurves.of_psds(psds(copies.counted, scenario), scenario), 100.0
    rates = np.linspace(0, end, 41)[:-1]
    found = statistics.curves(weights[None], rates)[0]
    expected = slow_curves(slow, rates)[[0, *(1 + CLASSES.index(label) for label in statistics.classes)]]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9, equal_nan=True)


def test_band_holds_the_middle_of_the_curves_of_resamples_also_of_a_class_that_some_lack():
    clips, resampling, seen = random_clips(8, 4, skill=3.0), Resampling(120, confidence=0.8), []
    rare = clips.events[(clips.events["label"] != "Cat") | (clips.events["clip_id"] == "clip0")]
    counted = replace(clips, events=rare).counted
    statistics = metric_statistics("psds1", counted)
    bands = curve_bands(statistics, 100.0, resampling=resampling, progress=lambda *said: seen.append(said[:2]))
    assert seen == [(50, 120), (100, 120), (120, 120)] and bands.num_units == len(statistics.units)
    drawn = np.concatenate(
        [statistics.curves(row[None], bands.rate) for batch in resamples(bands.num_units, resampling) for row in batch]
    )
    for k, label in enumerate((ALL, *statistics.classes)):
        known = [curve for curve in drawn[:, k] if not np.isnan(curve).any()]
        # Of 120 resamples of 8 clips some 41 lack the only clip with a cat.
        assert (len(known) < 100) == (label == "Cat")
        np.testing.assert_allclose(bands.low[label], np.quantile(known, 0.1, axis=0), atol=1e-6)
        np.testing.assert_allclose(bands.high[label], np.quantile(known, 0.9, axis=0), atol=1e-6)
        assert (bands.high[label] > bands.low[label]).any()


@pytest.fixture
def curve_set() -> CurveSet:
    """Two systems of different skill on the same clips; what is asked for is noted in ``asked``."""
    good, bad = (random_clips(24, 5, skill=skill) for skill in (8.0, 2.0))
    clips = {"good": good, "bad": replace(bad, events=good.events, clips=good.clips)}
    asked: list[tuple[str, str]] = []
    made = CurveSet(
        ["bad", "good"],
        lambda system, way: asked.append((system, way)) or clips[system].counted,
        resampling=Resampling(60),
    )
    made.asked, made.clips = asked, clips
    return made


def test_what_was_computed_is_remembered(curve_set):
    first = curve_set.curves("good", "psds1", "none")
    assert curve_set.curves("good", "psds1", "none") is first
    assert curve_set.is_ready("curves", "good", "psds1", "none")
    assert not curve_set.is_ready("bands", "good", "psds1", "none")
    assert curve_set.bands("good", "psds1", "none") is curve_set.bands("good", "psds1", "none")
    for metric in ("psds1", "psds2"):
        for way in ("none", "median"):
            curve_set.differences("bad", "good", metric, way)
    assert sorted(curve_set.asked) == sorted((system, way) for system in ("bad", "good") for way in ("none", "median"))
    assert sum(key[0] == "statistics" for key in curve_set._kept) == KEPT_STATISTICS


def test_differences_are_those_of_compare_with_what_matters_first(curve_set):
    table = curve_set.differences("bad", "good", "psds1", "none")
    plain = compare(*(curve_set.clips[name].counted for name in ("bad", "good")), resampling=Resampling(60)).table()
    merged = table.merge(plain, on="label", suffixes=("", "_plain"))
    for name in ("a", "b", "difference", "low", "high"):
        np.testing.assert_allclose(merged[name], merged[f"{name}_plain"], atol=1e-12)
    assert table["label"].iloc[0] == ALL and len(merged) == len(plain) == 4
    classes = table.iloc[1:]
    assert list(classes["certain"]) == sorted(classes["certain"], reverse=True) and classes["certain"].any()
    for _, rows in classes.groupby("certain"):
        assert rows["difference"].abs().is_monotonic_decreasing
    assert table["num_positive"].iloc[0] == classes["num_positive"].sum() == len(curve_set.clips["good"].counted.events)


def test_unknown_names_are_refused_with_the_known_ones(curve_set):
    with pytest.raises(SedlabError, match=r"no curve of 'psds3'.*psds1 or psds2"):
        curve_set.curves("good", "psds3", "none")
    with pytest.raises(SedlabError, match=r"no system 'goood'.*Did you mean 'good'.*bad, good"):
        curve_set.bands("goood", "psds1", "none")
    with pytest.raises(SedlabError, match=r"no post-processing 'csebbs'.*none or median"):
        curve_set.curves("good", "psds1", "csebbs")
