"""`sedlab data CORPUS check`: a table, a page, a JSON file, and the exit status."""

import json
import re
import shutil

import pytest
from faulty_corpus import CLIPS, append, audio, build_sound
from typer.testing import CliRunner

from sedlab.cli import app
from sedlab.commands.corpora.check import run_check
from sedlab.data.corpora.layout import SUBSETS


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return build_sound(tmp_path_factory.mktemp("corpora"))


def check(*arguments):
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


def test_a_sound_corpus_is_status_0_and_gets_a_page(root):
    done = check("check", "--root", root)
    assert done.exit_code == 0, done.output
    rows = {cells[0]: cells[1:] for line in done.stdout.splitlines() if (cells := line.replace("│", " ").split())}
    assert rows["devtest"][:3] == ["5", "5", "1,168"] and rows["own_train"][:2] == ["2", "2"]
    assert "0 errors, 0 warnings, 0 notes. Training would be right." in done.stdout
    assert all(name in done.stdout for name in SUBSETS)
    page = (root / "check.html").read_text()
    assert "Nothing was found that is wrong" in page and page.count("<svg") >= 3


def test_a_wrong_label_is_status_1_and_told_everywhere(root, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(root, broken)
    stem = CLIPS["strong_train"][0]
    append(broken, "strong_train", f"{stem}.wav 1.0 2.0 <b>Speach", f"{stem}.wav 12.0 13.0 Cat")
    audio(broken, "strong_train", CLIPS["strong_train"][1]).write_bytes(b"")
    page, told = tmp_path / "page.html", tmp_path / "told.json"
    done = check("desed", "check", "--root", broken, "--html", page, "--json", told)
    assert done.exit_code == 1
    assert "3 errors, 0 warnings, 0 notes. Training would be wrong." in done.stdout
    assert "Not there" not in done.stdout
    assert "audioset_strong.tsv line 9 (Cat 12.0-13.0)" in done.stdout and "own_train" not in done.stdout
    document = json.loads(told.read_text())
    assert document["findings_by_severity"]["error"] == 3 and document["clips"]["devtest"]["found"] == 5
    assert {row["kind"] for row in document["findings"]} == {"empty", "unknown class", "outside"}
    (sets,) = [row for row in document["sets"] if row["subset"] == "external_strong_train"]
    assert sets["found"] == 1 and sets["published"] is None
    text = page.read_text()
    assert "Training would be wrong" in text and "<b>Speach" not in text
    # The clip is drawn with the events of its table, and can be heard; nothing is loaded from elsewhere.
    assert text.count("data:audio/mpeg;base64,") == 1 and "data:image/png;base64," in text
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', text)


def test_a_corpus_that_cannot_be_written_to_is_checked_all_the_same(root, tmp_path, capsys, monkeypatch):
    def refuse(path, text):
        from sedlab.errors import SedlabError

        raise SedlabError(f"{path}: cannot be written (Read-only file system).")

    monkeypatch.setattr("sedlab.report.corpus_check.write_text", refuse)
    run_check(root, "maestro")
    told = capsys.readouterr()
    assert "Training would be right" in told.out and "--html FILE names another place" in told.err


def test_no_such_root_is_one_line(tmp_path):
    done = check("audioset", "check", "--root", tmp_path / "nothing")
    assert done.exit_code == 1 and "no such data folder" in str(done.exception)


def test_a_corpus_that_is_not_there_at_all_is_one_name(root, tmp_path):
    part = tmp_path / "part"
    shutil.copytree(root / "own", part / "own")
    shutil.rmtree(part / SUBSETS["own_unlabeled"].audio, ignore_errors=True)
    told = check("check", "--root", part).stdout
    assert "Not there: all of desed, all of maestro, all of audioset, own_" in told
    assert "own_unlabeled" in told and "synth_train" not in told
