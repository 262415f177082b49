"""The picture of what was found in a recording, and the spectrogram of any length behind it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.views.figures.clips.detections import MAX_CLASSES, MAX_ROWS, detections_figure, row_spans
from sedlab.views.figures.clips.overview import log_mel_overview, waveform_overview
from sedlab.views.figures.clips.spectrogram import log_mel
from sedlab.views.figures.embed import figure_to_png


def rolls(figure):
    """Return the axes below the spectrograms; strips of scores have no axes of their own."""
    return figure.axes[1::2]


def class_names(ax):
    return [tick.get_text() for tick in ax.get_yticklabels()]


def bars(ax):
    """Return onset and offset of the events drawn on ``ax``."""
    paths = [path for collection in ax.collections for path in collection.get_paths()]
    return [(path.vertices[:, 0].min(), path.vertices[:, 0].max()) for path in paths]


def table(*rows):
    return pd.DataFrame(rows, columns=["onset", "offset", "label", "confidence"])


def test_an_overview_is_the_log_mel_of_the_waveform(waveform):
    overview = waveform_overview(waveform)
    expected = log_mel(waveform)[:, : overview.image.shape[1]]
    np.testing.assert_allclose(overview.image, expected, atol=1e-4)
    assert overview.image.shape[1] * overview.column_seconds == pytest.approx(10)


@settings(max_examples=25)
@given(st.integers(1, 60_000), st.lists(st.integers(0, 60_000), max_size=6), st.sampled_from([7, 50, 1000]))
def test_blocks_do_not_matter_and_columns_are_bounded(num_samples, cuts, max_columns):
    waveform = np.random.default_rng(num_samples).normal(size=num_samples).astype(np.float32)
    blocks = np.split(waveform, sorted(min(cut, num_samples) for cut in cuts))
    whole, parts = (
        log_mel_overview(given, num_samples / 16000, max_columns=max_columns) for given in ([waveform], blocks)
    )
    np.testing.assert_allclose(whole.image, parts.image, atol=1e-3)
    assert whole.image.shape[1] <= max_columns
    assert whole.image.shape[1] * whole.column_seconds >= num_samples / 16000 - 1e-9


def test_a_click_stays_visible_in_a_long_recording():
    seconds = 1500
    silence, click = np.zeros(16000, dtype=np.float32), np.zeros(16000, dtype=np.float32)
    click[8000] = 1
    overview = log_mel_overview(
        (click if second == 1234 else silence for second in range(seconds)), seconds, max_columns=500
    )
    image, (start, end) = overview.between(1234, 1235)
    assert overview.image.shape[1] <= 500 and start <= 1234 and end >= 1235
    assert image.max() == 0 and overview.between(1240, 1300)[0].max() == -70


@given(st.floats(0.05, 100 * 3600))
def test_rows_cover_the_recording(duration):
    spans = row_spans(duration)
    assert 1 <= len(spans) <= MAX_ROWS
    assert spans[0][0] == 0 and spans[-1][1] == duration
    assert all(end == start for (_, end), (start, _) in pairwise(spans))
    assert len(spans) == 1 or duration > 60


def test_only_classes_that_occur_have_a_row(waveform):
    events = table((1.0, 3.0, "Speech", 0.9), (2.0, 2.5, "Dog", 0.6), (4.0, 9.5, "Speech", 0.5))
    figure = detections_figure(waveform_overview(waveform), events, classes=("Dog", "Cat", "Speech"), title="a.wav")
    (roll,) = rolls(figure)
    assert class_names(roll) == ["Dog", "Speech"]
    np.testing.assert_allclose(sorted(bars(roll)), [(1.0, 3.0), (2.0, 2.5), (4.0, 9.5)])
    assert roll.get_xlim() == figure.axes[0].get_xlim() == (0, 10)


def test_long_recordings_break_into_rows_and_events_with_them():
    events = table((50.0, 70.0, "large_vehicle", 0.9), (125.0, 126.0, "Cat", 0.9))
    figure = detections_figure(log_mel_overview([], 130), events)
    first, second, third = rolls(figure)
    assert [bars(ax) for ax in (first, second, third)] == [[(50, 60)], [(60, 70)], [(125, 126)]]
    assert class_names(first) == ["large vehicle"] and class_names(third) == ["Cat"]
    assert third.get_xlim() == (120, 180)
    assert third.xaxis.get_major_formatter()(125) == "2:05"


def test_scores_are_drawn_below_the_events(waveform):
    times = np.arange(157) * 0.064
    probabilities = np.zeros((156, 2), dtype=np.float32)
    probabilities[50:60, 1] = 1
    events = table((times[50], times[60], "Dog", 1.0))
    figure = detections_figure(
        waveform_overview(waveform), events, probabilities=probabilities, frame_times=times, classes=("Cat", "Dog")
    )
    (strip,) = rolls(figure)[0].images
    values = np.asarray(strip.get_array())[0]
    start, end = strip.get_extent()[:2]
    edges = start + np.arange(len(values) + 1) * (end - start) / len(values)
    assert edges[np.flatnonzero(values)[[0, -1]]] == pytest.approx(times[[50, 59]])


def test_scores_fill_a_row_whose_start_lies_within_a_frame():
    times = np.arange(1251) * 0.064  # second 60 lies in frame 937
    figure = detections_figure(
        log_mel_overview([], 80),
        table((50.0, 70.0, "Dog", 1.0)),
        probabilities=np.ones((1250, 1), dtype=np.float32),
        frame_times=times,
        classes=("Dog",),
    )
    extents = [ax.images[0].get_extent()[:2] for ax in rolls(figure)]
    np.testing.assert_allclose(extents, [(0, times[938]), (times[937], 80)])


def test_a_recording_without_event_says_so(waveform):
    figure = detections_figure(waveform_overview(waveform), table().astype({"onset": float, "offset": float}))
    assert [text.get_text() for text in rolls(figure)[0].texts] == ["no event"]


def test_a_page_has_no_end_of_classes(waveform):
    events = table(*((0.0, 0.1 + k / 100, f"class {k}", 0.9) for k in range(400)))
    figure = detections_figure(waveform_overview(waveform), events)
    names = class_names(rolls(figure)[0])
    assert len(names) == MAX_CLASSES and "class 399" in names and "class 0" not in names
    assert figure_to_png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("seconds", [0.05, 60, 60.001, 4000])
def test_any_length_is_drawn(seconds):
    overview = log_mel_overview([np.full(1000, 0.1, dtype=np.float32)], seconds)
    events = table((0.0, seconds, "Speech", 0.9))
    assert figure_to_png(detections_figure(overview, events)).startswith(b"\x89PNG")


def test_legend_says_what_bars_and_strips_are_and_how_events_were_found(waveform):
    overview, events = waveform_overview(waveform), table((1.0, 2.0, "Dog", 0.7))
    scores = {"probabilities": np.zeros((20, 1)), "frame_times": np.linspace(0, 10, 21), "classes": ["Dog"]}

    (legend,) = detections_figure(overview, events, **scores, note="ATST: threshold 0.5 for $5").legends
    (plain,) = detections_figure(overview, events.drop(columns="confidence")).legends

    assert legend.get_title().get_text() == r"ATST: threshold 0.5 for \$5"
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == ["event, the surer the darker", "score of the class in each frame: 0, 0.5, 1"]
    assert [text.get_text() for text in plain.get_texts()] == ["event"]
