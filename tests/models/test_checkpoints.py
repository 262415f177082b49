"""Checkpoints: round trips, and one readable line for every file that is none."""

from __future__ import annotations

import json

import pytest
import torch

from sedlab.config.model import ARCHS
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES
from sedlab.models.checkpoints import (
    DETECTOR_FORMAT,
    load_classes,
    load_detector,
    load_networks,
    load_tagger,
    load_transformer,
    save_detector,
    save_networks,
    save_tagger,
)
from sedlab.models.pretraining import FrameTagger


@pytest.mark.parametrize("arch", ARCHS)
def test_a_detector_comes_back_as_it_was(tmp_path, make_detector, noise, arch):
    detector = make_detector(arch)
    save_detector(tmp_path / "a.pt", detector)
    loaded = load_detector(tmp_path / "a.pt")
    assert loaded.config == detector.config
    assert not loaded.training
    features = detector.features(noise(2, 1))
    assert torch.equal(loaded(*features)[0].logits, detector(*features)[0].logits)
    assert load_classes(tmp_path / "a.pt") == CLASSES


def test_student_and_teacher_are_told_apart(tmp_path, make_detector):
    student, teacher = make_detector("atst"), make_detector("atst")
    torch.nn.init.ones_(teacher.merge.bias)
    save_networks(tmp_path / "a.pt", {"student": student, "teacher": teacher})
    assert torch.equal(load_detector(tmp_path / "a.pt", network="teacher").merge.bias, teacher.merge.bias)
    states = load_networks(tmp_path / "a.pt", "student", "teacher")
    assert [state["merge.bias"].sum().item() for state in states] == [student.merge.bias.sum().item(), 16.0]
    with pytest.raises(
        SedlabError, match=r"no network 'techer', only \['student', 'teacher'\]. Did you mean 'teacher'"
    ):
        load_detector(tmp_path / "a.pt", network="techer")


@pytest.mark.parametrize("rnn_dim", [None, 8])
def test_a_tagger_comes_back_and_gives_its_transformer_to_a_detector(tmp_path, make_detector, noise, tiny, rnn_dim):
    tagger = FrameTagger(tiny("beats").transformer, num_classes=5, rnn_dim=rnn_dim).eval()
    save_tagger(tmp_path / "a.pt", tagger, classes=["/m/1", "/m/2", "/m/3", "/m/4", "/m/5"])
    loaded, classes = load_tagger(tmp_path / "a.pt")
    assert classes == ("/m/1", "/m/2", "/m/3", "/m/4", "/m/5")
    features = tagger.features(noise(2, 1))
    assert torch.equal(loaded(features), tagger(features))
    detector = make_detector("beats")
    assert not torch.equal(detector.transformer(features), tagger.transformer(features))
    load_transformer(tmp_path / "a.pt", detector)
    assert torch.equal(detector.transformer(features), tagger.transformer(features))


def test_a_transformer_of_another_kind_is_refused(tmp_path, make_detector, tiny):
    save_tagger(tmp_path / "a.pt", FrameTagger(tiny("beats").transformer, num_classes=1), classes=["/m/1"])
    with pytest.raises(SedlabError, match=r"a\.pt: the weights do not fit the configured model"):
        load_transformer(tmp_path / "a.pt", make_detector("atst"))


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.999])
def test_a_truncated_file_is_reported(tmp_path, make_detector, kept):
    path = tmp_path / "a.pt"
    save_detector(path, make_detector("atst"))
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(SedlabError, match=r"a\.pt: not a readable checkpoint, or cut short") as caught:
        load_detector(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"state_dict": {}, "epoch": 3}, "a dictionary that starts with 'state_dict', 'epoch'"),
        ({"format": "sedlab-tagger-1"}, "'sedlab-tagger-1'"),
        ([1, 2], "a list"),
        ({}, "an empty dictionary"),
    ],
)
def test_a_foreign_file_is_described(tmp_path, content, found):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(SedlabError, match=f"expected a checkpoint of format 'sedlab-detector-1', found {found}"):
        load_detector(tmp_path / "a.pt")


def test_a_file_with_code_in_it_is_not_run(tmp_path):
    torch.save({"format": DETECTOR_FORMAT, "callback": print}, tmp_path / "a.pt")
    with pytest.raises(SedlabError, match="not a readable checkpoint"):
        load_detector(tmp_path / "a.pt")


def test_text_and_missing_files_are_reported(tmp_path):
    (tmp_path / "a.pt").write_text("not a checkpoint")
    with pytest.raises(SedlabError, match="not a readable checkpoint"):
        load_detector(tmp_path / "a.pt")
    with pytest.raises(SedlabError, match="no such checkpoint"):
        load_detector(tmp_path / "b.pt")


def test_an_unknown_setting_names_the_version_that_wrote_it(tmp_path, make_detector):
    path = tmp_path / "a.pt"
    save_detector(path, make_detector("atst"))
    content = torch.load(path, weights_only=True)
    content["model"] = json.dumps({**json.loads(content["model"]), "heads_of_state": 3})
    torch.save({**content, "sedlab": "9.9"}, path)
    with pytest.raises(SedlabError, match=r"written by sedlab 9\.9 with other settings \(heads_of_state"):
        load_detector(path)


def test_an_interrupted_write_leaves_the_old_file(tmp_path, make_detector, monkeypatch):
    path = tmp_path / "a.pt"
    save_detector(path, make_detector("atst"))
    before = path.read_bytes()

    def fail(content, target):
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(KeyboardInterrupt):
        save_detector(path, make_detector("passt"))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.pt"]
