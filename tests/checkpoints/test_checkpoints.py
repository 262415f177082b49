"""Checkpoints: round trips, and one readable line for every file that is none."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest
import torch
from small_detectors import scored

from sedlab.checkpoints.inspection import format_report, inspect_checkpoint
from sedlab.checkpoints.loading import load_network, load_networks, load_tagger, load_transformer, load_transformer_into
from sedlab.checkpoints.own import (
    DETECTOR_FORMAT,
    TAGGER_FORMAT,
    frontend_constants,
    save_detector,
    save_networks,
)
from sedlab.config.model import ARCHS, TaggerConfig
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES
from sedlab.models.tagger import FrameTagger


@pytest.mark.parametrize("arch", ARCHS)
def test_a_detector_comes_back_as_it_was(tmp_path, make_detector, noise, arch):
    detector = make_detector(arch)
    save_detector(tmp_path / "a.pt", detector)
    loaded = load_network(tmp_path / "a.pt")
    assert loaded.config == detector.config
    assert not loaded.training
    features = detector.features(noise(2, 1))
    assert torch.equal(scored(loaded, features)[0].logits, scored(detector, features)[0].logits)
    assert loaded.classes == CLASSES


def test_student_and_teacher_are_told_apart(tmp_path, make_detector):
    student, teacher = make_detector("atst"), make_detector("atst")
    torch.nn.init.ones_(teacher.merge.bias)
    save_networks(tmp_path / "a.pt", {"student": student, "teacher": teacher})
    assert torch.equal(load_network(tmp_path / "a.pt", network="teacher").merge.bias, teacher.merge.bias)
    states = load_networks(tmp_path / "a.pt", "student", "teacher")
    assert [state["merge.bias"].sum().item() for state in states] == [student.merge.bias.sum().item(), 16.0]
    with pytest.raises(
        SedlabError, match=r"no network 'techer', only \['student', 'teacher'\]. Did you mean 'teacher'"
    ):
        load_network(tmp_path / "a.pt", network="techer")


@pytest.mark.parametrize("rnn_dim", [None, 8])
def test_a_tagger_comes_back_and_gives_its_transformer_to_a_detector(tmp_path, make_detector, noise, tiny, rnn_dim):
    config = TaggerConfig(transformer=tiny("beats").transformer, num_classes=5, rnn_dim=rnn_dim)
    tagger = FrameTagger(config, ["/m/1", "/m/2", "/m/3", "/m/4", "/m/5"]).eval()
    save_detector(tmp_path / "a.pt", tagger)
    loaded = load_tagger(tmp_path / "a.pt")
    assert loaded.classes == ("/m/1", "/m/2", "/m/3", "/m/4", "/m/5")
    features = tagger.features(noise(2, 1))
    assert torch.equal(loaded(features), tagger(features))
    detector = make_detector("beats")
    assert not torch.equal(detector.transformer(features), tagger.transformer(features))
    load_transformer_into(tmp_path / "a.pt", detector)
    assert torch.equal(detector.transformer(features), tagger.transformer(features))
    assert torch.equal(load_transformer(tmp_path / "a.pt")(features), tagger.transformer(features))
    assert torch.equal(load_network(tmp_path / "a.pt")(features), tagger(features))


def test_a_transformer_of_another_kind_is_refused(tmp_path, make_detector, tiny):
    config = TaggerConfig(transformer=tiny("beats").transformer, num_classes=1)
    save_detector(tmp_path / "a.pt", FrameTagger(config, ["/m/1"]))
    with pytest.raises(SedlabError, match=r"a\.pt \(sedlab-tagger-1, beats\): .* \(arch is beats, expected atst\)"):
        load_transformer_into(tmp_path / "a.pt", make_detector("atst"))


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.999])
def test_a_truncated_file_is_reported(tmp_path, make_detector, kept):
    path = tmp_path / "a.pt"
    save_detector(path, make_detector("atst"))
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(SedlabError, match=r"a\.pt: not a readable checkpoint, or cut short") as caught:
        load_network(path)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_of_another_kind_is_refused(tmp_path, make_detector, tiny):
    config = TaggerConfig(transformer=tiny("beats").transformer, num_classes=1)
    save_detector(tmp_path / "a.pt", FrameTagger(config, ["/m/1"]))
    with pytest.raises(SedlabError, match=r"is no detector\. Give the best\.pt of stage 1 or stage 2"):
        load_networks(tmp_path / "a.pt", "student")
    save_detector(tmp_path / "a.pt", make_detector("beats"))
    with pytest.raises(SedlabError, match=r"is no tagger\. Give the best\.pt of pretrain"):
        load_tagger(tmp_path / "a.pt")


def test_a_tagger_detects_under_the_english_names_of_its_classes(tmp_path, tiny):
    config = TaggerConfig(transformer=tiny("atst").transformer, num_classes=2)
    save_detector(tmp_path / "a.pt", FrameTagger(config, ["/m/09x0r", "/m/none"]))
    assert load_network(tmp_path / "a.pt").classes == ("Speech", "/m/none")
    assert load_tagger(tmp_path / "a.pt").classes == ("/m/09x0r", "/m/none")


def test_own_files_are_strict(tmp_path, make_detector):
    path = tmp_path / "a.pt"
    save_detector(path, make_detector("atst"))
    content = torch.load(path, weights_only=True)
    del content["networks"]["student"]["merge.bias"]
    torch.save(content, path)
    with pytest.raises(
        SedlabError, match=r"a\.pt \(sedlab-detector-1, atst\): 1 tensor missing \(first: 'merge.bias'\)"
    ):
        load_network(path)
    torch.save({"format": TAGGER_FORMAT}, path)
    with pytest.raises(SedlabError, match="has no entry 'model', which sedlab-tagger-1 needs"):
        load_network(path)


def test_inspection_tells_what_wrote_a_file_and_how_its_features_are_made(tmp_path, make_detector):
    path = tmp_path / "a.pt"
    networks = {"student": make_detector("passt"), "teacher": make_detector("passt")}
    save_networks(path, networks, node=networks["student"].config)
    report = inspect_checkpoint(path)
    assert (report.content.format, report.kind, report.content.arch) == (DETECTOR_FORMAT, "detector", "passt")
    assert tuple(report.content.networks) == ("student", "teacher")
    assert report.content.versions == {"sedlab": version("sedlab"), "torch": torch.__version__}
    assert report.node["embed_pool"] == "aap"
    assert report.num_parameters == sum(parameter.numel() for parameter in networks["student"].parameters())
    stored = json.loads(torch.load(path, weights_only=True)["frontends"])
    assert stored == report.frontends == frontend_constants(networks["student"])
    text = format_report(report)
    for expected in ("fmax 7000", "embed_pool aap", "27: Alarm_bell_ringing; Blender", f"sedlab {version('sedlab')}"):
        assert expected in text


def test_a_file_with_code_in_it_is_not_run(tmp_path):
    torch.save({"format": DETECTOR_FORMAT, "callback": print}, tmp_path / "a.pt")
    with pytest.raises(SedlabError, match=r"holds [\w.]*print beside the weights, and rebuilding that could run code"):
        load_network(tmp_path / "a.pt")


def test_text_and_missing_files_are_reported(tmp_path):
    (tmp_path / "a.pt").write_text("not a checkpoint")
    with pytest.raises(SedlabError, match="not a readable checkpoint"):
        load_network(tmp_path / "a.pt")
    with pytest.raises(SedlabError, match="no such checkpoint"):
        load_network(tmp_path / "b.pt")


def test_an_unknown_setting_names_the_version_that_wrote_it(tmp_path, make_detector):
    path = tmp_path / "a.pt"
    save_detector(path, make_detector("atst"))
    content = torch.load(path, weights_only=True)
    content["model"] = json.dumps({**json.loads(content["model"]), "heads_of_state": 3})
    torch.save({**content, "sedlab": "9.9"}, path)
    with pytest.raises(SedlabError, match=r"written by sedlab 9\.9 with other settings \(heads_of_state"):
        load_network(path)


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
