"""Matrices of cases: cells hold what they count, add up, and agree with slow and obvious counting."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.scoring.errors.cases import find_errors
from sedlab.scoring.errors.changes import CHANGES, error_changes
from sedlab.scoring.errors.kinds import OUTCOMES
from sedlab.scoring.errors.matrices import BETTER, NOTHING, WORSE, change_matrix, confusion_matrix, kind_matrix
from sedlab.scoring.errors.tables import confusions, error_table

COLUMNS = ["clip_id", "label", "onset", "offset"]
EVENTS = [("a", "Dog", 1.0, 3.0), ("a", "Cat", 5.0, 6.0), ("b", "Dog", 0.0, 2.0), ("c", "Speech", 0.0, 9.0)]
FOUND = [
    ("a", "Dog", 1.0, 3.0, 0.6),
    ("a", "Dog", 5.0, 6.0, 0.7),
    ("b", "Dog", 0.5, 2.0, 0.8),
    ("b", "Dog", 8.0, 9.0, 0.6),
    ("c", "Dog", 9.2, 9.4, 0.9),
    ("c", "Dog", 9.5, 10.0, 0.6),
]


def cases(detections, events=EVENTS) -> pd.DataFrame:
    found = pd.DataFrame([(*row, 0.5)[:5] for row in detections], columns=[*COLUMNS, "confidence"])
    wanted = pd.DataFrame(events, columns=COLUMNS)
    times = {"onset": float, "offset": float}
    return find_errors(found.astype(times | {"confidence": float}), wanted.astype(times))


def some(times: int = 4) -> st.SearchStrategy:
    row = st.tuples(
        st.sampled_from("ab"), st.sampled_from(["Dog", "Cat"]), st.integers(0, 8), st.sampled_from([0.5, 1, 3])
    )
    return st.lists(row, max_size=times).map(
        lambda rows: [(clip, label, at, at + long) for clip, label, at, long in rows]
    )


def test_a_cell_holds_its_cases_the_surest_and_longest_first():
    matrix = kind_matrix(cases(FOUND))
    alarms = matrix.of_cell("Dog", "false alarm")
    assert alarms[["clip_id", "onset"]].to_numpy().tolist() == [["c", 9.2], ["b", 8.0], ["c", 9.5]]
    assert (matrix.count("Dog", "false alarm"), matrix.total("Dog", "false alarm")) == (3, 6)
    assert (matrix.count("Dog", "onset late"), matrix.total("Dog", "onset late")) == (1, 2)
    assert matrix.of_cell("all", "any error").equals(matrix.cases.loc[matrix.of_cell("all", "any error").index])
    assert matrix.of_cell("Cat", "missed").empty and matrix.count("nobody", "missed") == 0
    # Most errors first; the cat that was called a dog is told by its event alone.
    assert matrix.rows == ("all", "Dog", "Cat", "Speech")
    assert matrix.table().loc["all"].sum() - matrix.count("all", "any error") == 7


@pytest.mark.parametrize("side", list(OUTCOMES))
def test_kinds_agree_with_the_error_table(side):
    found = cases(FOUND)
    table = error_table(found, "label", side).set_index("label")
    matrix = kind_matrix(found, side)
    kinds = list(OUTCOMES[side])
    assert matrix.table().loc[list(table.index), kinds].equals(table[kinds].rename_axis(None))
    assert [matrix.total(row, kinds[0]) for row in table.index] == table["total"].tolist()


@settings(max_examples=20, deadline=None)
@given(some(), some())
def test_each_event_is_taken_for_one_thing(detections, events):
    found = cases(detections, events)
    matrix = confusion_matrix(found)
    rows = matrix.table().sum(axis=1)
    sounding = found[found["side"] == "event"]["label"].value_counts()
    assert rows.drop(NOTHING, errors="ignore").to_dict() == {
        label: sounding.get(label, 0) for label in matrix.rows if label != NOTHING
    }
    assert all(matrix.total(row, column) == rows[row] for row in matrix.rows for column in matrix.columns)
    for label, taken_for, count in confusions(found).itertuples(index=False):
        assert matrix.count(label, taken_for) == count
    assert matrix.count(NOTHING, "Dog") == sum((found["outcome"] == "false alarm") & (found["label"] == "Dog"))


@settings(max_examples=25, deadline=None)
@given(some(5), some(5), some())
def test_changes_agree_with_a_slow_count(first, second, events):
    before, after = cases(first, events), cases(second, events)
    matrix = change_matrix(error_changes(before, after))
    expected = slow_changes(before, after)
    assert {
        cell: len(places) for cell, places in matrix.members.items() if cell[1] in CHANGES and cell[0] != "all"
    } == {cell: count for cell, count in expected.items() if count}
    for row in matrix.rows:
        count = {name: matrix.count(row, name) for name in matrix.columns}
        assert count[BETTER] == count["fixed"] + count["gone"]
        assert count[WORSE] == count["broken"] + count["new"]
    assert matrix.count("all", "fixed") == sum(expected.get((label, "fixed"), 0) for label in ("Dog", "Cat"))


def slow_changes(before: pd.DataFrame, after: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Event by event, then pair by pair of false detections, the largest shared time first."""
    counts: dict[tuple[str, str], int] = {}

    def count(label: str, change: str) -> None:
        counts[label, change] = counts.get((label, change), 0) + 1

    for row in before[before["side"] == "event"].itertuples():
        now = after[
            (after["side"] == "event") & (after[COLUMNS] == [getattr(row, name) for name in COLUMNS]).all(axis=1)
        ]
        was, is_now = row.outcome == "correct", now["outcome"].item() == "correct"
        count(
            row.label, {(1, 1): "still correct", (0, 1): "fixed", (1, 0): "broken", (0, 0): "still wrong"}[was, is_now]
        )
    false = ("duplicate", "cross-class", "false alarm")
    old, new = (
        list(table[(table["side"] == "detection") & table["outcome"].isin(false)].itertuples())
        for table in (before, after)
    )
    pairs = []
    for i, a in enumerate(old):
        for j, b in enumerate(new):
            shared = min(a.offset, b.offset) - max(a.onset, b.onset)
            shorter = min(a.offset - a.onset, b.offset - b.onset)
            if (a.clip_id, a.label) == (b.clip_id, b.label) and shared >= shorter / 2:
                pairs.append((-shared, i, j))
    same: dict[int, int] = {}
    for _, i, j in sorted(pairs):
        if i not in same and j not in same.values():
            same[i] = j
    for i, row in enumerate(old):
        count(row.label, "still there" if i in same else "gone")
    for j, row in enumerate(new):
        if j not in same.values():
            count(row.label, "new")
    return counts


def test_without_a_case_there_is_no_row():
    nothing = cases([], [])
    assert kind_matrix(nothing).rows == () and change_matrix(error_changes(nothing, nothing)).rows == ()
    assert confusion_matrix(nothing).rows == (NOTHING,)
