"""The error inspector without a browser: controls are set from Python, the state is read back."""

from __future__ import annotations

import pandas as pd
import pytest

from sedlab.errors import SedlabError
from sedlab.scoring.errors.cases import find_errors
from sedlab.views import ClipView, ErrorInspector
from sedlab.views.figures.errors import told

COLUMNS = ["clip_id", "label", "onset", "offset"]
EVENTS = [("a", "Dog", 1.0, 3.0), ("a", "Cat", 5.0, 6.0), ("b", "Dog", 0.0, 2.0)]
FOUND = [("a", "Dog", 1.5, 3.0), ("a", "Dog", 5.0, 6.0), ("b", "Dog", 0.0, 2.0), ("b", "Cat", 9.0, 9.5)]


@pytest.fixture
def cases() -> dict[str, pd.DataFrame]:
    events = pd.DataFrame(EVENTS, columns=COLUMNS)
    return {"A": find_errors(pd.DataFrame(FOUND, columns=COLUMNS), events), "B": find_errors(events, events)}


@pytest.fixture
def load(waveform):
    return lambda system, case: ClipView(waveform[:16000], title=f"{system}/{case['clip_id']}/{case['outcome']}")


def test_it_opens_with_the_errors_of_the_first_system(cases, load):
    inspector = ErrorInspector(cases, load)
    # A pair of event and detection is one case.
    assert inspector.selection["outcome"].tolist() == ["onset late", "cross-class", "false alarm"]
    assert inspector.view.title == "A/a/onset late"


def test_class_and_kind_narrow_the_list(cases, load):
    inspector = ErrorInspector(cases, load)
    inspector.kind.value = "false alarm"
    assert inspector.view.title == "A/b/false alarm"
    inspector.label.value = "Dog"
    assert inspector.selection.empty and inspector.view is None and inspector.player.layout.display == "none"
    inspector.kind.value = "cross-class"
    # The cat was called a dog: it is among the dog's cases too.
    assert inspector.selection["label"].tolist() == ["Cat"]
    inspector.system.value = "B"
    inspector.kind.value = "correct"
    assert len(inspector.selection) == 2 and inspector.view.title.startswith("B/")


def test_keys_go_on_and_stop_at_the_ends(cases, load):
    inspector = ErrorInspector(cases, load)
    for _ in range(5):
        inspector._follow(str(min(inspector.position.value + 1, inspector.position.max)))
    assert inspector.case["outcome"] == "false alarm"
    inspector._follow(str(inspector.position.value - 1))
    assert inspector.case["outcome"] == "cross-class"


def test_a_case_is_chosen_from_the_list_and_the_list_follows_the_keys(cases, load):
    inspector = ErrorInspector(cases, load)
    inspector.chosen.value = 2
    assert inspector.view.title == "A/b/false alarm"
    inspector._follow(str(inspector.position.value - 1))
    assert inspector.chosen.value == 1 and inspector.view.title == "A/a/cross-class"


def test_a_case_is_told_in_words(cases):
    words = [told(case) for _, case in cases["A"].query("side == 'event'").iterrows()]
    assert "Dog 1.00 to 3.00 s (event), onset late by 0.50 s" in words
    assert "Cat 5.00 to 6.00 s (event), cross-class: detected as Dog" in words


def test_an_error_of_the_loader_is_shown(cases):
    def fail(system, case):
        raise SedlabError("devtest.hdf5: no such scores yet. Run `sedlab run`.")

    assert "no such scores yet" in ErrorInspector(cases, fail).message.value


def test_nothing_to_show_says_what_to_run(load):
    empty = find_errors(pd.DataFrame(columns=COLUMNS), pd.DataFrame(columns=COLUMNS))
    assert "sedlab run mini" in ErrorInspector({"A": empty}, load).message.value
