"""PSDS from one event up: what is drawn is what the metric says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab import views
from sedlab.scoring.metrics.by_hand import counted_by_hand, false_alarm_costs
from sedlab.scoring.metrics.psds import PSDS1, PSDS2, psds
from sedlab.views.figures.lessons.judging.psds import verdict
from sedlab.views.figures.lessons.overlap import overlap

EVENTS = pd.DataFrame([("Dog", 20, 24), ("Dog", 80, 82)], columns=["label", "onset", "offset"])
DETECTIONS = pd.DataFrame(
    [("Dog", 20.2, 24.1, 0.9), ("Dog", 200, 203, 0.7), ("Dog", 80, 82, 0.6)],
    columns=["label", "onset", "offset", "score"],
)

spans = st.tuples(st.integers(1, 40), st.integers(1, 40)).map(lambda pair: (pair[0] / 4, (pair[0] + pair[1]) / 4))


@settings(max_examples=30)
@given(spans, spans, st.sampled_from([PSDS1, PSDS2]))
def test_one_detection_finds_one_event_when_both_ratios_are_large_enough(event, detection, scenario):
    asked = (scenario.dtc_threshold, scenario.gtc_threshold)
    parts = overlap(detection, event)
    ratios = parts.of_detection, parts.of_event
    if all(abs(ratio - limit) > 1e-9 for ratio, limit in zip(ratios, asked, strict=True)):
        on_event, covers = (ratio > limit for ratio, limit in zip(ratios, asked, strict=True))
        # A detection that lies on the event but is too short for it is no false alarm.
        expected = "hit" if on_event and covers else "neither" if on_event else "false alarm"
        assert verdict(event, detection, scenario) == expected


@pytest.mark.parametrize(
    "detection, said",
    [
        ((2.3, 4.1), "PSDS1: hit, PSDS2: hit"),
        ((2.3, 4.8), "PSDS1: false alarm, PSDS2: hit"),
        ((2.3, 3.0), "PSDS1: neither, PSDS2: hit"),
    ],
)
def test_the_verdict_is_written_above_the_ratios(detection, said):
    figure = views.overlap_verdict_figure((2, 4), detection)
    assert figure.axes[1].get_title(loc="left") == said
    widths = [bar.get_width() for bar in figure.axes[1].patches]
    parts = overlap(detection, (2, 4))
    assert widths == pytest.approx([parts.of_event, parts.of_detection])


def test_a_short_event_is_lost_before_a_long_one():
    texts = [text.get_text() for text in views.lateness_figure((0.4, 2.0)).axes[0].texts]
    # Three tenths of the event late for the one, nine tenths for the other.
    assert texts == ["0.12 s", "0.36 s", "0.60 s", "1.80 s"]


def test_the_curve_grows_by_a_step_a_detection():
    figure = views.curve_growth_figure(EVENTS, DETECTIONS, 360)
    steps = figure.axes[1:]
    assert [ax.get_title(loc="left").split("\n")[0] for ax in steps] == [
        "down to 0.9: 1 found,",
        "down to 0.7: 1 found,",
        "down to 0.6: 2 found,",
    ]
    # One false alarm in six minutes is ten an hour; the last event is found beyond it.
    assert "10 false an hour" in steps[1].get_title(loc="left")
    last = steps[-1].get_lines()[0]
    assert dict(zip(last.get_xdata(), last.get_ydata(), strict=True)) == {0: 0.5, 10: 1, 100: 1}
    assert steps[-1].texts[-1].get_text() == f"PSDS {psds(counted_by_hand(EVENTS, DETECTIONS, 360)).overall:.2f}"


def test_a_false_alarm_on_another_class_costs_more():
    costs = false_alarm_costs({"PSDS1": PSDS1, "PSDS2": PSDS2})
    assert costs["PSDS1"].tolist() == pytest.approx([10, 10])
    # One in six minutes is ten an hour; one in 30 s of cat is 120 an hour of cat, of which half is added.
    assert costs["PSDS2"].tolist() == pytest.approx([10, 10 + 0.5 * 120])


def test_mean_and_spread_are_drawn_for_each_result(psds_result):
    figure = views.class_spread_figure({"one": psds_result, "other": psds_result})
    for ax in figure.axes:
        # One class: nothing is taken off.
        title = ax.get_title(loc="left")
        assert title.split("= ")[1] == title.split(": ")[1].split(" ")[0]
        curves = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
        np.testing.assert_array_equal(curves["mean of classes"], curves["mean minus spread"])
    assert "evaluate" in views.class_spread_figure({}).axes[0].texts[0].get_text()
