"""Corrections of labels make due what reads the labels, and nothing else."""

import pytest
from finished_run import _finished_tiny, finish, finished_tiny

from sedlab.config.loading import load_experiment, to_yaml, with_settings
from sedlab.data.review.decisions import Decision, empty_table, with_decision, write_decisions
from sedlab.errors import SedlabError
from sedlab.pipeline.due.jobs import due_jobs
from sedlab.pipeline.due.shared import find_shared, take
from sedlab.pipeline.graph import graph_of, jobs_needed
from sedlab.pipeline.outside_files import check_outside_files
from sedlab.pipeline.readiness import examine
from sedlab.runs.digests import Digests

__all__ = ["_finished_tiny", "finished_tiny"]

TRAININGS = {
    f"iteration{i}_{stage}_{arch}" for i in (1, 2) for stage in ("stage1", "stage2") for arch in ("atst", "passt")
}


def due(run):
    return set(due_jobs(run, graph_of(run), Digests(run.path)))


def descendants(run, names):
    jobs = graph_of(run)
    return {job.name for job in jobs if {need.name for need in jobs_needed(jobs, [job.name])} & set(names)}


def decide(run, *decisions):
    table = empty_table()
    for subset, decision, note in decisions:
        made = Decision(subset, "clip", 1.0, 2.0, "Dog", "missed", decision, 1.0, 3.0, note=note)
        table = with_decision(table, made)
    write_decisions(run.project / "runs/tiny/review.tsv", table)


def corrected(run, *settings):
    variant = run.variant("corrected", ["data.corrections=runs/tiny/review.tsv", *settings])
    shared = find_shared(variant, graph_of(variant), Digests(variant.path))
    expected = set(due_jobs(variant, graph_of(variant), Digests(variant.path), shared))
    take(variant, shared)
    assert due(variant) == expected
    return variant, expected


def test_a_corrected_variant_trains_anew_and_shares_the_rest(finished_tiny):
    run = finished_tiny
    decide(run, ("strong_train", "right", ""))
    variant, found = corrected(run)
    assert found == descendants(variant, TRAININGS) | {"report"}
    assert not {"data", "pretrain_atst"} & found
    assert due(run) == set()


def test_only_decisions_that_change_labels_make_due_what_reads_them(finished_tiny):
    decide(finished_tiny, ("strong_train", "right", ""), ("devtest", "right", ""))
    variant, _ = corrected(finished_tiny, "data.corrected_splits=[train, test]")
    finish(variant)
    assert due(variant) == set()
    # What is noted, and what is unsure, changes no label.
    decide(finished_tiny, ("strong_train", "right", "twice"), ("synth_train", "unsure", ""), ("devtest", "right", ""))
    assert due(variant) == set()
    for changed in ("wrong", "moved"):
        decide(finished_tiny, ("strong_train", changed, ""), ("devtest", "right", ""))
        assert due(variant) == descendants(variant, TRAININGS)
    decide(finished_tiny, ("strong_train", "right", ""), ("devtest", "wrong", ""))
    assert due(variant) == {"iteration1_evaluate", "iteration2_evaluate", "errors", "compare", "report"}


def test_a_run_without_corrections_is_told_as_before(finished_tiny):
    assert "correct" not in to_yaml(finished_tiny.experiment)
    experiment = with_settings(finished_tiny.experiment, ["data.corrections=a.tsv"], "test")
    assert experiment.node("stage1", "atst", 1).data.corrections is not None
    assert experiment.node("pretrain", "atst").data.corrections is None
    assert with_settings(experiment, ["data.corrections=null"], "test") == finished_tiny.experiment


def test_an_absent_or_broken_file_is_told_before_anything_starts(finished_tiny, monkeypatch):
    monkeypatch.chdir(finished_tiny.project)
    variant = finished_tiny.variant("other", ["data.corrections=lost.tsv"])
    with pytest.raises(SedlabError, match=r"lost.tsv: no such file; data.corrections names it"):
        check_outside_files(variant)
    assert "lost.tsv" in examine(variant).missing
    (finished_tiny.project / "lost.tsv").write_text("filename\tlabel\nx\ty\n")
    with pytest.raises(SedlabError, match=r"lost.tsv: neither a review.tsv nor a corrected table"):
        check_outside_files(variant)


def test_splits_are_checked():
    with pytest.raises(SedlabError, match=r"data.corrected_splits"):
        load_experiment("nano", ["data.corrections=a.tsv", "data.corrected_splits=[training]"])
