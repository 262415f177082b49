"""What messages about a run advise is done here, and works."""

import shutil

import pytest
from finished_run import finish
from test_leftovers import SMALLEST
from tiny_project import experiment_tree

from sedlab import runs
from sedlab.config.loading import experiment_from_tree
from sedlab.data.cache import INDEX, WAVEFORMS, WaveformCache
from sedlab.errors import SedlabError
from sedlab.pipeline.due.jobs import due_jobs
from sedlab.pipeline.graph import graph_of
from sedlab.pipeline.stages import prepare_data
from sedlab.runs.digests import Digests
from sedlab.runs.run import create_run, open_run
from sedlab.runs.versions import read_versions
from sedlab.scoring.results import read_results

ODD = (b"", b"{", b"[1]", b"\xff\xfe\x00", b"a: [" * 5_000, b"a: b: c", b"\0")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The project of a finished run with a real corpus of the smallest size."""
    tree = experiment_tree(archs=("atst",))
    tree["data"]["mini"] = SMALLEST.model_dump()
    run = create_run(experiment_from_tree(tree, "test"), tmp_path_factory.mktemp("original") / "runs/tiny")
    finish(run, with_clips=True)
    assert due(run) == []
    return run.project


@pytest.fixture
def run(original, tmp_path):
    shutil.copytree(original, tmp_path / "project")
    return open_run(tmp_path / "project/runs/tiny")


def due(run):
    return list(due_jobs(run, graph_of(run), Digests(run.path)))


def told(function, *arguments):
    with pytest.raises(SedlabError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_deleted_cache_is_built_by_the_next_run(run):
    shutil.rmtree(run.cache_dir)
    assert "It is built by `sedlab run`" in told(run.cache)
    assert due(run) == ["data"]
    prepare_data(run)
    assert len(run.cache()) > 0 and due(run) == []


@pytest.mark.parametrize("name", [INDEX, WAVEFORMS])
def test_a_damaged_cache_is_built_by_the_next_run_deleted_or_not(run, name):
    for delete in (True, False):
        (run.cache_dir / name).write_bytes(b"x")
        assert f"Delete {run.cache_dir} to build it again" in told(run.cache)
        if delete:
            shutil.rmtree(run.cache_dir)
        assert due(run) == ["data"]
        prepare_data(run)
        assert len(run.cache()) > 0 and due(run) == []


def test_a_cache_that_lacks_clips_is_deleted_and_built_again(run):
    subset, clip_id = run.corpus().clips[["subset", "clip_id"]].iloc[0]
    WaveformCache.build(run.corpus().subset(run.corpus().subsets[-1]), run.cache_dir.with_name("part"))
    shutil.rmtree(run.cache_dir)
    run.cache_dir.with_name("part").rename(run.cache_dir)
    assert "Delete the folder: the next `sedlab run` builds it" in told(run.cache().read, subset, clip_id)
    shutil.rmtree(run.cache_dir)
    assert due(run) == ["data"]
    prepare_data(run)
    assert run.cache().read(subset, clip_id).any()


def test_another_corpus_is_accepted_once_its_manifest_is_deleted(run):
    marker = run.data_root / "mini.json"
    marker.write_text(marker.read_text() + " ")
    message = told(run.corpus)
    assert f"delete {run.path / 'data/manifest.json'} and run again" in message
    (run.path / "data/manifest.json").unlink()
    assert due(run) == [job.name for job in graph_of(run)]
    prepare_data(run)
    assert len(open_run(run.path).corpus()) > 0


def test_an_odd_configuration_is_written_anew_by_the_next_run(run):
    for content in ODD:
        (run.path / "config.yaml").write_bytes(content)
        assert "`sedlab run` with the run's preset writes it anew" in told(open_run, run.path)
        create_run(run.experiment, run.path)
        assert open_run(run.path).experiment == run.experiment
    assert due(run) == []


def test_odd_versions_are_written_anew_by_the_next_run(run):
    for content in ODD:
        (run.path / "versions.json").write_bytes(content)
        assert "Run `sedlab run` again to write it" in told(read_versions, run.path)
        create_run(run.experiment, run.path)
        assert read_versions(run.path).packages["numpy"]


def test_deleted_scores_and_tables_are_made_again(run):
    scores = run.score_file(1, "atst", "devtest")
    scores.unlink()
    assert "`sedlab run` makes those of every set" in told(runs.read_scores, scores)
    assert "iteration1_scores_stage2_atst" in due(run)
    for path, read, job in (
        (run.results, lambda: read_results(run.results), "compare"),
        (run.errors, lambda: runs.read_errors(run), "errors"),
    ):
        path.write_bytes(b"a,b\n1\n2,3,4\n")
        assert "Delete it and " in told(read)
        path.unlink()
        assert job in due(run)
