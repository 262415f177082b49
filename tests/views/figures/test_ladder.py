from __future__ import annotations

import numpy as np
import pytest

from sedlab.scoring.results import ladder
from sedlab.views.figures.ladder import class_bars_figure, ladder_figure


def test_ladder_climbs_in_training_order_with_a_line_a_model(results):
    shuffled = results.sample(frac=1, random_state=3)

    left, right = ladder_figure(shuffled).axes

    assert [tick.get_text() for tick in left.get_xticklabels()] == [
        "Iteration 1\nStage 1",
        "Iteration 1\nStage 2",
        "Iteration 2\nStage 1",
        "Iteration 2\nStage 2",
    ]
    lines = {line.get_label(): line for line in left.get_lines() if not line.get_label().startswith("_")}
    assert set(lines) == {"ATST", "Ensemble"}
    np.testing.assert_array_equal(lines["Ensemble"].get_xdata(), [1, 3])
    expected = ladder(results).query("model == 'atst'")["psds1"]
    np.testing.assert_array_equal(lines["ATST"].get_ydata(), expected)
    assert right.get_ylabel() == "mpAUC"


def test_ladder_accepts_the_table_that_ladder_returns(results):
    both = [ladder_figure(table).axes[0].get_lines()[0].get_ydata() for table in (results, ladder(results))]

    np.testing.assert_array_equal(*both)


def test_ladder_without_maestro_says_that_it_was_not_evaluated(results):
    _, right = ladder_figure(results[results["metric"] == "psds1"]).axes

    assert right.texts[0].get_text() == "not evaluated"


def test_ladder_of_one_model_and_one_stage_is_drawn(results):
    one = results.query("iteration == 1 and stage == 'stage1'")

    assert len(ladder_figure(one).axes[0].get_lines()[0].get_xdata()) == 1


def test_class_bars_compare_iterations_of_the_ensemble_and_write_the_change(results):
    ax = class_bars_figure(results).axes[0]

    chosen = results.query("metric == 'psds1' and model == 'ensemble' and label != 'all'")
    values = chosen.pivot(index="label", columns="iteration", values="value")
    assert len(ax.patches) == 2 * len(values)
    labels = [tick.get_text().replace(" ", "_") for tick in ax.get_yticklabels()]
    gains = [float(text.get_text().replace("−", "-")) for text in ax.texts]
    np.testing.assert_allclose(gains, (values[2] - values[1]).loc[labels], atol=0.0006)
    assert labels == list(values[2].sort_values().index)


def test_class_bars_of_a_first_iteration_have_one_bar_a_class(results):
    ax = class_bars_figure(results.query("iteration == 1"), "mpauc").axes[0]

    assert len(ax.patches) == 11
    assert len(ax.texts) == 0


def test_class_bars_keep_classes_without_a_value(results):
    results.loc[(results["label"] == "Dog") & (results["iteration"] == 2), "value"] = np.nan

    ax = class_bars_figure(results).axes[0]

    assert "Dog" in [tick.get_text() for tick in ax.get_yticklabels()]


@pytest.mark.parametrize("model", ["beats", "passt"])
def test_class_bars_of_a_model_that_was_not_evaluated_say_so(results, model):
    assert "evaluate" in class_bars_figure(results, model=model).axes[0].texts[0].get_text()
