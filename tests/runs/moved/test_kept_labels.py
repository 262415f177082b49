"""What a run keeps of its corpus reads back as it was, whatever clips and classes are called."""

from __future__ import annotations

from dataclasses import replace

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from scoring_material import make_corpus

from sedlab.data.tables import CLIP_COLUMNS, EVENT_COLUMNS
from sedlab.errors import SedlabError
from sedlab.labels import LabelSpace
from sedlab.runs.moved.about import has_labels, kept_labels, read_about
from sedlab.runs.moved.clips import MovedClips, clip_file
from sedlab.runs.moved.labels import keep_labels, read_labels

#: As Python has the name of a file whose bytes are no UTF-8.
NO_UTF8 = "caf\udce9"


def test_labels_of_own_classes_read_back_as_they_were(tmp_path):
    names = ["plain", " blank before", "tab\tin it", 'a "quoted" one', "caf\u00e9 \U0001f426", r"\xe9t\xe9", NO_UTF8]
    clips = [{"subset": "own_test", "clip_id": name, "audio": f"{name}.wav"} for name in names]
    events = [("own_test", name, 0.1, 1 / 3, "Wren, eurasian", 1.0) for name in names[:-1]]
    events.append(("own_weak", "tagged", float("nan"), float("nan"), "Robin", 1.0))
    clips.append({"subset": "own_weak", "clip_id": "tagged", "audio": "tagged.wav"})
    corpus = replace(make_corpus(clips, events, root=tmp_path), space=LabelSpace(("Robin", "Wren, eurasian"), False))
    keep_labels(tmp_path, corpus, None)
    assert has_labels(tmp_path)
    found = read_labels(tmp_path, tmp_path)
    assert_frame_equal(found.clips, corpus.clips[list(CLIP_COLUMNS)], check_dtype=False)
    assert_frame_equal(found.events, corpus.events[list(EVENT_COLUMNS)], check_dtype=False)
    assert read_about(tmp_path).space == corpus.space == found.space
    assert {"corpus/own_test.tsv", "corpus/own_test_durations.tsv"} <= set(kept_labels(tmp_path))
    # What is kept already is not written again.
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in kept_labels(tmp_path)}
    keep_labels(tmp_path, corpus, None)
    assert before == {name: (tmp_path / name).stat().st_mtime_ns for name in kept_labels(tmp_path)}


@given(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=300), min_size=2, unique=True))
def test_each_clip_has_a_file_of_its_own_that_any_disk_can_hold(names):
    files = [clip_file("devtest", name) for name in names]
    assert len(set(files)) == len(names)
    for file in files:
        last = file.rpartition("/")[2]
        assert file.count("/") == 3
        assert last.isascii()
        assert last.isprintable()
        assert len(last) < 255
        assert not last.startswith(".")


def test_a_clip_whose_name_is_no_utf_8_has_a_file():
    assert clip_file("devtest", NO_UTF8) == "corpus/clips/devtest/caf%ED%B3%A9.flac"


def test_a_file_that_is_no_clip_is_told(tmp_path):
    path = tmp_path / clip_file("devtest", "a")
    path.parent.mkdir(parents=True)
    soundfile.write(path, [[0.0, 0.0]], 8_000, format="FLAC")
    with pytest.raises(SedlabError, match="Open the pack again"):
        MovedClips(tmp_path).read("devtest", "a")
