"""Figures of errors, calibration, teachers, mask: what they show, and that they say when there is nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sedlab.scoring.audit.change import pseudo_label_change
from sedlab.scoring.audit.masked_mass import masked_mass
from sedlab.scoring.audit.teacher_agreement import teacher_agreement
from sedlab.scoring.errors.cases import find_errors
from sedlab.scoring.errors.changes import change_table, error_changes
from sedlab.scoring.errors.kinds import OUTCOMES
from sedlab.scoring.errors.matrices import kind_matrix
from sedlab.scoring.errors.tables import error_table
from sedlab.scoring.scores.file import ScoreFile
from sedlab.views.figures.agreement import pseudo_label_change_figure, teacher_agreement_figure
from sedlab.views.figures.calibration import calibration_figure, confidence_figure
from sedlab.views.figures.embed import figure_to_png
from sedlab.views.figures.errors import (
    OUTCOME_COLOUR,
    boundary_figure,
    changes_figure,
    confusion_figure,
    error_kinds_figure,
    matrix_figure,
    told,
    told_change,
)
from sedlab.views.figures.pseudo_labels import masked_mass_figure

COLUMNS = ["clip_id", "label", "onset", "offset"]
EVENTS = [("a", "Dog", 1.0, 3.0), ("a", "Cat", 5.0, 6.0), ("b", "Dog", 0.0, 2.0), ("b", "Speech", 4.0, 8.0)]
FOUND = [("a", "Dog", 1.0, 3.5), ("a", "Dog", 5.0, 6.0), ("b", "Dog", 0.0, 2.0), ("b", "Cat", 9.0, 9.5)]
CLIPS = pd.DataFrame({"clip_id": [f"clip{k}" for k in range(6)], "duration": 10.0})


def cases(found) -> pd.DataFrame:
    return find_errors(pd.DataFrame(found, columns=COLUMNS), pd.DataFrame(EVENTS, columns=COLUMNS))


def texts(figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def sums(ax) -> dict[str, float]:
    """Length of all bars of each name."""
    handles, names = ax.get_legend_handles_labels()
    return {name: sum(abs(bar.get_width()) for bar in bars) for bars, name in zip(handles, names, strict=True)}


def test_every_outcome_has_a_colour_of_its_own():
    kinds = {kind for side in OUTCOMES.values() for kind in side}
    assert set(OUTCOME_COLOUR) == kinds and len(set(OUTCOME_COLOUR.values())) == len(kinds)


def test_bars_of_kinds_are_the_counts():
    found = cases(FOUND)
    figure = error_kinds_figure(found)
    for ax, side in zip(figure.axes, ("event", "detection"), strict=True):
        counts = error_table(found, "label", side).iloc[0][list(OUTCOMES[side])]
        assert sums(ax) == {kind: count for kind, count in counts.items() if count}
    assert figure.axes[0].get_title(loc="left") == "Events: 4"
    assert len(figure_to_png(figure)) > 1000


def test_bars_of_kinds_are_drawn_also_where_nothing_was_detected():
    events, detections = error_kinds_figure(cases([])).axes
    assert sums(events) == {"missed": 4} and sums(detections) == {}


def test_confusions_are_counted_in_their_cell():
    figure = confusion_figure(cases([*FOUND, ("b", "Dog", 4.5, 7.0)]))
    assert texts(figure) == ["1", "1"]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["Cat", "Dog", "Speech"]


def test_boundaries_show_the_median():
    titles = [ax.get_title(loc="left") for ax in boundary_figure(cases(FOUND)).axes]
    assert titles[:2] == ["Onset, median +0.00 s", "Offset, median +0.25 s"]


def test_the_picture_has_the_medians_of_the_table():
    events = pd.DataFrame([("a", "Dog", 0.0, 10.0), ("b", "Dog", 0.0, 10.0)], columns=COLUMNS)
    # One of the two lies beyond what is shown: cut off before the median, the picture would say -1.25.
    found = find_errors(events.assign(offset=[6.9, 9.5]), events)
    (said,) = error_table(found, "label").query("label == 'Dog'")["offset_deviation"]
    figure = boundary_figure(found)
    assert said == pytest.approx(-1.8)
    assert figure.axes[1].get_title(loc="left") == "Offset, median -1.80 s"
    assert figure.axes[3].lines[0].get_xdata() == pytest.approx([said])


def test_changes_grow_to_both_sides():
    table = change_table(error_changes(cases(FOUND), cases([*EVENTS[:2], ("a", "Speech", 8.0, 9.0)])))
    figure = changes_figure(table)
    assert sums(figure.axes[0]) == {
        "event fixed": 2,
        "false detection gone": 2,
        "event broken": 1,
        "false detection new": 1,
    }
    assert sum(int(text) for text in texts(figure)) == 2


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (lambda: error_kinds_figure(cases([]).iloc[:0]), "Nothing was annotated"),
        (lambda: confusion_figure(cases(EVENTS)), "No event was found under another name"),
        (lambda: boundary_figure(cases([])), "No event was found by a detection"),
        (lambda: changes_figure(change_table(error_changes(cases(FOUND), cases(FOUND)))), "No event was fixed"),
        (lambda: teacher_agreement_figure(pd.DataFrame(columns=["first", "second", "label"])), "ensemble of one"),
    ],
)
def test_nothing_to_show_is_said(figure, words):
    assert any(words in text for text in texts(figure()))


def test_calibration_has_a_picture_a_class_with_its_error(audit):
    errors = {"all": 0.05, "Speech": 0.0, "Dog": 0.125, "Cat": np.nan}
    per_class = audit.per_class.assign(calibration_error=audit.per_class["label"].map(errors))
    figure = calibration_figure(type(audit)(**{**vars(audit), "per_class": per_class}))
    titles = [ax.get_title(loc="left") for ax in figure.axes if ax.get_visible()]
    assert titles == ["all classes\nECE 0.050", "Speech\nECE 0.000", "Dog\nECE 0.125"]
    speech = figure.axes[1].lines[1]
    np.testing.assert_allclose(speech.get_xdata(), speech.get_ydata())


def test_precision_and_recall_are_drawn_for_marked_classes(audit):
    curve = pd.DataFrame({"threshold": [0.25, 0.75], "detected": 5, "precision": [0.5, 0.9], "recall": [0.8, 0.4]})
    rows = pd.concat([curve.assign(label=label) for label in ("all", "Speech", "Dog")])
    figure = confidence_figure(type(audit)(**{**vars(audit), "by_confidence": rows}))
    assert [list(line.get_ydata()) for line in figure.axes[1].lines] == [[0.5, 0.9], [0.8, 0.4]]


def test_agreement_of_teachers_is_a_cell_a_pair_and_class(scores):
    twin = ScoreFile(scores.clip_ids, scores.logits, scores.classes, scores.frame_times)
    table = teacher_agreement({"atst": scores, "beats": twin}, CLIPS, ["Cat", "Dog", "car"])
    figure = teacher_agreement_figure(table)
    # Nobody ever hears a car: no kappa, no number.
    assert texts(figure) == ["1.00", "1.00", "1.00"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["ATST and BEATs"]


def test_change_and_mask_are_shares_of_what_there_is(scores):
    louder = ScoreFile(scores.clip_ids, scores.logits + 0.5, scores.classes, scores.frame_times)
    figure = pseudo_label_change_figure(pseudo_label_change(scores, louder, CLIPS, ["Cat", "Dog"]))
    shares = sums(figure.axes[0])
    assert shares["only in the first"] == 0 and sum(shares.values()) == pytest.approx(200)
    masked = masked_mass_figure(masked_mass({"maestro_train": scores}))
    assert any("% masked" in text for text in texts(masked))
    bars = sums(masked.axes[0])
    # Cats and dogs are not MAESTRO's.
    assert bars["masked"] > 10 * bars["learnt"]


def test_a_case_is_told_in_words():
    words = [told(case) for _, case in cases(FOUND).query("side == 'event'").iterrows()]
    assert "Dog 1.00 to 3.00 s (event), offset late by 0.50 s" in words
    assert "Cat 5.00 to 6.00 s (event), cross-class: detected as Dog" in words


def test_a_change_is_told_in_words():
    words = [told_change(case) for _, case in error_changes(cases(EVENTS), cases(FOUND)).iterrows()]
    assert "Cat 5.00 to 6.00 s (event), broken: correct, now cross-class" in words
    assert "Cat 9.00 to 9.50 s (detection), new: not there, now false alarm" in words


def test_a_matrix_writes_its_numbers():
    figure = matrix_figure(kind_matrix(cases(FOUND)), title="Errors")
    assert texts(figure).count("1") > 5 and [ax.get_title(loc="left") for ax in figure.axes] == ["Errors"]
