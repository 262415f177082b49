from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sedlab.labels import CLASSES
from sedlab.scoring.scores.file import ScoreFile
from sedlab.views.figures.agreement import agreement_figure
from sedlab.views.figures.calibration import reliability_figure
from sedlab.views.figures.pseudo_labels import pseudo_label_map, threshold_figure


def test_a_calibrated_class_lies_on_the_diagonal(audit):
    lines = {line.get_label(): line for line in reliability_figure(audit).axes[0].get_lines()}

    np.testing.assert_array_equal(*lines["Speech"].get_data())
    assert (lines["all classes"].get_ydata() < lines["all classes"].get_xdata()).all()


def test_reliability_draws_detected_classes_most_frequent_first(audit):
    labels = [line.get_label() for line in reliability_figure(audit).axes[0].get_lines()]

    assert [label for label in labels if label in CLASSES] == ["Dog", "Speech"]  # nobody detected a cat


def test_reliability_without_any_cell_says_so(audit):
    empty = replace(audit, reliability=audit.reliability.assign(count=0))

    assert "write pseudo-labels first" in reliability_figure(empty).axes[0].texts[0].get_text()


def test_agreement_parts_fill_each_bar_and_unmarked_classes_have_none(audit):
    ax = agreement_figure(audit).axes[0]

    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["Dog", "Speech"]
    both, people, pseudo = ([bar.get_width() for bar in bars] for bars in ax.containers)
    np.testing.assert_allclose(np.sum([both, people, pseudo], axis=0), 100)
    assert both[1] == pytest.approx(100 * 15 / 21)  # Speech: 20 heard, 16 detected, 15 of them right
    assert people[1] == pytest.approx(100 * 5 / 21)


def test_map_shows_the_mean_probability_also_of_more_clips_than_one_block(rng):
    logits = rng.normal(size=(300, 4, 27)).astype(np.float32)
    file = ScoreFile([str(k) for k in range(300)], logits, CLASSES, np.arange(5) * 0.064)

    image = pseudo_label_map({"weak_train": file}).axes[0].images[0]

    np.testing.assert_allclose(image.get_array()[0], 100 * file.probabilities.mean(axis=(0, 1)), rtol=1e-5)


def test_map_of_an_empty_file_leaves_its_row_blank(scores):
    empty = ScoreFile([], scores.logits[:0], CLASSES, scores.frame_times)

    ax = pseudo_label_map({"weak_train": scores, "devtest": empty}).axes[0]

    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["weak_train", "devtest"]
    assert all(text.get_position()[1] == 0 for text in ax.texts)


@pytest.mark.parametrize("threshold", [0.0, 0.25, 0.5, 0.9])
def test_threshold_curve_counts_clips_above(rng, threshold):
    peaks = rng.random(50)
    annotated = rng.random(50) < 0.5

    ax = threshold_figure(peaks, threshold, label="Dog", annotated=annotated).axes[0]

    x, y = ax.get_lines()[0].get_data()
    assert y[np.isclose(x, threshold)][0] == (peaks > threshold).sum()
    assert ax.get_lines()[1].get_ydata()[0] == annotated.sum()
