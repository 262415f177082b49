"""What an experiment needs, what of it is there, and what `sedlab run` says about it."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import astuple
from pathlib import Path

import pytest
from standin_corpus import TRAINING_CLIPS, build_standin

from sedlab.commands.run import run
from sedlab.config.loading import load_experiment
from sedlab.data.corpora.layout import SUBSETS
from sedlab.errors import SedlabError
from sedlab.files import write_json
from sedlab.pipeline.readiness import examine
from sedlab.pipeline.training_cost import BASE_SIZES, training_cost
from sedlab.runs.run import Run
from sedlab.weights import find

#: Batches that the stand-in's clips fill.
SMALL = [
    f"stage{number}.batch.{group}={size}"
    for number in (1, 2)
    for group, size in {"maestro": 2, "strong": 2, "synth": 2, "weak": 2, "unlabeled": 1}.items()
]
WEIGHTS = {"passt_as_strong": "passt", "beats_as": "beats", "atst_as_strong": "atst"}


@pytest.fixture(scope="module")
def standin(tmp_path_factory) -> Path:
    return build_standin(tmp_path_factory.mktemp("standin") / "dcase")


@pytest.fixture
def project(standin, tmp_path, monkeypatch) -> Path:
    """A project with the stand-in data, and files in place of the weights."""
    shutil.copytree(standin, tmp_path / "data" / "dcase")
    for name in WEIGHTS:
        put(tmp_path / "data" / "weights" / find(name).file)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"weights")
    return path


def look(folder: Path, *overrides: str):
    return examine(Run(folder / "runs" / "paper", load_experiment("paper", overrides)))


def required(ready) -> set[str]:
    return {state.subset.name for state in ready.subsets if state.required}


def test_an_empty_folder_lacks_every_corpus_and_the_weights(tmp_path):
    ready = look(tmp_path)
    groups = {"maestro_train", "strong_train", "synth_train", "weak_train", "unlabeled_train"}
    assert required(ready) == groups | {"maestro_val", "synth_val", "devtest", "maestro_dev"}
    assert all(state.clips == 0 and state.missing for state in ready.subsets)
    assert {file.download for file in ready.weights} == set(WEIGHTS)
    assert required(ready) | {find(name).file for name in WEIGHTS} | {"device_responses"} == set(ready.missing)


def test_steps_of_the_published_numbers_of_clips_are_the_published_ones(tmp_path):
    steps = {cost.node: cost.steps_per_epoch for cost in look(tmp_path).trainings}
    assert [steps[f"iteration2_stage1_{arch}"] for arch in ("passt", "beats", "atst")] == [71, 71, 71]
    assert [steps[f"iteration2_stage2_{arch}"] for arch in ("passt", "beats", "atst")] == [20, 14, 20]


def test_pretraining_steps_are_the_published_ones(tmp_path):
    # PretrainedSED: 30 epochs of 100,000 clips in batches of 256 are 11,730 steps.
    costs = {cost.node: cost for cost in look(tmp_path, "pretrain.archs=[atst]").trainings}
    assert costs["pretrain_atst"].steps == 11_730
    assert {"audioset_train"} <= required(look(tmp_path, "pretrain.archs=[atst]"))


def test_everything_is_found_in_the_real_layout(project):
    ready = look(project, *SMALL)
    assert ready.missing == [] and ready.from_found_clips
    assert all(state.is_there and not state.problem for state in ready.subsets)
    found = {s.subset.name: s.training_clips for s in ready.subsets if s.subset.split == "train"}
    assert found == TRAINING_CLIPS
    # The list leaves one of the three unlabelled clips out.
    (unlabeled,) = [state for state in ready.subsets if state.subset.name == "unlabeled_train"]
    assert (unlabeled.clips, unlabeled.training_clips) == (3, 2)


def test_steps_count_the_clips_that_are_there(project):
    cost = {cost.node: cost for cost in look(project, *SMALL).trainings}["iteration1_stage1_atst"]
    # The three synthetic clips fill one batch; 200 epochs.
    assert (cost.steps_per_epoch, cost.steps) == (1, 200)


def test_a_missing_table_or_folder_is_named(project):
    table, folder = SUBSETS["weak_train"].table, SUBSETS["synth_train"].audio
    (project / "data/dcase" / table).unlink()
    shutil.rmtree(project / "data/dcase" / folder)
    ready = look(project, *SMALL)
    missing = {state.subset.name: state.missing for state in ready.subsets if state.missing}
    assert missing == {"weak_train": (table,), "weak_val": (table,), "synth_train": (folder,)}
    assert ready.missing == []  # the other groups are enough to train on
    for cost in ready.trainings:
        assert cost.batch_clips == 2 + 2 + 1, cost  # those of maestro, strong and unlabeled


def test_strong_clips_from_either_source_are_enough(project):
    (project / "data/dcase" / SUBSETS["strong_train"].table).unlink()
    ready = look(project, *SMALL)
    assert "strong_train" not in required(ready) and ready.missing == []


def test_a_damaged_file_is_a_problem_of_its_subset(project):
    path = next((project / "data/dcase" / SUBSETS["synth_train"].audio).iterdir())
    path.write_bytes(path.read_bytes()[:1000])
    ready = look(project, *SMALL)
    (synth,) = [state for state in ready.subsets if state.subset.name == "synth_train"]
    assert "truncated" in synth.problem and ready.missing == ["synth_train"]


def test_groups_and_augmentations_that_are_off_need_nothing(project):
    shutil.rmtree(project / "data/dcase/audio/train/unlabel_in_domain_16k")
    shutil.rmtree(project / "data/dcase/device_responses")
    assert look(project, *SMALL).missing == ["device_responses"]
    assert look(project, *SMALL, "stage2.augment.device_response.p=0").missing == []


def test_too_few_clips_for_a_batch_are_missing_clips(project):
    missing = look(project, *SMALL, "stage2.batch.weak=5").missing
    assert missing[0] == "clips of weak for iteration1_stage2_passt" and len(missing) == 6


def test_weights_of_the_wrong_size_have_to_go_first(project):
    path = project / "data/weights" / find("beats_as").file
    write_json(path.with_name(path.name + ".json"), {"size": 8, "sha256": "", "date": "2026-01-01"})
    (beats,) = [file for file in look(project, *SMALL).weights if file.download == "beats_as"]
    assert beats.state == "corrupt" and beats.advice.startswith("delete ")
    assert look(project, *SMALL).missing == ["beats_as.pt"]


def test_only_chosen_and_unfinished_trainings_need_weights(project):
    shutil.rmtree(project / "data/weights")
    assert look(project, *SMALL, "archs=[atst]").missing == ["atst_as_strong.ckpt"]
    for iteration in (1, 2):
        put(project / f"runs/paper/iteration{iteration}/stage1/atst/manifest.json")
    assert look(project, *SMALL, "archs=[atst]").missing == []


def test_a_generated_corpus_needs_nothing(tmp_path):
    ready = examine(Run(tmp_path / "runs" / "mini", load_experiment("mini")))
    assert ready.missing == [] and ready.subsets == ()


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_run_that_lacks_things_explains_all_of_it_and_starts_nothing(tmp_path, monkeypatch, capsys, dry_run):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        SedlabError, match=r"^paper: 13 things it needs are not here \(synth_train, .*run this again\.$"
    ):
        run("paper", dry_run=dry_run)
    page = capsys.readouterr().out
    assert "0 of 14412" in page and "Zenodo 7244360" in page and "metadata/train/weak.tsv" in page
    assert "  sedlab weights download passt_as_strong beats_as atst_as_strong\n" in page
    assert all(
        f"  sedlab data desed download --only {part} --root data/dcase\n" in page
        for part in ("exclude", "external", "devices")
    )
    assert "iteration2_stage2_beats  13 x 36" in page and "is an estimate" in page
    assert "iteration2_pseudo_labels" in page
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_with_everything_there_also_lists_the_jobs(project, capsys):
    run("paper", arch=["atst"], iterations=1, set_=SMALL, dry_run=True)
    page = capsys.readouterr().out
    assert "3 of 14412 (2 after exclusions)" in page and "iteration1_stage2_atst" in page
    assert "To get them" not in page and "not found" not in page
    assert "jobs would run\n" in page


def test_a_run_says_what_it_does_without(project, capsys):
    (project / "data/dcase" / SUBSETS["weak_train"].table).unlink()
    run("paper", arch=["atst"], iterations=1, set_=SMALL, dry_run=True)
    page = capsys.readouterr().out
    assert "without weak_train, weak_val: not in data/dcase\n" in page and "jobs would run\n" in page


def test_no_memory_is_claimed_for_other_sizes_and_precisions():
    clips = {"maestro": 100, "strong": 100, "synth": 100, "weak": 100, "unlabeled": 100}
    nano = load_experiment("nano").node("stage1", "atst", 1)
    assert training_cost(nano, clips).gpu_bytes is None
    exact = load_experiment("paper", ["stage1.trainer.precision=32-true"]).node("stage1", "atst", 1)
    assert training_cost(exact, clips).gpu_bytes is None


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "arch"), [("stage1", "passt"), ("stage2", "beats"), ("stage2", "atst")])
def test_the_sizes_are_those_that_are_counted(stage, arch):
    path = Path(__file__).parents[2] / "benchmarks" / "memory.py"
    spec = importlib.util.spec_from_file_location("memory", path)
    memory = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(memory)
    network, once, per_clip = memory.measure(load_experiment("paper").node(stage, arch, 1))
    assert astuple(BASE_SIZES[stage, arch]) == (
        *memory.num_parameters(network),
        pytest.approx(once, rel=0.02),
        pytest.approx(per_clip, rel=0.02),
    )
