"""Whole files or none."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from sedlab.errors import SedlabError
from sedlab.files import atomic_path, read_json, write_json, write_text, write_text_if_changed


def test_an_error_leaves_the_old_file_and_no_temporary_one(tmp_path):
    path = tmp_path / "scores.tsv"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_unchanged_text_keeps_the_time_stamp(tmp_path):
    path = tmp_path / "config.yaml"
    assert write_text_if_changed(path, "a")
    before = path.stat().st_mtime_ns
    assert not write_text_if_changed(path, "a")
    assert path.stat().st_mtime_ns == before
    assert write_text_if_changed(path, "b")


def test_an_unwritable_place_is_a_user_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SedlabError, match="cannot be written"):
        write_text(tmp_path / "file" / "below.txt", "x")


def test_a_full_disk_is_a_user_error_and_leaves_nothing(tmp_path):
    path = tmp_path / "big.bin"
    with pytest.raises(SedlabError, match="No space left"), atomic_path(path) as temporary:
        temporary.write_bytes(b"half")
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


class Note(BaseModel):
    """A small file."""

    name: str
    value: float | None = None


def test_a_model_reads_back_as_it_was_written(tmp_path):
    write_json(tmp_path / "note.json", Note(name="a", value=float("inf")))
    assert read_json(tmp_path / "note.json", Note, "") == Note(name="a", value=float("inf"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "no such file"),
        ("{", "not JSON (EOF while parsing"),
        ("{}", "missing key name."),
        ('{"name": "a", "value": "x"}', "value: Input should be a valid number"),
    ],
)
def test_a_file_that_does_not_fit_is_named_in_one_line_with_the_remedy(tmp_path, text, problem):
    path = tmp_path / "note.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SedlabError) as error:
        read_json(path, Note, "Write it again.")
    assert str(error.value).startswith(f"{path}: {problem}") and str(error.value).endswith(" Write it again.")
    assert "\n" not in str(error.value)
