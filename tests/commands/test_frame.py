"""Which clips of several score files count, and what is said about the others."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sedlab.commands.frame import match, read_frame
from sedlab.commands.options import class_names
from sedlab.data.tsv import write_tsv
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
    assert matched.warnings == ["2 clips without scores are left out.", "1 clip without ground truth is left out."]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("abc", "a", "1 clip without scores in a.hdf5"),
        ("abx", "ab", "1 clip without ground truth"),
        ("x", "ab", "holds 1 clip "),
    ],
)
def test_clips_on_one_side_only_are_refused(first, second, message):
    for files in ((first, second), (second, first)):
        with pytest.raises(SedlabError, match=message):
            match([scores(clip_ids) for clip_ids in files], TRUTH, common=False)


def test_files_that_share_no_clip_are_refused():
    with pytest.raises(SedlabError, match="holds 1 clip "):
        match([scores("a"), scores("b")], TRUTH, common=True)


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        (["Bark, dog"], ("Bark, dog",)),
        (['"Bark, dog",Cat'], ("Bark, dog", "Cat")),
        (['Cat, "Bark, dog"'], ("Cat", "Bark, dog")),
        (["Cat", "Bark, dog"], ("Cat", "Bark, dog")),
        (["Cat,Dog", "Cat"], ("Cat", "Dog")),
        (['12" mix'], ('12" mix',)),
        (None, ()),
    ],
)
def test_classes_are_chosen_by_lists_quotes_and_repetition(given, chosen):
    assert class_names(given, ("Cat", "Dog", "Bark, dog", '12" mix')) == chosen


@pytest.mark.parametrize("given", [[""], [" , "], ['""']])
def test_a_list_without_a_class_is_not_all_of_them(given):
    with pytest.raises(SedlabError, match=r"--classes: names no class. Name one, or leave the option out"):
        class_names(given, ("Cat", "Dog"))


def test_names_with_quotation_marks_and_commas_go_through_what_is_written_and_read(tmp_path):
    label = 'Bark, "loud"'
    write_tsv(tmp_path / "scores" / '12" mix.tsv', pd.DataFrame({"onset": [0.0], "offset": [1.0], label: [1.0000001]}))
    # What macOS leaves beside a file on a foreign disk.
    (tmp_path / "scores" / '._12" mix.tsv').write_bytes(b"\0\5\x16\7")
    event = {"filename": ['12" mix.wav'], "onset": [0.0], "offset": [0.5], "event_label": [label]}
    write_tsv(tmp_path / "truth.tsv", pd.DataFrame(event))
    write_tsv(tmp_path / "durations.tsv", pd.DataFrame({"filename": ['12" mix.wav'], "duration": [1.0]}))
    files = tmp_path / "truth.tsv", tmp_path / "durations.tsv"
    frame = read_frame([tmp_path / "scores"], *files, classes=[label])
    assert frame.classes == (label,) and frame.durations == {'12" mix': 1.0}
    assert frame.tables[0]['12" mix'][label].tolist() == [1.0]
