"""Every way of post-processing chosen, applied, written and read by `Postprocess`."""

import json

import numpy as np
import pandas as pd
import pytest

from sedlab.data.targets import frame_times
from sedlab.errors import SedlabError
from sedlab.postprocess.decode import detect_events
from sedlab.postprocess.median import median_filter
from sedlab.scoring.postprocess import Postprocess
from sedlab.scoring.postprocess.csebbs import CsebbsParams, CsebbsSetting
from sedlab.scoring.postprocess.median import MedianParams
from sedlab.scoring.scores.tables import score_tables

CLASSES = ("Dog", "Cat")
BOXES = CsebbsParams({"Dog": CsebbsSetting(0.4, 0.2), "Cat": CsebbsSetting(0.5, relative=2.0)})


@pytest.fixture(scope="module")
def probabilities():
    return np.random.default_rng(0).random((156, 2))


@pytest.fixture(scope="module")
def tables(probabilities):
    return score_tables(probabilities[None], ["a"], CLASSES, frame_times())


def test_none_leaves_scores_alone(tables, probabilities):
    post = Postprocess.read("none")
    assert (post.name, post.classes) == ("none", None)
    assert post.scores(tables, ["Dog"]) is tables
    found = post.detect(probabilities, CLASSES, frame_times(), {"Dog": 0.9, "Cat": 0.8})
    pd.testing.assert_frame_equal(found, detect_events(probabilities, CLASSES, frame_times(), [0.9, 0.8]))


def test_median_has_the_published_lengths(tables, probabilities):
    post = Postprocess.read("median")
    assert (post.name, post.classes) == ("median", None)
    filtered = median_filter(probabilities, [5, 9])
    np.testing.assert_array_equal(post.scores(tables)["a"].to_numpy()[:, 2:], filtered)
    np.testing.assert_array_equal(post.scores(tables, ["Cat"])["a"].to_numpy()[:, 2:], filtered[:, 1:])
    found = post.detect(probabilities, CLASSES, frame_times(), 0.55)
    pd.testing.assert_frame_equal(found, detect_events(filtered, CLASSES, frame_times(), 0.55))
    with pytest.raises(SedlabError, match="no median filter length is known for class 'Whistle'"):
        post.detect(probabilities, ("Dog", "Whistle"), frame_times())


def test_tuned_lengths_come_from_a_file(tmp_path, tables, probabilities):
    params = MedianParams({"Dog": 0.448, "Cat": 0.192}, {"scores": "x.hdf5"})
    Postprocess.of(params).write(tmp_path / "tuned.json")
    content = json.loads((tmp_path / "tuned.json").read_text())
    assert content["classes"] == {"Dog": {"seconds": 0.448}, "Cat": {"seconds": 0.192}}
    post = Postprocess.read(tmp_path / "tuned.json")
    assert post == Postprocess("median", params) and post.classes == CLASSES
    filtered = median_filter(probabilities, [7, 3])
    np.testing.assert_array_equal(post.scores(tables)["a"].to_numpy()[:, 2:], filtered)
    found = post.detect(probabilities, CLASSES, frame_times(), 0.55)
    pd.testing.assert_frame_equal(found, detect_events(filtered, CLASSES, frame_times(), 0.55))
    with pytest.raises(SedlabError, match="no column for 1 of 2 classes"):
        post.scores({"a": tables["a"].drop(columns="Cat")})


def test_event_boxes_come_from_a_file(tmp_path, tables, probabilities):
    Postprocess.of(BOXES).write(tmp_path / "boxes.json")
    post = Postprocess.read(str(tmp_path / "boxes.json"))
    assert post == Postprocess("csebbs", BOXES) and post.classes == CLASSES
    pd.testing.assert_frame_equal(post.scores(tables)["a"], BOXES.scores(tables)["a"])
    found = post.detect(probabilities, CLASSES, frame_times(), 0.5)
    boxes = BOXES.detect(probabilities, CLASSES, frame_times())
    pd.testing.assert_frame_equal(found, boxes[boxes["confidence"] > 0.5].reset_index(drop=True))


def test_no_tables_stay_no_tables():
    for post in (Postprocess.read("none"), Postprocess.read("median"), Postprocess.of(BOXES)):
        assert post.scores({}) == {}


def test_boxes_make_the_round_trip_without_infinity_or_nan(tmp_path):
    settings = {"Cat": CsebbsSetting(0.38, np.inf, 2.5), "Dog": CsebbsSetting(0.42, 0.25), "Speech": CsebbsSetting(0.5)}
    params = CsebbsParams(settings, {"scores": "x.hdf5", "value": {"Cat": 0.5, "Dog": float("nan")}})
    path = tmp_path / "csebbs.json"
    Postprocess.of(params).write(path)
    content = json.loads(path.read_text(), parse_constant=lambda token: pytest.fail(f"not JSON: {token}"))
    assert content["classes"]["Cat"] == {"step": 0.38, "absolute": None, "relative": 2.5}
    assert list(content) == ["format", "classes", "provenance"]
    again = Postprocess.read(path).params
    assert again.settings == settings
    assert again.provenance == {"scores": "x.hdf5", "value": {"Cat": 0.5, "Dog": None}}


def test_a_file_of_an_earlier_version_is_read(tmp_path):
    (tmp_path / "p").write_text(
        '{"format": "sedlab-csebbs-1", "classes": {"Cat": {"step": 0.4, "absolute": 0.2, "relative": null}}, '
        '"provenance": {"metric": "single-class PSDS"}}'
    )
    post = Postprocess.read(tmp_path / "p")
    assert post.params == CsebbsParams({"Cat": CsebbsSetting(0.4, 0.2)}, {"metric": "single-class PSDS"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "should be an object"),
        ("{}", "'format'"),
        ('{"format": "x"}', "'x' .*'sedlab-csebbs-1', 'sedlab-median-1'"),
        ('{"format": "sedlab-csebbs-1", "classes": {}}', "classes: .*at least 1 item"),
        ('{"format": "sedlab-csebbs-1", "classes": {"Cat": {"step": -1}}}', "Cat.step: .*greater than 0"),
        ('{"format": "sedlab-csebbs-1", "classes": {"Cat": {"step": 0.4, "absolute": "a"}}}', "Cat.absolute: "),
        ('{"format": "sedlab-csebbs-1", "classes": {"Cat": {"step": 0.4, "relative": NaN}}}', "Cat.relative: "),
        ('{"format": "sedlab-csebbs-1", "classes": {"Cat": {}}}', "missing key .*Cat.step"),
        ('{"format": "sedlab-csebbs-1", "classes": {"Cat": {"step": NaN}}}', "Cat.step: .*finite"),
        ('{"format": "sedlab-median-1", "classes": {"Cat": {"seconds": 0}}}', "classes.Cat: .*greater than 0"),
        ('{"format": "sedlab-median-1", "classes": {"Cat": {}}}', "classes.Cat: .*valid number"),
    ],
)
def test_damaged_files_are_refused(tmp_path, text, message):
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(SedlabError, match=rf"p\.json.*{message}.*sedlab tune") as caught:
        Postprocess.read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("medain", "no such file or method.*Did you mean 'median'"),
        ("csebbs", "needs tuned parameters. Give the file of sedlab tune"),
        ("absent.json", r"absent\.json: no such file.*sedlab tune"),
    ],
)
def test_what_is_not_there_is_refused(how, message):
    with pytest.raises(SedlabError, match=message):
        Postprocess.read(how)
