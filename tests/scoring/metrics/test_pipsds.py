import numpy as np
import pandas as pd
import pytest

from sedlab.errors import SedlabError
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.pipsds import pipsds
from sedlab.scoring.metrics.psds import PSDS2, psds
from sedlab.scoring.postprocess.median import median_filtered
from sedlab.scoring.scores.tables import score_tables, sed_scores_eval


def filtered(data, seconds):
    classes = list(next(iter(data.tables.values())).columns[2:])
    return median_filtered(data.tables, classes, [seconds] * len(classes))


@pytest.mark.parametrize("scenario", [{}, {"scenario": PSDS2}])
def test_one_filter_length_gives_its_psds(real20, scenario):
    wanted = psds(CountedEvents.of(filtered(real20, 0.448), real20.events, real20.durations), **scenario)
    overall, per_class = pipsds(
        CountedEvents.of(real20.tables, real20.events, real20.durations), filter_seconds=[0.448], **scenario
    )
    assert overall == pytest.approx(wanted.overall, abs=1e-12)
    assert per_class == pytest.approx(wanted.per_class, abs=1e-12)


def test_choosing_between_filters_is_at_least_as_good_as_each(real20):
    lengths = (0.064, 0.448, 1.088)
    overall, per_class = pipsds(
        CountedEvents.of(real20.tables, real20.events, real20.durations), filter_seconds=lengths
    )
    for seconds in lengths:
        single = psds(CountedEvents.of(filtered(real20, seconds), real20.events, real20.durations))
        assert overall >= single.overall - 1e-12
        assert all(per_class[label] >= value - 1e-12 for label, value in single.per_class.items())


def test_equals_the_library_with_its_own_filter(real20):
    lengths = (0.064, 0.32)
    truth = {
        clip_id: list(rows[["onset", "offset", "label"]].itertuples(index=False, name=None))
        for clip_id, rows in real20.events.groupby("clip_id")
    }
    wanted, *_ = sed_scores_eval().intersection_based.median_filter_independent_psds(
        real20.tables,
        truth,
        real20.durations,
        median_filter_lengths_in_sec=lengths,
        dtc_threshold=0.7,
        gtc_threshold=0.7,
        alpha_st=1.0,
        num_jobs=1,
    )
    found, _ = pipsds(CountedEvents.of(real20.tables, real20.events, real20.durations), filter_seconds=lengths)
    # Beyond the ends of a clip the library's filter sees other samples than ours: the edge frames may differ.
    assert found == pytest.approx(wanted, abs=0.02)


def test_no_event_is_nan(real20):
    overall, per_class = pipsds(CountedEvents.of(real20.tables, real20.events.iloc[:0], real20.durations))
    assert np.isnan(overall) and all(np.isnan(value) for value in per_class.values())


def test_filter_lengths_follow_the_frames():
    rng = np.random.default_rng(0)
    scores = rng.random((2, 60, 1))
    for frame in (0.064, 0.03, 0.1):
        tables = score_tables(scores, ["a", "b"], ["Speech"], np.arange(61) * frame)
        frames = {0.064: 11, 0.03: 23, 0.1: 7}[frame]  # 0.704 s, to the nearest odd number
        table = median_filtered(tables, ["Speech"])["b"]
        middle = np.median(scores[1, 30 - frames // 2 : 30 + frames // 2 + 1, 0])
        assert table["Speech"].iloc[30] == middle


def test_event_boxes_are_not_median_filtered():
    boxes = pd.DataFrame({"onset": [0.0, 2.0], "offset": [2.0, 10.0], "Dog": [0.1, 0.9]})
    with pytest.raises(SedlabError, match=r"clip a: rows of 2\.000 s to 8\.000 s cannot be median filtered"):
        median_filtered({"a": boxes}, ["Dog"])
