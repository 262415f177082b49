"""Whole files or none."""

from __future__ import annotations

import os
import select
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

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


def test_a_device_is_written_to_and_stays_one(tmp_path):
    before = [Path(name).stat()[:2] for name in ("/dev/null", "/dev/full")]
    (tmp_path / "link").symlink_to("/dev/null")
    for place in ("/dev/null", tmp_path / "link"):
        write_text(place, "x")
    with pytest.raises(SedlabError, match=r"/dev/full: cannot be written \(No space left on device\)"):
        write_text("/dev/full", "x")
    assert [Path(name).stat()[:2] for name in ("/dev/null", "/dev/full")] == before
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/fd/1", "link"])
@pytest.mark.parametrize("to_file", [False, True])
def test_what_stdout_leads_to_receives_the_content(tmp_path, place, to_file):
    if place == "link":
        (tmp_path / "link").symlink_to("/dev/stdout")
    program = f"from sedlab.files import write_text; print(1, flush=True); write_text({place!r}, '2\\n'); print(3)"
    with (tmp_path / "out").open("w") as out:
        arguments = {"stdout": out} if to_file else {"stdout": subprocess.PIPE}
        done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, text=True, check=True, **arguments)
    found = (tmp_path / "out").read_text() if to_file else done.stdout
    assert found == "1\n2\n3\n"


def test_a_pipe_is_filled_and_one_that_nobody_reads_does_not_stop_us(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SedlabError, match=r"pipe: cannot be written .* Start what reads from it first"):
        write_text(tmp_path / "pipe", "x")
    reading, received = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK), []
    os.set_blocking(reading, True)
    text = "x" * 200_000  # more than a pipe holds

    def read():
        select.select([reading], [], [], 120)  # until somebody writes: before that, a pipe looks like one at its end
        received.append(os.fdopen(reading).read())

    reader = threading.Thread(target=read)
    writer = threading.Thread(target=write_text, args=(tmp_path / "pipe", text))
    reader.start()
    writer.start()
    writer.join(120)
    reader.join(120)
    assert received == [text]


def test_what_is_no_place_for_a_file_is_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    socket.socket(socket.AF_UNIX).bind(str(tmp_path / "socket"))
    (tmp_path / "file").touch()
    for name, problem in [
        ("folder", "is a folder"),
        ("socket", "is a device or socket"),
        ("loop", "Its links lead in a circle"),
        ("file/below", "A folder is expected there"),
        ("n" * 300, "Choose a shorter name"),
        ("a\0b", "is no name of a file"),
        ("\ud800", "is no name of a file"),
    ]:
        with pytest.raises(SedlabError, match=problem) as caught:
            write_text(tmp_path / name, "x")
        assert "\n" not in str(caught.value)
    assert {one.name for one in tmp_path.iterdir()} == {"folder", "loop", "socket", "file"}


@pytest.mark.parametrize("name", ["n" * 255, "é" * 120 + ".json", "a." + "b" * 253])
def test_the_longest_names_can_be_written(tmp_path, name):
    write_text(tmp_path / name, "x")
    assert [one.name for one in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755])
def test_a_link_and_the_permissions_of_its_target_stay(tmp_path, mode):
    (tmp_path / "below").mkdir()
    target = tmp_path / "below" / "scores.json"
    target.write_text("old")
    target.chmod(mode)
    (tmp_path / "link").symlink_to("below/scores.json")
    with atomic_path(tmp_path / "link") as temporary:
        assert temporary.stat().st_mode & 0o077 == 0, "others could read it while it is written"
        temporary.write_text("new")
    assert (tmp_path / "link").is_symlink() and target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == mode
    (tmp_path / "dangling").symlink_to("below/other.json")
    write_text(tmp_path / "dangling", "x")
    assert (tmp_path / "below" / "other.json").read_text() == "x" and (tmp_path / "dangling").is_symlink()


def test_a_new_file_has_the_permissions_of_any_other_and_the_umask_is_left_alone(tmp_path, monkeypatch):
    before = os.umask(0o027)
    try:
        monkeypatch.setattr(os, "umask", None)  # it is the process's: another thread would make files meanwhile
        write_text(tmp_path / "new", "x")
    finally:
        monkeypatch.undo()
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


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


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        '{"a":' * 20_000,
        '{"name": 5, "value": 1}',
        f'{{"name": "a", "value": "{"x" * 100_000}"}}',
        f'{{"name": "a", "value": {"9" * 5000}}}',
        f'{{"name": {"9" * 4000}, "value": 1}}',
        '{"name": "a", "value": ["\\u202e"]}',
        "null",
    ],
)
def test_json_of_another_shape_is_one_short_printable_line(tmp_path, text):
    (tmp_path / "note.json").write_text(text)
    with pytest.raises(SedlabError) as error:
        read_json(tmp_path / "note.json", Note, "Write it again.")
    line = str(error.value)
    assert line.startswith(f"{tmp_path / 'note.json'}: ") and line.endswith(" Write it again.")
    assert line.isprintable() and len(line) < 400
