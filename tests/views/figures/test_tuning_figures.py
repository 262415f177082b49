import numpy as np
import pytest

from sedlab.scoring.postprocess.csebbs import CsebbsParams, CsebbsSetting
from sedlab.scoring.postprocess.median import MedianParams
from sedlab.scoring.tuning.choice import Tuning
from sedlab.scoring.tuning.csebbs import PUBLISHED_GRID
from sedlab.views.figures.tuning import csebbs_tuning_figure, median_tuning_figure


@pytest.fixture
def csebbs_tuning():
    values = np.random.default_rng(0).random((3, 8, 16)) / 2
    values[0, 2, 9] = values[1, 7, 0] = 0.9
    values[2] = np.nan
    settings = {
        "Cat": CsebbsSetting(PUBLISHED_GRID.steps[2], np.inf, PUBLISHED_GRID.relative[1]),
        "Electric_shaver_toothbrush": CsebbsSetting(PUBLISHED_GRID.steps[7], PUBLISHED_GRID.absolute[0]),
        "Dog": CsebbsSetting(PUBLISHED_GRID.steps[0], PUBLISHED_GRID.absolute[0]),
    }
    best = {"Cat": 0.9, "Electric_shaver_toothbrush": 0.9, "Dog": float("nan")}
    return Tuning(CsebbsParams(settings), best, PUBLISHED_GRID, values)


def test_the_ring_marks_the_chosen_setting(csebbs_tuning):
    figure = csebbs_tuning_figure(csebbs_tuning)
    rings = [ax.lines[0].get_xydata()[0].tolist() for ax in figure.axes if ax.lines]
    assert rings == [[9, 2], [0, 7], [0, 0]]
    titles = [ax.get_title(loc="left") for ax in figure.axes if ax.get_visible()]
    assert titles[1].startswith("Electric shaver toothbrush\n") and titles[2] == "Dog\nno event"
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), csebbs_tuning.values[0])
    figure.canvas.draw()


def test_the_ring_marks_the_chosen_length():
    values = np.array([[0.1, 0.5, 0.3], [np.nan] * 3])
    tuning = Tuning(MedianParams({"Cat": 0.192, "Dog": 0.064}), {"Cat": 0.5, "Dog": float("nan")}, (1, 3, 5), values)
    figure = median_tuning_figure(tuning)
    curve, ring = figure.axes[0].lines
    assert curve.get_xdata().tolist() == [1, 3, 5] and ring.get_xydata().tolist() == [[3.0, 0.5]]
    assert len(figure.axes[1].lines) == 1
    figure.canvas.draw()
