"""The kinds of errors: each on a clip made for it, and what must hold for any clip."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.errors import SedlabError
from sedlab.scoring.errors.cases import find_errors
from sedlab.scoring.errors.detections import detected_events
from sedlab.scoring.errors.kinds import BOUNDARY, DETECTION, EVENT, OUTCOMES
from sedlab.scoring.metrics.events import CountedEvents, merge_touching
from sedlab.scoring.metrics.fscores import fscores
from sedlab.scoring.scores.tables import score_tables

COLUMNS = ["clip_id", "label", "onset", "offset"]
LABELS = ("Dog", "Speech", "Cat")


def table(*rows) -> pd.DataFrame:
    """Rows (label, onset, offset) of clip "a", or (clip, label, onset, offset)."""
    filled = [row if len(row) == 4 else ("a", *row) for row in rows]
    return pd.DataFrame(filled, columns=COLUMNS).astype({"onset": float, "offset": float})


def outcomes(detections, events) -> tuple[list[str], list[str]]:
    """Outcomes of detections and of events, each in the order of time."""
    cases = find_errors(table(*detections), table(*events))
    return tuple(cases.loc[cases["side"] == side, "outcome"].tolist() for side in (DETECTION, EVENT))


@pytest.mark.parametrize(
    ("detections", "events", "expected"),
    [
        pytest.param([("Dog", 1, 3)], [("Dog", 1, 3)], (["correct"], ["correct"]), id="the same"),
        pytest.param([("Dog", 1.2, 3.4)], [("Dog", 1, 3)], (["correct"], ["correct"]), id="on both collars"),
        pytest.param([("Dog", 1.5, 3)], [("Dog", 1, 3)], (["onset late"], ["onset late"]), id="onset late"),
        pytest.param([("Dog", 0.5, 3)], [("Dog", 1, 3)], (["onset early"], ["onset early"]), id="onset early"),
        pytest.param([("Dog", 1, 3.5)], [("Dog", 1, 3)], (["offset late"], ["offset late"]), id="offset late"),
        pytest.param([("Dog", 1, 2.5)], [("Dog", 1, 3)], (["offset early"], ["offset early"]), id="offset early"),
        # 0.5 s at the onset are 2.5 collars, 0.8 s at the offset of a ten second event 0.4.
        pytest.param([("Dog", 0.5, 9.2)], [("Dog", 0, 10)], (["onset late"], ["onset late"]), id="farther in collars"),
        pytest.param([], [("Dog", 1, 3)], ([], ["missed"]), id="missed"),
        pytest.param([("Dog", 1, 3)], [], (["false alarm"], []), id="false alarm"),
        pytest.param([("Dog", 5, 6)], [("Dog", 1, 3)], (["false alarm"], ["missed"]), id="elsewhere"),
        pytest.param([("Cat", 1, 3)], [("Dog", 1, 3)], (["cross-class"], ["cross-class"]), id="cross-class"),
        # Less than half of the detection lies in the event.
        pytest.param([("Cat", 1, 9)], [("Dog", 1, 3)], (["false alarm"], ["missed"]), id="long alarm over an event"),
        # The dog was found: the cat cannot be it.
        pytest.param(
            [("Cat", 1, 3), ("Dog", 1, 3)], [("Dog", 1, 3)], (["false alarm", "correct"], ["correct"]), id="dog and cat"
        ),
        pytest.param(
            [("Dog", 0, 4), ("Dog", 6, 10)], [("Dog", 0, 10)], (["fragmented"] * 2, ["fragmented"]), id="fragmented"
        ),
        pytest.param([("Dog", 0, 9)], [("Dog", 0, 3), ("Dog", 6, 9)], (["merged"], ["merged"] * 2), id="merged"),
        # Correct for the long event, and over the short one as well.
        pytest.param(
            [("Dog", 0, 9)], [("Dog", 0, 8), ("Dog", 8.5, 9)], (["correct"], ["correct", "merged"]), id="hit and merged"
        ),
        pytest.param(
            [("Dog", 0, 3), ("Dog", 1, 2)], [("Dog", 0, 3)], (["correct", "duplicate"], ["correct"]), id="duplicate"
        ),
        pytest.param(
            [("Dog", 0, 2), ("Dog", 0.2, 2)],
            [("Dog", 0, 4)],
            (["offset early", "duplicate"], ["offset early"]),
            id="duplicate of a boundary error",
        ),
    ],
)
def test_kind_of_error(detections, events, expected):
    assert outcomes(detections, events) == expected


def test_deviations_are_signed_and_counterparts_are_named():
    cases = find_errors(table(("Dog", 1.5, 2.75), ("Cat", 5, 6)), table(("Dog", 1, 3), ("Speech", 5, 6.5)))
    dog = cases[cases["label"] == "Dog"]
    assert dog["onset_deviation"].tolist() == [0.5, 0.5] and dog["offset_deviation"].tolist() == [-0.25, -0.25]
    assert sorted(dog["other_onset"]) == [1.0, 1.5]
    cat = cases[cases["label"] == "Cat"].iloc[0]
    assert (cat["outcome"], cat["other_label"], cat["other_offset"]) == ("cross-class", "Speech", 6.5)
    assert np.isnan(cat["onset_deviation"])


def test_another_clip_explains_nothing():
    cases = find_errors(table(("a", "Dog", 1, 3)), table(("b", "Dog", 1, 3)))
    assert sorted(cases["outcome"]) == ["false alarm", "missed"]


def test_touching_events_are_one():
    assert outcomes([("Dog", 0, 4)], [("Dog", 0, 2), ("Dog", 2, 4)]) == (["correct"], ["correct"])


def test_only_chosen_classes_take_part():
    cases = find_errors(table(("Cat", 1, 3)), table(("Dog", 1, 3)), classes=["Dog"])
    assert cases["outcome"].tolist() == ["missed"]


def test_nothing_on_both_sides_gives_an_empty_table():
    assert find_errors(table(), table()).empty


def test_weak_labels_are_refused():
    with pytest.raises(SedlabError, match=r"events: 'Dog' in clip 'a'.*strongly labelled"):
        find_errors(table(("Dog", 1, 3)), table(("Dog", np.nan, np.nan)))


times = st.lists(st.integers(0, 100), min_size=2, max_size=2, unique=True).map(
    lambda pair: [t / 10 for t in sorted(pair)]
)
rows = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(LABELS), times).map(lambda row: (row[0], row[1], *row[2])),
    max_size=12,
)


@settings(max_examples=40)
@given(rows, rows)
def test_every_row_has_one_outcome_and_pairs_agree(detections, events):
    cases = find_errors(table(*detections), table(*events))
    counts = {
        DETECTION: len(detections),
        EVENT: len(merge_touching(table(*events), ["clip_id"])),
    }
    for side, total in counts.items():
        part = cases[cases["side"] == side]
        assert len(part) == total and part["outcome"].isin(OUTCOMES[side]).all()
    for outcome in ("correct", "cross-class", *BOUNDARY):
        pairs = cases[cases["outcome"] == outcome]
        own = pairs.loc[pairs["side"] == EVENT, ["clip_id", "label", "onset", "other_label", "other_onset"]]
        other = pairs.loc[pairs["side"] == DETECTION, ["clip_id", "other_label", "other_onset", "label", "onset"]]
        assert sorted(own.itertuples(index=False, name=None)) == sorted(other.itertuples(index=False, name=None))
    alone = cases["outcome"].isin(["missed", "false alarm"])
    assert (cases.loc[alone, "other_label"] == "").all() and (cases.loc[~alone, "other_label"] != "").all()


@settings(max_examples=40)
@given(rows, rows, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(detections, events, random):
    wanted = find_errors(table(*detections), table(*events))
    random.shuffle(detections)
    random.shuffle(events)
    pd.testing.assert_frame_equal(find_errors(table(*detections), table(*events)), wanted)


@settings(max_examples=40)
@given(rows)
def test_perfect_detections_are_all_correct(events):
    merged = merge_touching(table(*events), ["clip_id"])
    cases = find_errors(merged, merged)
    assert (cases["outcome"] == "correct").all()
    assert (cases[["onset_deviation", "offset_deviation"]].to_numpy(float) == 0).all()


single = st.tuples(st.floats(0, 4), st.floats(1.5, 5)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@settings(max_examples=40)
@given(single)
def test_changing_a_perfect_detection_gives_the_error_of_that_name(event):
    onset, offset = event
    middle = (onset + offset) / 2
    truth = [("Dog", onset, offset)]
    assert outcomes([("Dog", onset + 0.5, offset)], truth)[1] == ["onset late"]
    assert outcomes([("Dog", onset, middle - 0.1), ("Dog", middle + 0.1, offset)], truth)[1] == ["fragmented"]
    assert outcomes([("Cat", onset, offset)], truth)[1] == ["cross-class"]
    parts = [("Dog", onset, middle - 0.1), ("Dog", middle + 0.1, offset)]
    assert outcomes(truth, parts)[1] == ["merged", "merged"]


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8])
def test_correct_cases_are_the_true_positives_of_collar_based_f1(synthetic60, threshold):
    # Clips without event are left out of the metric, and so here.
    annotated = set(synthetic60.events["clip_id"])
    scores = score_tables(synthetic60.probabilities, synthetic60.clip_ids, synthetic60.classes, synthetic60.times)
    scores = {clip_id: rows for clip_id, rows in scores.items() if clip_id in annotated}
    cases = find_errors(detected_events(scores, synthetic60.classes, threshold), synthetic60.events)
    metric, _ = fscores(CountedEvents.of(scores, synthetic60.events, {}, synthetic60.classes), threshold=threshold)
    correct = cases["outcome"] == "correct"
    for label in metric.per_class:
        of_class = cases["label"] == label
        events, detections = (correct[of_class & (cases["side"] == side)] for side in (EVENT, DETECTION))
        if len(events):
            assert metric.recall[label] == pytest.approx(events.mean())
            assert not len(detections) or metric.precision[label] == pytest.approx(detections.mean())
