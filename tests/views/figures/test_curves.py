from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.scoring.metrics.psds import PsdRoc, PsdsResult
from sedlab.views.figures.learning_curves import learning_curves_figure
from sedlab.views.figures.psd_roc import psd_roc_figure


def _result(efpr, etpr) -> PsdsResult:
    return PsdsResult(
        0.5, {"Dog": 0.4}, PsdRoc(np.array(efpr), np.array(etpr)), {"Dog": PsdRoc(np.array(efpr), np.array(etpr))}
    )


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0, 200), st.floats(0, 1)), min_size=1, max_size=20, unique_by=lambda point: point[0])
)
def test_psd_roc_is_the_staircase_whose_area_is_the_score(points):
    efpr, etpr = (np.sort(values) for values in zip(*points, strict=True))

    line = psd_roc_figure({"atst": _result(efpr, etpr)}).axes[0].get_lines()[0]
    x, y = line.get_data()

    assert line.get_drawstyle() == "steps-post"
    assert x[0] == 0
    assert x[-1] == 100
    # A reference that adds one rectangle after the other.
    inside = efpr <= 100
    borders = [*efpr[inside], 100.0]
    area = sum(height * (right - left) for height, left, right in zip(etpr[inside], borders, borders[1:], strict=False))
    assert np.sum(y[:-1] * np.diff(x)) == pytest.approx(area, abs=1e-9)


def test_psd_roc_names_models_with_their_score(psds_result):
    ax = psd_roc_figure({"atst": psds_result, "ensemble": psds_result}, title="devtest").axes[0]

    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["ATST   0.550", "Ensemble   0.550"]
    assert ax.get_title(loc="left") == "devtest"


def test_psd_roc_of_one_class_leaves_out_models_that_lack_it(psds_result):
    ax = psd_roc_figure({"atst": psds_result, "beats": _result([0.0], [0.5])}, label="Speech").axes[0]

    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["ATST   0.600"]
    assert "Speech" in ax.get_title(loc="left")


def test_iterations_of_a_model_share_its_colour_and_differ_in_dash(psds_result):
    names = ("ensemble iteration 1", "ensemble iteration 2", "atst iteration 2")

    lines = psd_roc_figure(dict.fromkeys(names, psds_result)).axes[0].get_lines()

    assert lines[0].get_color() == lines[1].get_color() != lines[2].get_color()
    assert lines[0].get_linestyle() != lines[1].get_linestyle()


def test_learning_curves_pair_student_and_teacher_and_skip_empty_cells(history):
    figure = learning_curves_figure(history)

    panels = {ax.get_title(loc="left"): ax for ax in figure.axes if ax.axison}
    assert list(panels) == [
        "Loss and its parts",
        "Validation: PSDS1",
        "Validation: selection objective",
        "Learning rate",
    ]
    student, teacher = panels["Validation: PSDS1"].get_lines()
    assert (student.get_label(), teacher.get_label()) == ("student", "teacher")
    np.testing.assert_array_equal(student.get_xdata(), [9, 19, 29, 39])
    assert np.isfinite(student.get_ydata()).all()


def test_the_axis_of_losses_ends_where_they_do_however_many_parts_there_are(history):
    for place in range(9):
        history[f"loss/part_{place}"] = history["loss/total"] * 10.0**-place
    history["loss/pseudo"] = 0.0

    ax = learning_curves_figure(history).axes[0]

    assert ax.get_yscale() == "log"
    assert ax.get_ylim()[1] < 2 * history["loss/total"].max()
    assert ax.get_ylim()[0] > 1e-5 * history["loss/total"].max()
    assert "pseudo" not in [text.get_text() for text in ax.get_legend().get_texts()]


def test_validation_panels_say_what_was_measured_where_and_by_whom(history):
    table = history.rename(
        columns={"val/student_psds1": "val/psds1_synth_val", "val/teacher_psds1": "val/teacher/psds1_synth_val"}
    )

    panel = next(ax for ax in learning_curves_figure(table).axes if "PSDS1" in ax.get_title(loc="left"))

    assert panel.get_ylabel() == "PSDS1, synth_val"
    assert [line.get_label() for line in panel.get_lines()] == ["student", "teacher"]


def test_learning_curves_of_several_runs_draw_a_line_for_each(history):
    figure = learning_curves_figure({"atst": history, "passt": history.drop(columns="loss/strong")})

    total = figure.axes[0]
    assert [line.get_label() for line in total.get_lines()] == ["ATST", "fPaSST"]


def test_long_losses_are_averaged_not_sampled(rng):
    loss = rng.random(10_000)
    table = pd.DataFrame({"step": np.arange(10_000), "loss/total": loss})

    values = learning_curves_figure(table).axes[0].get_lines()[0].get_ydata()

    assert len(values) == 250
    assert values.mean() == pytest.approx(loss.mean())


@pytest.mark.parametrize("column", ["loss/total", "val/objective"])
def test_learning_curves_need_only_one_column(column):
    figure = learning_curves_figure(pd.DataFrame({column: [3.0, 2.0, 1.0]}))

    np.testing.assert_array_equal(figure.axes[0].get_lines()[0].get_xdata(), [0, 1, 2])


def test_other_columns_alone_are_said_to_be_no_history():
    figure = learning_curves_figure(pd.DataFrame({"step": [1, 2]}))

    assert "no loss" in figure.axes[0].texts[0].get_text()
