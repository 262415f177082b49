"""Counts of cases add up, and changes between two systems are those that were made."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.errors import SedlabError
from sedlab.scoring.errors.cases import find_errors
from sedlab.scoring.errors.changes import CHANGES, change_table, error_changes
from sedlab.scoring.errors.kinds import DETECTION, EVENT, OUTCOMES
from sedlab.scoring.errors.tables import clip_table, confusions, error_table, system_table

COLUMNS = ["clip_id", "label", "onset", "offset"]
EVENTS = [("a", "Dog", 1.0, 3.0), ("a", "Cat", 5.0, 6.0), ("b", "Dog", 0.0, 2.0), ("c", "Speech", 0.0, 9.0)]
FOUND = [("a", "Dog", 1.0, 3.0), ("a", "Dog", 5.0, 6.0), ("b", "Dog", 0.5, 2.0), ("c", "Cat", 1.0, 1.5)]


def cases(detections, events=EVENTS):
    tables = (pd.DataFrame(rows, columns=COLUMNS).astype({"onset": float}) for rows in (detections, events))
    return find_errors(*tables)


@pytest.fixture(scope="module")
def found():
    return cases(FOUND)


@pytest.mark.parametrize("by", ["label", "clip_id"])
@pytest.mark.parametrize("side", [EVENT, DETECTION])
def test_outcomes_add_up(found, by, side):
    table = error_table(found, by, side)
    assert (table[list(OUTCOMES[side])].sum(axis=1) == table["total"]).all()
    counts = table.iloc[1:][["total", *OUTCOMES[side]]].sum()
    assert table.iloc[0][by] == "all" and table.iloc[0]["total"] == 4
    assert counts.tolist() == table.iloc[0][["total", *OUTCOMES[side]]].tolist()


def test_errors_of_each_class_are_counted(found):
    table = error_table(found, "label").set_index("label")
    assert table.loc["Dog", ["total", "correct", "onset late", "correct_rate"]].tolist() == [2, 1, 1, 0.5]
    assert table.loc["Dog", "onset_deviation"] == 0.25
    assert table.loc["Cat", "cross-class"] == 1
    assert pd.isna(table.loc["Cat", "onset_deviation"])
    # The cat's half second lies in the missed speech.
    assert table.loc["Speech", "cross-class"] == 1


def test_clips_with_most_errors_come_first(found):
    table = clip_table(cases([*FOUND, ("b", "Cat", 7.0, 8.0), ("b", "Cat", 9.0, 9.5)]))
    assert table["clip_id"].tolist() == ["b", "a", "c"]
    assert table.iloc[0][["events", "correct", "wrong_events", "false_detections"]].tolist() == [1, 0, 1, 2]
    assert table.iloc[0]["worst"] == "false alarm"
    assert clip_table(cases(EVENTS))["worst"].tolist() == ["", "", ""]


def test_confusions_say_what_was_taken_for_what(found):
    assert confusions(found).to_numpy().tolist() == [["Cat", "Dog", 1], ["Speech", "Cat", 1]]


def test_systems_stand_side_by_side(found):
    table = system_table({"first": found, "perfect": cases(EVENTS)})
    assert table["system"].tolist() == ["first", "perfect"]
    assert table["correct"].tolist() == [1, 4]


def test_changes_are_those_that_were_made(found):
    # The dog of clip a is lost, that of clip b repaired; the cat is still called a dog, a new alarm comes.
    after = cases([("a", "Dog", 5.1, 6.0), ("b", "Dog", 0.0, 2.0), ("b", "Speech", 8.0, 9.0)])
    changes = error_changes(found, after)
    made = set(changes[["clip_id", "side", "label", "change"]].itertuples(index=False, name=None))
    assert made == {
        ("a", "event", "Dog", "broken"),
        ("a", "event", "Cat", "still wrong"),
        ("a", "detection", "Dog", "still there"),
        ("b", "event", "Dog", "fixed"),
        ("b", "detection", "Speech", "new"),
        ("c", "event", "Speech", "still wrong"),
        ("c", "detection", "Cat", "gone"),
    }
    still = changes[changes["change"] == "still wrong"].set_index("label")
    assert still.loc["Speech", ["before", "after"]].tolist() == ["cross-class", "missed"]
    by_label = change_table(changes).set_index("label")
    assert by_label.loc["Dog", ["fixed", "broken", "net"]].tolist() == [1, 1, 0]
    assert by_label.loc["all", ["gone", "new", "net"]].tolist() == [1, 1, 0]
    assert change_table(changes, "clip_id")["clip_id"].tolist()[0] == "all"


rows = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(("Dog", "Cat")), st.integers(0, 80), st.integers(1, 20)).map(
        lambda row: (row[0], row[1], row[2] / 10, (row[2] + row[3]) / 10)
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=40)
@given(rows, rows)
def test_changes_turn_round_with_the_systems(first, second):
    before, after = cases(first), cases(second)
    forth, back = (change_table(error_changes(*pair)).set_index("label") for pair in ((before, after), (after, before)))
    opposite = {"fixed": "broken", "broken": "fixed", "gone": "new", "new": "gone"}
    for change in CHANGES:
        assert forth.loc["all", change] == back.loc["all", opposite.get(change, change)]
    assert forth.loc["all", "net"] == -back.loc["all", "net"]
    same = change_table(error_changes(before, before)).set_index("label").loc["all"]
    assert same[["fixed", "broken", "gone", "new"]].sum() == 0


def test_different_ground_truth_is_refused(found):
    with pytest.raises(SedlabError, match="different events: 1 are on one side only"):
        error_changes(found, cases(FOUND, EVENTS[:-1]))
