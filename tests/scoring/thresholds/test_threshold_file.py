"""The file of chosen thresholds: what is written is read, what does not fit is one line."""

import json

import pytest

from sedlab.errors import SedlabError
from sedlab.scoring.postprocess import Postprocess
from sedlab.scoring.postprocess.csebbs import CsebbsParams, CsebbsSetting
from sedlab.scoring.postprocess.median import MedianParams
from sedlab.scoring.thresholds.file import Thresholds

BOXES = Postprocess.of(CsebbsParams({"Dog": CsebbsSetting(0.32, 0.2), "Cat": CsebbsSetting(0.5, relative=2.0)}))


@pytest.mark.parametrize("name", ["chosen.json", "chosen.yaml"])
@pytest.mark.parametrize(
    "postprocess",
    [None, Postprocess("none"), Postprocess("median"), BOXES, Postprocess.of(MedianParams({"Dog": 0.448}))],
)
def test_what_is_written_is_read(tmp_path, name, postprocess):
    chosen = Thresholds({"Dog": 1 / 3, "Cat": 0.0}, 0.45, postprocess, {"run": "runs/mini"})
    chosen.write(tmp_path / name)
    assert Thresholds.read(tmp_path / name) == chosen


def test_a_mapping_by_hand_is_enough(tmp_path):
    (tmp_path / "hand.yml").write_text("Dog: 0.25\nCat: 1\n")
    assert Thresholds.read(tmp_path / "hand.yml").among(["Cat", "Dog", "Speech"]) == {
        "Cat": 1,
        "Dog": 0.25,
        "Speech": 0.5,
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{", "not JSON"),
        ("a.json", "{}", "holds no threshold"),
        ("a.json", '{"Speech": 1.5}', "thresholds.Speech: Input should be less than or equal to 1"),
        ("a.json", '{"format": "sedlab-csebbs-1"}', "it is for --postprocess"),
        ("a.json", '{"format": "sedlab-thresholds-2"}', "format"),
        ("a.json", '{"format": "sedlab-thresholds-1", "treshold": 0.4}', "treshold"),
        ("a.json", '{"format": "sedlab-thresholds-1", "postprocess": "medan"}', "postprocess"),
        ("a.yaml", "Dog: [1", "a.yaml"),
        ("a.yaml", "- 1", "expected a mapping"),
        ("missing.json", None, "no such file"),
        ("missing.yaml", None, "no such file"),
        ("a.json", "[0.5]", "a.json"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(SedlabError, match=message) as caught:
        Thresholds.read(tmp_path / name)
    assert "\n" not in str(caught.value) and name in str(caught.value)


def test_a_threshold_of_an_unknown_class_is_named(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"Speach": 0.5}))
    with pytest.raises(SedlabError, match=r"a.json: .*'Speach'.*Did you mean 'Speech'"):
        Thresholds.read(tmp_path / "a.json").among(["Speech", "Dog"], "a.json")
