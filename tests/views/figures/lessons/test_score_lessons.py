"""Filters, averages, guesses: lessons about scores that can be checked by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from sedlab import views

TIMES = np.arange(41) * 0.064


def test_a_long_window_leaves_nothing_of_a_short_event():
    scores = np.full(40, 0.1)
    scores[20:24] = 0.9
    figure = views.filter_lengths_figure(scores, TIMES, (20 * 0.064, 24 * 0.064), (1, 7, 9))
    said = [ax.get_title(loc="left").split("\n")[1] for ax in figure.axes]
    assert said == ["finds 1.28 to 1.54 s", "finds 1.28 to 1.54 s", "finds nothing"]


def test_both_ways_to_average_are_told_apart():
    logits = {"passt": -5.0, "beats": -4.0, "atst": 1.0}
    names = [text.get_text() for text in views.ensembling_figure(logits).axes[0].get_legend().get_texts()]
    values = np.array(list(logits.values()))
    assert names[-2:] == [
        f"mean of logits: {expit(values.mean()):.2f}",
        f"mean of probabilities: {expit(values).mean():.2f}",
    ]
    assert names[:3] == ["fPaSST: 0.01", "BEATs: 0.02", "ATST: 0.73"]


def test_bars_of_what_people_said_fill_the_whole():
    table = pd.DataFrame({"subset": ["a", "b"], "clips": [2, 3], "every frame": [0.4, 0.0], "nothing": [0.6, 1.0]})
    ax = views.label_reach_figure(table).axes[0]
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches]
    assert max(ends) == 100 and [text.get_text() for text in ax.texts] == ["2", "3"]


def test_a_guess_stands_beside_what_the_run_says():
    table = pd.DataFrame({"step": ["stage 2", "ensemble"], "guess": [0.1, 0.0], "gain": [0.05, -0.01]})
    ax = views.guesses_figure(table).axes[0]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([0.05, -0.01])
    assert list(ax.get_lines()[0].get_xdata()) == [0.1, 0.0]
    assert [text.get_text() for text in ax.texts] == ["+0.050", "−0.010"]
    assert "none of the steps" in views.guesses_figure(table.iloc[:0]).axes[0].texts[0].get_text()
