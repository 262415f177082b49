"""Figures of the stages' lessons draw the numbers they are given."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sedlab import views


def lines_of(ax) -> dict[str, np.ndarray]:
    return {line.get_label(): line.get_ydata() for line in ax.get_lines()}


def test_teachers_and_student_are_the_curves_of_the_table():
    steps = np.arange(4)
    parts = [
        pd.DataFrame({"step": steps, "network": name, "score": k + steps, "weight": -k - steps, "distance": k * steps})
        for k, name in enumerate(("student", "decay 0.5", "decay 0.9"))
    ]
    figure = views.following_figure(pd.concat(parts), label="Electric_shaver_toothbrush")
    score, weight, distance = figure.axes
    np.testing.assert_array_equal(lines_of(score)["decay 0.5"], parts[1]["score"])
    np.testing.assert_array_equal(lines_of(weight)["student"], parts[0]["weight"])
    assert set(lines_of(distance)) == {"decay 0.5", "decay 0.9"}
    assert score.get_ylabel() == "Probability of Electric shaver toothbrush"
    dashes = [line.get_linestyle() for line in score.get_lines()]
    assert len(set(dashes)) == len(dashes)
    assert "No step" in views.following_figure(parts[0].iloc[:0]).axes[0].texts[0].get_text()


def test_a_mixture_has_a_panel_for_each_stage_and_class():
    seconds = np.array([0.0, 1.0])
    parts = [
        pd.DataFrame({"after": after, "label": label, "seconds": seconds, "teacher": place, "student": 1.0 - place})
        for place, (after, label) in enumerate((a, c) for a in ("stage 1", "stage 2") for c in ("Dog", "Cat"))
    ]
    figure = views.mixture_figure(pd.concat(parts), pd.Series({"stage 1": 0.0123, "stage 2": 0.0045}))
    assert [ax.get_title(loc="left") for ax in figure.axes][1::2] == ["After stage 1: Cat", "After stage 2: Cat"]
    for ax, part in zip(figure.axes, parts, strict=True):
        told, answered = ax.get_lines()
        np.testing.assert_array_equal(told.get_ydata(), part["teacher"])
        np.testing.assert_array_equal(answered.get_ydata(), part["student"])
    assert "0.0123" in figure.axes[1].texts[0].get_text()


def test_a_tag_is_shown_with_scores_attention_and_pull(waveform):
    score, attention, pull = np.array([0.1, 0.9]), np.array([0.25, 0.75]), np.array([0.4, 0.6])
    figure = views.tag_figure(waveform, score, attention, pull, label="Dog", weak=0.7)
    drawn = [ax.patches[0].get_data().values for ax in figure.axes[-3:]]
    for values, expected in zip(drawn, (score, 100 * attention, 100 * pull), strict=True):
        np.testing.assert_allclose(values, expected)
    assert "0.70" in figure.axes[-3].get_title(loc="left")


def test_changed_scores_show_both_and_what_people_wrote():
    before, after = np.zeros((5, 2)), np.full((5, 2), 0.3)
    events = pd.DataFrame({"onset": [1.0, 0.0], "offset": [3.0, 9.0], "label": ["Cat", "Speech"]})
    figure = views.score_change_figure(before, after, ["Dog", "Cat"], events)
    dog, cat = figure.axes
    assert [patch.get_data().values.tolist() for patch in cat.patches] == [[0.0] * 5, [0.3] * 5]
    assert "moved by 0.300" in cat.get_title(loc="left")
    # One bar, from 1 s to 3 s, and none for the dog that nobody wrote down.
    assert [len(ax.collections[0].get_paths()) for ax in (dog, cat)] == [0, 1]
    assert cat.collections[0].get_paths()[0].get_extents().bounds[::2] == (1.0, 2.0)


def test_sureness_is_the_share_of_probabilities_in_each_bin():
    figure = views.sureness_figure({"a": np.array([[0.01, 0.02], [0.03, 0.99]]), "none": np.zeros(0)})
    (steps,) = figure.axes[0].patches
    assert steps.get_data().values[[0, -1]].tolist() == [75.0, 25.0] and steps.get_label() == "a"
    assert "No scores" in views.sureness_figure({}).axes[0].texts[0].get_text()
