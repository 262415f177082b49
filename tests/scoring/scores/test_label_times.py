"""Labels outside their clips: many are refused with the likely cause, whose remedy helps; few are told."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scoring_material import REAL

from sedlab.errors import SedlabError
from sedlab.scoring.scores.inputs import GroundTruth, read_durations, read_ground_truth
from sedlab.scoring.scores.label_times import UNITS, duration_notes, label_time_notes


@pytest.fixture(scope="module")
def truth() -> GroundTruth:
    return read_ground_truth(REAL / "metadata" / "ground_truth.tsv")


@pytest.fixture(scope="module")
def ends() -> dict[str, float]:
    return read_durations(REAL / "metadata" / "audio_durations.tsv")


def moved(truth: GroundTruth, *, times: float = 1.0, onset: float = 0.0, offset: float = 0.0) -> GroundTruth:
    events = truth.events
    return replace(
        truth, events=events.assign(onset=events["onset"] * times + onset, offset=events["offset"] * times + offset)
    )


def refusal(truth: GroundTruth, ends, scored) -> str:
    with pytest.raises(SedlabError) as error:
        label_time_notes(truth, ends, scored)
    assert "\n" not in str(error.value) and str(error.value).startswith(str(truth.path))
    return str(error.value)


def test_published_labels_are_taken_as_they_are(truth, ends):
    assert label_time_notes(truth, ends, ends) == []
    # A few hundredths of a second over the end are usual, half a second is the limit.
    assert label_time_notes(moved(truth, offset=0.4), ends, ends) == []
    assert label_time_notes(moved(truth, offset=90.0), {}, {}) == []


@pytest.mark.parametrize(("name", "of_a_second"), UNITS)
def test_times_in_another_unit_are_refused_and_dividing_them_helps(truth, ends, name, of_a_second):
    wrong = moved(truth, times=of_a_second)
    message = refusal(wrong, ends, ends)
    (divisor,) = re.findall(rf"may be .*{name} \(divide by ([\d.]+)\)", message)
    assert label_time_notes(moved(wrong, times=1 / float(divisor)), ends, ends) == []


def test_every_unit_that_fits_is_named_also_per_cent(truth, ends):
    length = truth.events["clip_id"].map(ends)
    wrong = replace(
        truth, events=truth.events.assign(**{c: truth.events[c] / length * 100 for c in ("onset", "offset")})
    )
    assert "or per cent of the clip (divide by 100, times its seconds)" in refusal(wrong, ends, ends)
    message = refusal(moved(truth, times=16000), ends, ends)
    assert "16 kHz (divide by 16000) or samples at 22.05 kHz (divide by 22050)" in message and "per cent" not in message


@pytest.mark.parametrize("factor", [1 / 60, 1 / 10, 1 / 1000])
def test_times_in_a_larger_unit_are_told(truth, ends, factor):
    (note,) = label_time_notes(moved(truth, times=factor), ends, ends)
    assert "all 2765 events end in the first" in note and "Check that labels, and durations, are in seconds." in note


@pytest.mark.parametrize("change", [{"offset": 3.0}, {"onset": 3.0, "offset": 3.0}, {"onset": 120.0, "offset": 120.0}])
def test_late_times_are_refused_without_a_wrong_guess(truth, ends, change):
    message = refusal(moved(truth, **change), ends, ends)
    assert "may be shifted" in message and "may be frames" not in message and "divide" not in message
    assert re.search(r"\d+ of 2765 events end after their clip \(first: '\w+' in \S+, [\d.]+ to [\d.]+ s of", message)


@pytest.mark.parametrize("factor", [1 / 60, 1 / 1000, 0.3])
def test_durations_that_are_too_short_are_told_from_late_labels(truth, ends, factor):
    short = {clip_id: seconds * factor for clip_id, seconds in ends.items()}
    assert "give the durations of these clips, in seconds" in refusal(truth, short, ends)


def test_single_rows_are_told_and_the_others_scored(truth, ends):
    events = truth.events.copy()
    events.loc[[5, 700], "offset"] = 14.0
    (note,) = label_time_notes(replace(truth, events=events), ends, ends)
    assert "2 of 2765 events end after their clip" in note and events["clip_id"][5] in note


def test_durations_in_milliseconds_are_told(ends):
    scored = dict.fromkeys(ends, 9.984)
    path = Path("durations.tsv")
    assert duration_notes(path, ends, scored) == []
    (note,) = duration_notes(path, ends, {name: 1000 * seconds for name, seconds in scored.items()})
    assert "end long before their scores" in note and "the times of scores" in note
    (note,) = duration_notes(path, {name: 1000 * seconds for name, seconds in ends.items()}, scored)
    assert note.startswith(f"durations.tsv: {len(ends)} of {len(ends)} clips") and "scores to 9.984 s" in note


def test_any_shift_and_unit_is_found_on_clips_of_any_length():
    rng = np.random.default_rng(0)
    for length in (3.0, 10.0, 60.0, 600.0):
        clip_ids = [f"c{k}" for k in range(40)]
        onset = rng.uniform(0, length, 200)
        offset = onset + (length - onset) * rng.uniform(0.2, 1, 200)
        columns = {"clip_id": rng.choice(clip_ids, 200), "onset": onset, "offset": offset, "label": "Dog"}
        truth = GroundTruth(pd.DataFrame(columns).assign(confidence=1.0), tuple(clip_ids), False, Path("t.tsv"))
        ends = dict.fromkeys(clip_ids, length)
        assert label_time_notes(truth, ends, ends) == []
        assert "may be shifted" in refusal(moved(truth, onset=length / 3, offset=length / 3), ends, ends)
        assert "milliseconds (divide by 1000)" in refusal(moved(truth, times=1000.0), ends, ends)
