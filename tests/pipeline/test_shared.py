"""Runs beside each other share what read the same, and nothing else."""

import json
import shutil

import pytest
from finished_run import _finished_tiny, finished_tiny

from sedlab.config.loading import with_settings
from sedlab.errors import SedlabError
from sedlab.pipeline.due.jobs import due_jobs
from sedlab.pipeline.due.shared import find_shared, take
from sedlab.pipeline.graph import graph_of, jobs_needed, jobs_until
from sedlab.runs.digests import Digests
from sedlab.runs.manifest import read_manifest
from sedlab.runs.run import Run, create_run, open_run

__all__ = ["_finished_tiny", "finished_tiny"]


@pytest.fixture
def run(finished_tiny):
    return finished_tiny


def shared(run):
    return find_shared(run, graph_of(run), Digests(run.path))


def due(run):
    return set(due_jobs(run, graph_of(run), Digests(run.path)))


def descendants(run, *names):
    jobs = graph_of(run)
    return {job.name for job in jobs if {need.name for need in jobs_needed(jobs, [job.name])} & set(names)}


#: Setting -> the jobs that it changes itself.
CHANGES = {
    "stage1.atst.epochs=2": ["iteration1_stage1_atst", "iteration2_stage1_atst"],
    "stage2.passt.loss.weak=3": ["iteration1_stage2_passt", "iteration2_stage2_passt"],
    "pretrain.epochs=2": ["pretrain_atst"],
    "description=the same": ["report"],
    "data.weak_train_fraction=0.5": ["data"],
}


@pytest.mark.parametrize("setting", CHANGES)
def test_a_variant_runs_what_its_setting_changes_and_what_follows_from_it(run, setting):
    variant = run.variant("other", [setting])
    expected = descendants(variant, *CHANGES[setting])
    found = shared(variant)
    everything = {job.name for job in graph_of(variant)}
    assert found.names == everything - expected
    assert set(due_jobs(variant, graph_of(variant), Digests(variant.path), found)) == expected
    take(variant, found)
    assert due(variant) == expected
    for name in found.names:
        job = next(job for job in graph_of(variant) if job.name == name)
        assert read_manifest(variant.path / job.manifest).shared_from == "tiny"
        for path in set(job.outputs) - {job.manifest}:
            assert (variant.path / path).samefile(run.path / path)


def test_more_iterations_share_those_that_are_there(run):
    variant = run.variant("", "iterations=3")
    assert variant.name == "tiny-iterations=3"
    first = {job.name for job in graph_of(run)} - {"compare", "errors", "report"}
    assert shared(variant).names == first


def test_runs_share_both_ways_and_also_through_a_third(run, tmp_path):
    variant = run.variant("other", "stage1.atst.epochs=2")
    take(variant, shared(variant))
    shutil.rmtree(run.path / "pretrain")
    assert shared(run).names == {"pretrain_atst"}
    shutil.rmtree(run.path)
    third = Run(run.path.with_name("third"), run.experiment)
    names = {"data", "pretrain_atst", "iteration1_stage1_passt", "iteration1_scores_stage1_passt"}
    assert names <= shared(third).names and "iteration1_stage1_atst" not in shared(third).names
    take(create_run(third.experiment, third.path), shared(third))
    assert read_manifest(third.path / "pretrain/atst/manifest.json").shared_from == "tiny"


def test_what_is_damaged_lost_or_of_other_clips_is_not_shared(run):
    variant = run.variant("other", "description=new")
    everything = shared(variant).names
    best = run.path / "iteration1/stage2/atst/best.pt"
    best.write_text("something else")
    assert everything - shared(variant).names == descendants(variant, "iteration1_stage2_atst") - {"report"}
    best.unlink()
    assert "iteration1_stage2_atst" not in shared(variant).names
    (run.path / "pretrain/atst/manifest.json").write_text("{")
    assert "pretrain_atst" not in shared(variant).names and "data" in shared(variant).names
    (run.data_root / "mini.json").write_text("{}")
    assert shared(variant).names == set()


def test_nothing_is_taken_twice_and_a_taken_file_is_nobody_elses_to_lose(run):
    variant = run.variant("other", "description=new")
    take(variant, shared(variant))
    assert shared(variant).names == set()
    shutil.rmtree(run.path)
    assert due(variant) == {"report"}


def test_jobs_until_a_node_are_what_it_needs(run):
    jobs = graph_of(run)
    names = {until: [job.name for job in jobs_until(jobs, until)] for until in ("data", "pretrain", "iteration1")}
    assert names["data"] == ["data"] and names["pretrain"] == ["data", "pretrain_atst"]
    assert names["iteration1"][-1] == "iteration1_evaluate" and "iteration2_stage1_atst" not in names["iteration1"]
    assert [job.name for job in jobs_until(jobs, "iteration1_stage1")] == [
        "data",
        "pretrain_atst",
        "iteration1_stage1_atst",
        "iteration1_stage1_passt",
    ]
    assert len(jobs_until(jobs, "report")) == len(jobs)
    with pytest.raises(
        SedlabError, match=r"unknown node 'iteration1_stage1_ats'. Did you mean 'iteration1_stage1_atst'"
    ):
        jobs_until(jobs, "iteration1_stage1_ats")


def test_a_variant_is_known_by_its_settings(run):
    variant = run.variant("other", ["stage1.epochs=2", "archs=[atst]"])
    assert variant.parent.path == run.path and variant.settings == ("stage1.epochs=2", "archs=[atst]")
    assert run.variant("other", "stage1.epochs=2, archs=[atst]").path == variant.path
    assert variant.experiment == with_settings(run.experiment, variant.settings, "")
    assert json.loads((variant.path / "variant.json").read_text())["of"] == "tiny"
    assert open_run(variant.path).parent.path == run.path and run.parent is None and run.settings == ()
    with pytest.raises(SedlabError, match=r"other: a variant of tiny with stage1.epochs=2, archs=\[atst\]. Choose"):
        run.variant("other", "stage1.epochs=3")
    with pytest.raises(SedlabError, match="a run of another configuration is there"):
        variant.variant("tiny", "stage1.epochs=9")
    with pytest.raises(SedlabError, match="needs settings that differ"):
        run.variant("empty", "")
    with pytest.raises(
        SedlabError, match=r"tiny, setting stage1.epoch=2, .*: unknown key epoch. Did you mean 'epochs'"
    ):
        run.variant("", "stage1.epoch=2")
    long = run.variant("", [f"stage1.loss.ramp_steps={k}" for k in range(1, 12)])
    assert len(long.name) < 140
