"""Where the transformers of a run start from, and what is said when the file is not there."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from published_files import small_config, transformer_files, transformer_state
from standin_corpus import SIZES
from tiny_project import experiment_tree

from sedlab.checkpoints.loading import load_networks, load_transformer
from sedlab.config.experiment import node_name
from sedlab.config.loading import experiment_from_tree, load_experiment
from sedlab.data.corpora.audioset_classes import label_space
from sedlab.errors import SedlabError
from sedlab.files import write_json
from sedlab.pipeline import stages
from sedlab.pipeline.graph import graph_of
from sedlab.pipeline.outside_files import check_outside_files, missing_weights, require_weights
from sedlab.pipeline.running.plan import plan
from sedlab.runs.manifest import Manifest
from sedlab.runs.run import Run, create_run

STRONG = {"passt": "passt_as_strong", "atst": "atst_as_strong"}


def make_run(folder, **changes) -> Run:
    return create_run(experiment_from_tree(experiment_tree() | changes, "test"), folder / "runs" / "tiny")


def put(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"weights")
    return path


def readers(run, path) -> set[str]:
    return {job.name for job in graph_of(run) if str(path) in job.inputs}


def test_stage1_of_every_iteration_reads_the_weights(tmp_path):
    run = make_run(tmp_path, pretrain=None, weights=STRONG)
    for arch, file in STRONG.items():
        path = tmp_path / "data/weights" / f"{file}.ckpt"
        assert readers(run, path) == {node_name("stage1", arch, iteration) for iteration in (1, 2)}


def test_an_own_pretraining_takes_their_place_and_may_start_from_others(tmp_path):
    pretrain = experiment_tree()["pretrain"] | {"weights": {"atst": "models/own.pt"}}
    run = make_run(tmp_path, pretrain=pretrain, weights=STRONG)
    assert readers(run, tmp_path / "data/weights/atst_as_strong.ckpt") == set()
    assert readers(run, tmp_path / "models/own.pt") == {"pretrain_atst"}
    assert run.node("stage1", "atst", 1).pretrained and run.node("stage1", "atst", 1).weights is None


def test_a_stage_can_do_without_the_weights(tmp_path):
    stages_without = {
        name: section | {"use_pretrained": False} for name, section in experiment_tree()["stages"].items()
    }
    run = make_run(tmp_path, pretrain=None, weights=STRONG, stages=stages_without)
    assert missing_weights(run) == []


def test_missing_weights_name_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = make_run(tmp_path, pretrain=None, weights=STRONG)
    with pytest.raises(SedlabError, match=r"Run: sedlab weights download atst_as_strong passt_as_strong$"):
        check_outside_files(run)
    put(tmp_path / "data/weights/passt_as_strong.ckpt")
    with pytest.raises(SedlabError, match=r"Run: sedlab weights download atst_as_strong$"):
        plan(run.experiment, tmp_path / "runs" / "other")
    with pytest.raises(SedlabError, match=r"Run: sedlab weights download atst_as_strong$"):
        stages.train(run, "stage1", "atst", 1)
    put(tmp_path / "data/weights/atst_as_strong.ckpt")
    check_outside_files(run)


def test_a_missing_file_says_who_needs_it(tmp_path):
    run = make_run(tmp_path, pretrain=None, weights={"atst": "models/own.pt"})
    with pytest.raises(SedlabError, match=r"models/own\.pt: no such file; iteration1_stage1_atst starts from it"):
        check_outside_files(run)


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path):
    run = make_run(tmp_path, pretrain=None, weights={"atst": "atst_as_stron"})
    with pytest.raises(SedlabError, match="Did you mean 'atst_as_strong'"):
        check_outside_files(run)


def test_finished_nodes_need_no_weights(tmp_path):
    run = make_run(tmp_path, pretrain=None, weights={"atst": "atst_as_strong"})
    assert missing_weights(run) == ["atst_as_strong"]
    for iteration in (1, 2):
        put(run.node_dir("stage1", "atst", iteration) / "manifest.json")
    assert missing_weights(run) == []


def test_weights_that_an_experiment_can_do_without_are_used_once_they_are_there(tmp_path, capsys):
    run = make_run(tmp_path, pretrain=None, weights={"atst": "atst_as_strong"}, weights_if_there=True)
    path = tmp_path / "data/weights/atst_as_strong.ckpt"
    check_outside_files(run)
    said = capsys.readouterr().err
    assert "atst_as_strong is not there" in said and "sedlab weights download atst_as_strong" in said
    assert readers(run, path) == set() and require_weights(run, run.node("stage1", "atst", 1)) is None
    put(path)
    assert readers(run, path) == {"iteration1_stage1_atst", "iteration2_stage1_atst"}
    # Gone again after the training that read them: that one stays as it is, the other does without.
    folder = run.node_dir("stage1", "atst", 1)
    folder.mkdir(parents=True)
    write_json(folder / "manifest.json", Manifest(node="", parameters={}, started="", inputs={"outside 1": "0" * 64}))
    path.unlink()
    assert readers(run, path) == {"iteration1_stage1_atst"}


def test_a_dry_run_of_a_new_run_finds_the_files_of_the_project(tmp_path):
    run = make_run(tmp_path, pretrain=None, weights={"atst": "own.pt"})
    put(tmp_path / "own.pt")
    names = {job.name for job in plan(run.experiment, tmp_path / "runs" / "new").jobs}
    assert {"data", "iteration2_stage1_atst"} <= names
    assert not (tmp_path / "runs" / "new").exists()


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A few clips, and published files that fit small models: a start and the logits of teachers."""
    folder = tmp_path_factory.mktemp("project")
    torch.save(transformer_files("atst", transformer_state("atst"))["fine-tuned"], folder / "atst.ckpt")
    torch.save(transformer_files("beats", transformer_state("beats"))["self-supervised"], folder / "beats.pt")
    nano = load_experiment("nano")
    tree = nano.model_dump(mode="json") | {
        "archs": ["beats", "atst"],
        "models": {arch: small_config(arch).model_dump(mode="json") for arch in ("beats", "atst")},
        "weights": {"beats": "beats.pt"},
    }
    tree["data"]["mini"] |= SIZES
    tree["pretrain"] |= {"archs": ["atst"], "weights": {"atst": "atst.ckpt"}, "label_space": "train447"}
    tree["pretrain"]["distillation"] = {"weight": 0.9, "logits": "teachers.hdf5"}
    # The transformer keeps its weights, so that what a later stage starts from is seen.
    tree["pretrain"]["optim"] |= {"lr_transformer": 0.0}
    tree["stages"]["stage1"]["epochs"] = 1
    run = create_run(experiment_from_tree(tree, "test"), folder / "runs" / "small")
    stages.prepare_data(run)
    clips = run.corpus().subset("audioset_train").clips["clip_id"]
    with h5py.File(folder / "teachers.hdf5", "w") as file:
        file["filenames"] = [f"Y{clip_id.rsplit('_', 1)[0]}.mp3" for clip_id in clips]
        logits = np.random.default_rng(0).normal(-4, 1, (len(clips), len(label_space("train447")), 250))
        file["strong_logits"] = logits.astype(np.float16)
    return run


@pytest.mark.slow
def test_pretraining_distils_from_teachers_and_stage1_starts_from_it(project):
    result = stages.pretrain(project, "atst")
    assert {"loss/audioset", "loss/teachers", "val/objective"} <= set(pd.read_csv(result.history).columns)
    stages.train(project, "stage1", "atst", 1)
    starts = load_transformer(project.project / "atst.ckpt").state_dict()
    assert_transformers(project.node_dir("stage1", "atst", 1) / "best.pt", starts)


@pytest.mark.slow
def test_stage1_starts_from_a_published_file(project):
    stages.train(project, "stage1", "beats", 1)
    starts = load_transformer(project.project / "beats.pt").state_dict()
    assert_transformers(project.node_dir("stage1", "beats", 1) / "best.pt", starts)


def assert_transformers(checkpoint, expected):
    """Compare the transformers of student and teacher, frozen in stage 1, with what they started from."""
    for network in load_networks(checkpoint, "student", "teacher"):
        for name, value in expected.items():
            torch.testing.assert_close(network[f"transformer.{name}"], value, msg=name)
