"""Which clips of several score files count, and what is said about the others."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sedlab.commands.frame import match
from sedlab.errors import SedlabError
from sedlab.scoring.scores.inputs import EvaluationScores, GroundTruth

EVENTS = pd.DataFrame(
    [("a", 0.0, 1.0, "Dog", 1.0), ("b", 0.0, 1.0, "Cat", 1.0)],
    columns=["clip_id", "onset", "offset", "label", "confidence"],
)
#: Nothing happens in clips c and d.
TRUTH = GroundTruth(EVENTS, ("a", "b", "c", "d"), soft=False, path=Path("truth.tsv"))


def scores(clip_ids: str) -> EvaluationScores:
    table = pd.DataFrame({"onset": [0.0], "offset": [1.0], "Cat": [0.1], "Dog": [0.9]})
    return EvaluationScores(dict.fromkeys(clip_ids, table), ("Cat", "Dog"), Path(f"{clip_ids}.hdf5"))


def test_clips_without_event_need_no_scores():
    matched = match([scores("ab")], TRUTH, common=False)
    assert matched.truth.clip_ids == ("a", "b") and matched.warnings == []


def test_only_clips_that_every_score_file_has_are_kept_and_the_others_are_counted():
    matched = match([scores("xbac"), scores("bcd")], TRUTH, common=True)
    assert [list(each.tables) for each in matched.scores] == [["b", "c"], ["b", "c"]]
    assert matched.truth.clip_ids == ("b", "c") and set(matched.truth.events["clip_id"]) == {"b"}
    # a and d lack scores in one of the files, x is nowhere annotated.
    assert matched.warnings == ["2 clips without scores are left out.", "1 clips without ground truth are left out."]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("abc", "a", "1 clips without scores in a.hdf5"),
        ("abx", "ab", "1 clips without ground truth"),
        ("x", "ab", "none of its 1 clips"),
    ],
)
def test_clips_on_one_side_only_are_refused(first, second, message):
    for files in ((first, second), (second, first)):
        with pytest.raises(SedlabError, match=message):
            match([scores(clip_ids) for clip_ids in files], TRUTH, common=False)


def test_files_that_share_no_clip_are_refused():
    with pytest.raises(SedlabError, match="none of its 1 clips"):
        match([scores("a"), scores("b")], TRUTH, common=True)
