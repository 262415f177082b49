"""`sedlab data desed youtube|missing|exclude`, `sedlab data audioset youtube`: what a person sees."""

import sys

import numpy as np
import pandas as pd
import pytest
import soundfile
from standin_ytdlp import standin
from typer.testing import CliRunner

from sedlab.cli import app
from sedlab.data.acquisition import cutting
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.tsv import write_tsv

NAMES = [f"Y{letter * 11}_30.000_40.000.wav" for letter in "abc"]


@pytest.fixture
def root(tmp_path):
    for subset, names in {"devtest": NAMES[:1], "strong_train": NAMES[:2], "weak_train": NAMES[1:]}.items():
        write_tsv(tmp_path / SUBSETS[subset].table, pd.DataFrame({"filename": names}))
    folder = tmp_path / "audio/validation/validation"
    folder.mkdir(parents=True)
    (folder / NAMES[0]).touch()
    return tmp_path


def call(*words, status=0):
    done = CliRunner().invoke(app, ["data", *map(str, words)])
    assert done.exit_code == status, (done.output, done.exception)
    return done.output if status == 0 else str(done.exception)


def test_what_is_wanted_is_told_before_anything_is_asked_for(root):
    page = call("desed", "youtube", "--root", root, "--dry-run")
    rows = {line.split("│")[1].strip(): line.split("│")[2:6] for line in page.splitlines() if line.startswith("│")}
    assert {name: [int(cell) for cell in row] for name, row in rows.items()} == {
        "validation": [1, 1, 0, 0],
        "weak": [2, 0, 0, 2],
        "strong_label_real": [2, 0, 0, 2],
    }
    assert "4 clips to ask for, one every 2 s or more: at least 10 s" in page
    assert "nothing" not in call("desed", "youtube", "--root", root, "--set", "validation")
    assert "sedlab data audioset download" in call("audioset", "youtube", "--root", root, status=1)


def test_programs_that_are_not_there_are_named(root, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setitem(sys.modules, "yt_dlp", None)
    said = call("desed", "youtube", "--root", root, status=1)
    assert said.startswith("ffmpeg: not on the path") and "\n" not in said
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert call("desed", "youtube", "--root", root, status=1).startswith("yt-dlp is not installed")


def test_what_came_and_what_did_not_is_told(root, monkeypatch, tmp_path):
    sound = tmp_path / "sound.wav"
    soundfile.write(sound, np.zeros(40 * 1000), 1000)
    videos = {"b" * 11: sound, "c" * 11: "Sign in to confirm your age. This video may be inappropriate for some users."}
    monkeypatch.setitem(sys.modules, "yt_dlp", standin(videos))
    monkeypatch.setattr(cutting, "find_ffmpeg", lambda named: None)
    page = call("desed", "youtube", "--root", root, "--sleep", 0)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in page.splitlines() if line.startswith("│")]
    assert rows[-2:] == [
        ["weak", "2", "0", "1", "0", "1", "0", "0"],
        ["strong_label_real", "2", "0", "1", "0", "0", "1", "0"],
    ]
    assert "cookies-from-browser of a browser that is signed in" in page and "sedlab data desed missing" in page
    assert (root / f"audio/train/weak/{NAMES[1]}").is_file() and soundfile.info(
        root / f"audio/train/weak/{NAMES[1]}"
    ).frames == 10_000
    assert "Nothing to ask for." in call("desed", "youtube", "--root", root)


def test_the_request_is_printed_with_where_to_send_it(root):
    page = call("desed", "missing", "--root", root)
    assert "strong_label_real       2 of      2" in page and "validation              0 of      1" in page
    assert "project.inria.fr/desed" in page and "4 of them were not asked for yet" in page
    assert len(pd.read_csv(root / "missing/desed_missing.tsv", sep="\t")) == 4


def test_substitutes_are_written_with_how_many_clips_each(root):
    page = call("desed", "exclude", "--root", root)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in page.splitlines() if line.startswith("│")]
    assert rows == [
        ["strong_train", "devtest", "1", "0", "1", "substitute written"],
        ["weak_train", "strong_train", "1", "0", "1", "substitute written"],
    ]
    (root / "metadata/exclude/weak_exclude.tsv").write_text("filename\n")
    assert "own list stays" in call("desed", "exclude", "--root", root)
    assert "--force replaces" not in call("desed", "exclude", "--root", root, "--force")
    assert "sedlab data desed download" in call("desed", "exclude", "--root", root / "elsewhere", status=1)
