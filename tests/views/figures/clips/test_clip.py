from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.labels import CLASSES
from sedlab.views.figures.clips.clip import ClipView, clip_figure, shown_classes
from sedlab.views.figures.clips.spectrogram import NUM_MELS, draw_spectrogram, log_mel
from sedlab.views.figures.frame import new_figure


@pytest.mark.parametrize("frequency", [300, 1000, 5000])
def test_spectrogram_of_a_tone_peaks_at_its_frequency(frequency):
    tone = np.sin(2 * np.pi * frequency * np.arange(16000) / 16000)

    band = log_mel(tone)[:, 30].argmax()

    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), NUM_MELS + 2) / 2595) - 1)
    assert edges[band] - 16 <= frequency <= edges[band + 2] + 16


def test_spectrogram_does_not_depend_on_gain_and_moves_with_the_sound(rng):
    sound = rng.standard_normal(16000).astype(np.float32)
    padded = np.concatenate([np.zeros(2560, np.float32), sound, np.zeros(2560, np.float32)])
    later = np.roll(padded, 10 * 256)

    np.testing.assert_allclose(log_mel(0.01 * padded), log_mel(padded), atol=1e-3)
    np.testing.assert_allclose(log_mel(later)[:, 20:60], log_mel(padded)[:, 10:50], atol=1e-3)
    assert log_mel(padded).max() == 0
    assert log_mel(padded).min() >= -70


def test_spectrogram_axes_are_seconds_and_kilohertz(waveform):
    ax = new_figure(4, 2).subplots()

    image = draw_spectrogram(ax, waveform)

    assert tuple(image.get_extent()[:2]) == (0, 10)
    assert ax.get_xlabel() == "Time (s)"
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["0.125", "0.5", "1", "2", "4", "8"]


def test_clip_figure_has_one_row_of_axes_for_each_thing_given(waveform, events):
    some = np.zeros((156, 27))

    assert len(clip_figure(waveform).axes) == 1
    assert len(clip_figure(waveform, events=events).axes) == 2
    assert len(clip_figure(waveform, events=events, detections=events).axes) == 2
    assert len(clip_figure(waveform, events=events, pseudo=some, scores=some).axes) == 4
    assert len(clip_figure(waveform, pseudo=some[:, :1], classes=["Dog"]).axes) == 2


def test_strips_are_named_for_what_they_are(waveform):
    some = np.full((156, 27), 0.3)

    strips = clip_figure(waveform, soft=some, pseudo=some, scores=some).axes[1:]

    titles = ["Soft label: share of annotators", "Pseudo-label probability", "Score probability"]
    assert [ax.get_title(loc="left") for ax in strips] == titles
    assert all(len(ax.get_yticklabels()) == 27 for ax in strips)
    assert len({ax.images[0].get_cmap().name for ax in strips}) == 3


def test_events_are_drawn_where_they_are(waveform, events):
    ax = clip_figure(waveform, events=events).axes[1]

    rows = [tick.get_text() for tick in ax.get_yticklabels()]
    assert rows == ["Dog", "Speech"]
    spans = [path.get_extents() for bars in ax.collections for path in bars.get_paths()]
    drawn = sorted((box.x0, box.x1, rows[round((box.y0 + box.y1) / 2)]) for box in spans)
    assert drawn == [(1.0, 3.0, "Speech"), (4.0, 4.5, "Dog")]


def test_clip_level_labels_span_the_clip(waveform):
    weak = pd.DataFrame({"onset": [np.nan], "offset": [np.nan], "label": ["Cat"]})

    bars = clip_figure(waveform, events=weak).axes[1].collections[0]

    assert bars.get_paths()[0].get_extents().intervalx.tolist() == [0.0, 10.0]


def test_strips_show_the_probabilities_of_the_shown_classes(waveform, events):
    probability = np.full((156, 27), 0.1)
    probability[10:20, CLASSES.index("Blender")] = 0.9

    strip = clip_figure(waveform, events=events, scores=probability).axes[2]

    assert [tick.get_text() for tick in strip.get_yticklabels()] == ["Blender", "Dog", "Speech"]
    values = strip.images[0].get_array() / 255
    np.testing.assert_allclose(values[0, 10:20], 0.9, atol=0.005)
    np.testing.assert_allclose(values[1:], 0.1, atol=0.005)
    assert strip.images[0].get_extent()[1] == pytest.approx(156 * 0.064)


def test_a_label_outside_the_classes_still_gets_a_row(waveform):
    other = pd.DataFrame({"onset": [0.0], "offset": [1.0], "label": ["Zither"]})

    figure = clip_figure(waveform, events=other, scores=np.zeros((156, 27)))

    assert [tick.get_text() for tick in figure.axes[2].get_yticklabels()] == ["Zither"]


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=5, max_size=5), st.sets(st.sampled_from("abcde")))
def test_shown_classes_are_the_annotated_and_the_probable_ones_in_class_order(peaks, annotated):
    classes = list("abcde")
    table = pd.DataFrame({"label": sorted(annotated, reverse=True)})

    shown = shown_classes(ClipView(np.zeros(0), events=table, scores=np.array([peaks])), classes)

    assert shown == [label for label, peak in zip(classes, peaks, strict=True) if peak > 0.2 or label in annotated]


def test_soft_labels_are_as_dark_as_they_are_sure(waveform):
    soft = pd.DataFrame({"onset": [0.0, 1.0], "offset": [1.0, 2.0], "label": "footsteps", "confidence": [0.3, 1.0]})

    bars = clip_figure(waveform, events=soft).axes[1].collections[0]

    assert bars.get_facecolor()[:, 3].tolist() == [0.3, 1.0]
