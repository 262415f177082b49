"""The error browser by itself: without a desk to open clips at, it still counts, lists, steps and saves."""

from __future__ import annotations

import pandas as pd
import pytest

from sedlab.errors import SedlabError
from sedlab.scoring.errors.cases import find_errors
from sedlab.scoring.errors.setting import Setting
from sedlab.views import ErrorExplorer

COLUMNS = ["clip_id", "label", "onset", "offset"]
EVENTS = [("a", "Dog", 1.0, 3.0), ("a", "Cat", 5.0, 6.0), ("b", "Dog", 0.0, 2.0)]
FOUND = [("a", "Dog", 1.5, 3.0), ("a", "Dog", 5.0, 6.0), ("b", "Dog", 0.0, 2.0), ("b", "Cat", 9.0, 9.5)]


@pytest.fixture
def systems():
    events = pd.DataFrame(EVENTS, columns=COLUMNS)
    found = pd.DataFrame(FOUND, columns=COLUMNS)
    return {"A": lambda setting: find_errors(found, events), "B": lambda setting: find_errors(events, events)}


def test_a_cell_lists_its_cases_and_buttons_step_through_them(systems):
    errors = ErrorExplorer(systems)
    assert errors.case is None and errors.cases.layout.display == "none"
    errors.open_cell("all", "any error")
    # The cat that was called a dog is told once, by its event.
    assert sorted(errors.selection["outcome"]) == ["cross-class", "false alarm", "onset late"]
    for _ in range(5):
        errors.cases.next.click()
    assert errors.cases.next.disabled and errors.cases.chosen.value == 2 and "3 of 3 cases" in errors.cases.count.value
    errors.cases.chosen.value = 0
    assert errors.case["outcome"] == errors.selection["outcome"].iloc[0] and errors.cases.back.disabled
    errors.open_cell("Cat", "cross-class")
    assert errors.cases.chosen.options[0][0].startswith("Cat 5.00 to 6.00 s (event), cross-class: detected as Dog")


def test_confusions_and_changes(systems):
    errors = ErrorExplorer(systems, other="B")
    errors.choose(table="taken for")
    errors.open_cell("Cat", "Dog")
    assert errors.selection["onset"].tolist() == [5.0]
    assert errors.other.layout.display == "none"
    errors.choose(system="B", table="changes", other="A")
    assert errors.other.layout.display == "" and errors.selection.empty
    with pytest.raises(SedlabError, match=r"a: not to be chosen here\. One of: A, B"):
        errors.choose(system="a")
    errors.open_cell("Dog", "fixed")
    assert errors.cases.chosen.options[0][0].startswith("Dog 1.00 to 3.00 s (event), fixed: onset late, now correct")


def test_the_line_that_shows_it_again_is_that_of_the_cell(systems):
    called = []
    errors = ErrorExplorer(
        systems, setting=Setting.of(0.4, {"Dog": 0.2}), call=lambda **what: called.append(what) or "line"
    )
    errors.open_cell("Dog", "onset late")
    assert errors.copy.call == "line"
    again = ErrorExplorer(systems)
    assert again.at(**called[-1]) is again
    assert again.matrix.cell == ["Dog", "onset late"] and again.selection.equals(errors.selection)
    assert again.setting == errors.setting


def test_files_hold_the_cases_and_the_table(systems, monkeypatch):
    errors = ErrorExplorer(systems)
    saved = {}
    monkeypatch.setattr(errors.matrix, "offer", lambda name, mime, data: saved.update({name: data}))
    errors.open_cell("all", "false alarm")
    for button in errors.files:
        button.click()
    assert errors.message.value == ""
    table, picture, drawing = saved.values()
    assert next(iter(saved)) == "errors_A_kinds_of_errors_all_false_alarm.tsv"
    assert table.decode().splitlines()[1].startswith("b\tdetection\tCat\t9.0\t9.5")
    assert picture.startswith(b"\x89PNG") and b"<svg" in drawing and b"xmlns" in drawing


def test_an_error_of_a_system_is_shown(systems):
    def fail(setting):
        raise SedlabError("devtest.hdf5: no such scores yet. Run `sedlab run`.")

    assert "no such scores yet" in ErrorExplorer({"A": fail}).message.value


def test_nothing_to_show_is_said():
    assert "sedlab run mini" in ErrorExplorer({}).message.value
    nothing = pd.DataFrame(columns=COLUMNS)
    errors = ErrorExplorer({"A": lambda setting: find_errors(nothing, nothing)})
    assert errors.matrix.content["rows"] == [] and "0 of 0 events" in errors.told.value


def test_what_stays_of_it_is_the_table(systems):
    pictures = [part for part in ErrorExplorer(systems).still() if isinstance(part, bytes)]
    assert len(pictures) == 1
