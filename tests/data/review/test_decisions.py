"""Decisions as a table: what counts, what is taken back, what a file may hold."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.data.review.decisions import (
    COLUMNS,
    DECISIONS,
    Decision,
    empty_table,
    latest,
    read_decisions,
    with_decision,
    without_last,
    write_decisions,
)
from sedlab.errors import SedlabError

times = st.integers(0, 400).map(lambda frames: frames * 0.016)


@st.composite
def decisions(draw):
    onset = draw(times)
    decision = draw(st.sampled_from(DECISIONS))
    moved = {"new_onset": onset + 0.01, "new_offset": onset + 0.5} if decision == "moved" else {}
    return Decision(
        subset="strong_train",
        clip_id=draw(st.sampled_from(["one", 'two, "quoted"'])),
        onset=onset,
        offset=onset + draw(times) + 0.1,
        label=draw(st.sampled_from(["Speech", "Dog"])),
        what=draw(st.sampled_from(["reference", "detection", "suspect", "missed"])),
        decision=decision,
        note=draw(st.sampled_from(["", "a door", 'tab\there, "quotes" and é', " two\nlines "])),
        reviewer=draw(st.sampled_from(["ann", "ben"])),
        system=draw(st.sampled_from(["", "ensemble, iteration 2"])),
        **moved,
    )


def told(decision):
    return (*(getattr(decision, name) for name in ("clip_id", "label", "what", "system")), round(decision.onset, 3))


@settings(max_examples=40)
@given(st.lists(decisions() | st.sampled_from(["undo ann", "undo ben"]), max_size=12))
def test_the_last_decision_of_a_person_counts_until_it_is_taken_back(steps):
    table, kept = empty_table(), []
    for step in steps:
        if isinstance(step, str):
            own = [k for k, decision in enumerate(kept) if decision.reviewer == step.split()[1]]
            kept = [decision for k, decision in enumerate(kept) if k not in own[-1:]]
            table = without_last(table, step.split()[1])
        else:
            kept.append(step)
            table = with_decision(table, step)
    assert list(table["decision"]) == [decision.decision for decision in kept]
    key = lambda d: (*told(d), round(d.offset, 3), d.reviewer)  # noqa: E731
    expected = {key(decision): decision.decision for decision in kept}
    found = {
        (row.clip_id, row.label, row.what, row.system, round(row.onset, 3), round(row.offset, 3), row.reviewer): (
            row.decision
        )
        for row in latest(table, by_reviewer=True).itertuples()
    }
    assert found == expected
    assert latest(table, reviewer="ann").equals(latest(table[table["reviewer"] == "ann"]))


@settings(max_examples=25)
@given(st.lists(decisions(), max_size=6))
def test_a_file_reads_back_as_it_was(tmp_path_factory, made):
    table = empty_table()
    for decision in made:
        table = with_decision(table, decision)
    path = tmp_path_factory.mktemp("review") / "review.tsv"
    write_decisions(path, table)
    found = read_decisions(path)
    assert tuple(found.columns) == COLUMNS and len(found) == len(table)
    pd.testing.assert_frame_equal(found.reset_index(drop=True), table, check_dtype=False, atol=1e-6)


def test_a_decision_of_another_person_is_another_row_and_the_last_of_all_counts():
    table = empty_table()
    for reviewer, decision in (("ann", "wrong"), ("ben", "right")):
        made = Decision("devtest", "a", 1.0, 2.0, "Dog", "reference", decision, reviewer=reviewer)
        table = with_decision(table, made)
    assert len(latest(table, by_reviewer=True)) == 2
    assert list(latest(table)["decision"]) == ["right"]


def test_decisions_are_signed_with_the_time():
    made = with_decision(empty_table(), Decision("devtest", "a", np.nan, np.nan, "", "clip", "unsure"))
    assert pd.Timestamp(made["time"].iloc[0]).tzinfo is not None


HEADER = "subset\tclip_id\tonset\toffset\tlabel\twhat\tdecision\tnew_onset\tnew_offset\n"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("devtest\ta\t1\t2\tDog\treference\tcorrect\t\t", "line 3: decision 'correct' is unknown"),
        ("devtest\ta\t1\t2\tDog\tevent\tright\t\t", "line 3: what 'event' is unknown"),
        ("devtest\ta\t1\tsoon\tDog\treference\tright\t\t", "line 3: 'soon' in column 'offset' is not a number"),
        ("devtest\ta\t1\t2\tDog\treference\tmoved\t1\t", "line 3: a moved event without new_onset"),
        ("devtest\ta\t1\t2\tDog\treference\tmoved\t3\t2", "line 3: new_onset and new_offset are no stretch"),
        ("devtest\ta\t2\t1\tDog\treference\tright\t\t", "line 3: an event that ends before it begins"),
        ("devtest\ta\t1\t\tDog\treference\tright\t\t", "line 3: an onset without offset"),
        ("devtest\ta\t\t\tDog\treference\tmoved\t1\t2", "line 3: a moved clip or label"),
        ("devtest\ta\t1\t2\t\treference\tright\t\t", "line 3: no label"),
        ("\ta\t1\t2\tDog\treference\tright\t\t", "line 3: no subset"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(tmp_path, row, message):
    path = tmp_path / "review.tsv"
    path.write_text(f"{HEADER}devtest\ta\t1\t2\tDog\treference\tright\t\t\n{row}\n")
    with pytest.raises(SedlabError) as caught:
        read_decisions(path)
    assert message in str(caught.value) and str(caught.value).startswith(str(path))
