"""Presets and settings as people and their programs write them: what no experiment has is one line that helps."""

import json
import os
from importlib import resources

import pytest

from sedlab.config.loading import load_experiment, parse_yaml
from sedlab.errors import SedlabError

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("x=[", "not valid YAML .line 1, column 2"),
        ("x={", "not valid YAML"),
        ("seed=@", "not valid YAML"),
        ("seed=<<", "not valid YAML"),
        ("seed=\x01", "not valid YAML"),
        ("seed=2026-99-99", "not a value .month must be"),
        ("name=2026-01-01", "'2026-01-01' is a date. Put text in quotes"),
        (f"seed={'9' * 5000}", "not a value .Exceeds the limit"),
        (f"seed={'9' * 4000}", "larger than any option"),
        ("stage1.epochs=.inf", "inf is larger than any option"),
        ("stage1.optim.lr=.nan", "nan is larger than any option"),
        (f"seed={'[' * 20_000}", "sections in sections without end"),
        (f"{'.'.join('a' * 5000)}=1", "expected key=value"),
        ('data.root="a\\0b"', "holds characters that no name has"),
        ('data.root="\\ud800"', "holds characters that no name has"),
        ("=1", "expected key=value"),
        (f"{'a' * 5000}=1", "unknown key"),
        ("stage1=5", "stage1 is a section"),
        ("rules=5", "rules: "),
    ],
)
def test_settings_that_no_option_has_are_one_short_line(override, message):
    for more in ([], ["stage1.epochs=2"]):
        with pytest.raises(SedlabError, match=message) as error:
            load_experiment("nano", [override, *more])
        text = str(error.value)
        assert len(text) < 6000 if "unknown key" in text else len(text) < 400
        assert "\n" not in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a mapping of options"),
        (b"[1, 2]", "expected a mapping of options"),
        ("name: é".encode("latin-1"), "not valid YAML"),
        (b"\xff\xfe\xff", "not valid YAML"),
        (b"[" * 20_000, "sections in sections without end"),
        (b"- " * 20_000, "sections in sections without end"),
        (b"a: &a [*a]", "sections in sections without end"),
        (BOMB.encode(), "more than 20000 values"),
        (b"name: x\nseed: 1\nname: y\n", "line 3, column 1: key 'name' occurs twice"),
        (b"a: !!python/object/apply:os.system [id]", "not valid YAML"),
        (b"name: !!binary aGk=", "is a bytes"),
    ],
)
def test_files_that_are_no_preset_are_named(tmp_path, content, message):
    path = tmp_path / "my.yaml"
    path.write_bytes(content)
    with pytest.raises(SedlabError, match=message) as error:
        load_experiment(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value) and len(str(error.value)) < 400


def test_a_preset_may_be_utf_16_and_use_anchors(tmp_path):
    text = "a: &a {x: 1}\nb: {<<: *a, y: é}\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert parse_yaml(text.encode(encoding), "file") == {"a": {"x": 1}, "b": {"x": 1, "y": "é"}}


@pytest.mark.parametrize("name", ["", " ", ".", "..", "/", "a/b", ".hidden", "a\nb", "x" * 201, "é" * 101])
def test_a_run_is_a_folder_of_its_own_in_runs(name):
    with pytest.raises(SedlabError, match=r"name: not a folder name. Give a name"):
        load_experiment("nano", [f"name={json.dumps(name)}"])


def test_a_node_is_refused_in_the_name_of_the_file(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text((resources.files("sedlab") / "presets/nano.yaml").read_text())
    with pytest.raises(SedlabError) as error:
        load_experiment(path, ["stage2.epochz=5"])
    assert str(error.value).startswith(f"{path}, --set stage2.epochz=5, iteration1_stage2_")
    for absent, message in ((tmp_path / "no.yaml", "no such file. Correct the path"), (tmp_path, "unknown preset")):
        with pytest.raises(SedlabError, match=message):
            load_experiment(absent)
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(SedlabError, match=r"is no file but a pipe or device. Name a YAML file"):
        load_experiment(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(SedlabError, match=r"Is a directory\. A file is expected there"):
        load_experiment(tmp_path / "folder.yaml")
