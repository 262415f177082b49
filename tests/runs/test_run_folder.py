"""The run folder: what `sedlab run` writes there, and finding it again."""

import time

import pytest
from tiny_project import make_experiment

from sedlab.errors import SedlabError
from sedlab.pipeline.resume import start_over_if_inputs_changed
from sedlab.runs.manifest import manifests, read_manifest, recorded
from sedlab.runs.progress import ProgressFile, read_progress
from sedlab.runs.run import create_run, open_run


@pytest.fixture
def run(tmp_path):
    return create_run(make_experiment(), tmp_path / "runs" / "tiny")


def test_opened_run_has_the_experiment_it_was_made_from(run):
    assert open_run(run.path).experiment == run.experiment


def test_run_is_found_from_a_folder_below_the_project(run, monkeypatch):
    notebooks = run.project / "notebooks"
    notebooks.mkdir()
    monkeypatch.chdir(notebooks)
    assert open_run("runs/tiny").path == run.path


def test_unknown_run_names_the_nearest(run, monkeypatch):
    monkeypatch.chdir(run.project)
    with pytest.raises(SedlabError, match="Did you mean 'tiny'"):
        open_run("runs/tin")


def test_data_root_is_relative_to_the_project(run):
    assert run.data_root == run.project / "data/tiny"


def test_unchanged_configuration_keeps_its_time_stamps(run):
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*.yaml")}
    time.sleep(0.02)
    create_run(run.experiment, run.path)
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*.yaml")} == before


def test_changed_option_changes_the_nodes_it_concerns(run):
    before = {path.name: path.read_text() for path in (run.path / "configs").glob("*.yaml")}
    tree = run.experiment.model_dump(mode="json")
    tree["stages"]["stage2"]["epochs"] = 7
    create_run(type(run.experiment).model_validate(tree), run.path)
    changed = {path.name for path in (run.path / "configs").glob("*.yaml") if before[path.name] != path.read_text()}
    assert changed == {f"iteration{i}_stage2_{arch}.yaml" for i in (1, 2) for arch in ("atst", "passt")}


def test_versions_name_what_numbers_depend_on(run):
    text = (run.path / "versions.json").read_text()
    assert all(name in text for name in ("torch", "numpy", "sed_scores_eval", "cpu", "cores"))


def test_manifest_appears_only_when_the_stage_ends_well(run):
    (run.path / "a.txt").write_text("abc")
    with pytest.raises(RuntimeError), recorded(run.path, "x/manifest.json", "x", {}):
        raise RuntimeError
    assert not (run.path / "x/manifest.json").exists()
    with recorded(run.path, "x/manifest.json", "x", {"arch": "atst"}) as manifest:
        manifest.results["objective"] = 0.5
        manifest.files = {"a.txt": 0}
    found = read_manifest(run.path / "x/manifest.json")
    assert (found.status, found.results, found.files) == ("complete", {"objective": 0.5}, {"a.txt": 3})
    assert [one.node for one in manifests(run.path)] == ["x"]


def test_manifest_of_an_earlier_run_is_gone_while_the_stage_works(run):
    for _ in range(2):
        with recorded(run.path, "x/manifest.json", "x", {}):
            assert not (run.path / "x/manifest.json").exists()


def test_last_call_of_a_stage_is_always_seen(run):
    progress = ProgressFile(run.path, "data")
    for done in range(1, 101):
        progress(done, 100, "clips")
    state = read_progress(run.path)["data"]
    assert (state.done, state.total, state.what) == (100, 100, "clips")


@pytest.fixture
def begun(tmp_path):
    """A training that was begun with one input."""
    source = tmp_path / "input.yaml"
    source.write_text("a")
    folder = tmp_path / "node"
    folder.mkdir()
    start_over_if_inputs_changed(folder, [source])
    (folder / "last.pt").write_text("state")
    return folder, source


def test_training_goes_on_with_the_same_inputs(begun):
    folder, source = begun
    source.touch()
    assert start_over_if_inputs_changed(folder, [source]) is False
    assert (folder / "last.pt").exists()


def test_training_starts_over_when_an_input_has_changed(begun):
    folder, source = begun
    source.write_text("b")
    assert start_over_if_inputs_changed(folder, [source]) is True
    assert not (folder / "last.pt").exists()


def test_another_corpus_at_the_data_root_is_refused(run):
    run.data_root.mkdir(parents=True)
    (run.data_root / "mini.json").write_text("first")
    with recorded(run.path, "data/manifest.json", "data", {}) as manifest:
        manifest.results["corpus"] = run.corpus_digest()
    (run.data_root / "mini.json").write_text("second")
    with pytest.raises(SedlabError, match="another corpus has taken the place"):
        run.corpus()


def test_unknown_arch_is_refused(tmp_path):
    run = create_run(make_experiment(archs=("passt",)), tmp_path / "runs" / "tiny")
    with pytest.raises(SedlabError, match="no arch 'atst'"):
        run.node("stage1", "atst", 1)
