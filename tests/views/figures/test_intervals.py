from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sedlab.scoring.metrics.comparison import COLUMNS
from sedlab.views.figures.intervals import differences_figure
from sedlab.views.figures.style import MUTED


@pytest.fixture
def table() -> pd.DataFrame:
    """Dog got better for sure, Cat worse for sure, Speech may have moved either way."""
    rows = [
        ("psds1", "all", 0.50, 0.45, 0.55, 0.53, 0.48, 0.58, 0.03, 0.01, 0.05, 0.01, 3),
        ("psds1", "Dog", 0.40, 0.30, 0.50, 0.50, 0.40, 0.60, 0.10, 0.06, 0.14, 0.002, 3),
        ("psds1", "Speech", 0.60, 0.50, 0.70, 0.61, 0.51, 0.71, 0.01, -0.02, 0.04, 0.5, 0),
        ("psds1", "Cat", 0.50, 0.40, 0.60, 0.45, 0.35, 0.55, -0.05, -0.09, -0.01, 0.03, 0),
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_classes_are_sorted_by_their_difference_below_the_metric_itself(table):
    ax = differences_figure(table).axes[0]

    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["Cat", "Speech", "Dog", "all"]
    points = [line.get_xdata()[0] for line in ax.get_lines() if len(line.get_xdata()) == 1]
    assert points == [-0.05, 0.01, 0.10, 0.03]
    texts = [text.get_text() for text in ax.texts]
    assert texts[0] == "0.500 → 0.450"


def test_only_intervals_that_exclude_zero_stand_out(table):
    ax = differences_figure(table).axes[0]

    bars = {tuple(line.get_ydata()): line for line in ax.get_lines() if len(line.get_xdata()) == 2}
    muted = [bars[(place, place)].get_color() == MUTED for place in range(4)]
    assert muted == [False, True, False, False]
    np.testing.assert_array_equal(bars[(1, 1)].get_xdata(), [-0.02, 0.04])


def test_each_metric_has_a_panel_and_names_both_systems(table):
    both = pd.concat([table, table.assign(metric="mpauc")])

    figure = differences_figure(both, a="atst iteration 1", b="atst iteration 2")

    assert [ax.get_title(loc="left") for ax in figure.axes] == ["PSDS1", "mpAUC"]
    assert "ATST iteration 2 − ATST iteration 1" in figure.axes[1].get_xlabel()


def test_class_without_value_keeps_its_place(table):
    table.loc[table["label"] == "Speech", ["difference", "low", "high"]] = np.nan

    ax = differences_figure(table).axes[0]

    assert ax.get_yticklabels()[0].get_text() == "Speech"
    differences_figure(table)._repr_png_()


def test_nothing_to_compare_is_said(table):
    assert "Nothing to compare" in differences_figure(table.iloc[:0]).axes[0].texts[0].get_text()
