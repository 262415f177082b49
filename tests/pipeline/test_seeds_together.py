"""Several seeds are one graph: what is common is done once, what a seed draws is done for each, pairs come last."""

import json
import shutil
from pathlib import Path

import pytest
from finished_run import finish
from tiny_project import make_experiment

from sedlab.commands.run import told_failure
from sedlab.errors import SedlabError
from sedlab.pipeline.graph import graph_of
from sedlab.pipeline.joint.cards import check_cards, num_cards, told_cards
from sedlab.pipeline.joint.graph import joint_graph
from sedlab.pipeline.running.plan import plan
from sedlab.pipeline.running.scheduling import Outcome
from sedlab.runs.layout import SEEDS_RESULTS
from sedlab.runs.run import Run, create_run, open_run
from sedlab.runs.seeds.folders import note_seeds, repeated
from sedlab.system.cards import Card, handed_on


def planned(run, **options):
    found = plan(run.experiment, run.path, **options)
    return {job.name: job.reason for job in found.jobs}, found


def names(run, prefix):
    return {f"{prefix}{job.name}" for job in graph_of(run, [])}


@pytest.fixture(scope="module")
def _finished_pair(tmp_path_factory):
    first = Run(tmp_path_factory.mktemp("pair") / "runs/tiny", make_experiment(archs=("atst",), iterations=1))
    pair = [create_run(run.experiment, run.path) for run in repeated(first, 2)]
    note_seeds(pair)
    finish(pair[1])
    finish(pair[0])
    return first.path.parent.parent


@pytest.fixture
def finished_pair(_finished_pair, tmp_path):
    """A run and its repetition, both at their end."""
    shutil.copytree(_finished_pair, tmp_path / "pair", copy_function=shutil.copyfile)
    return [open_run(tmp_path / "pair/runs" / name) for name in ("tiny", "tiny-seed2")]


def test_nothing_is_done_twice_that_no_seed_touches(tiny, tmp_path):
    run = Run(tmp_path / "runs/tiny", tiny)
    jobs, _ = planned(run, seeds=3)
    assert set(jobs) == {name for seed in ("tiny", "tiny-seed2", "tiny-seed3") for name in names(run, f"{seed}/")}
    same = {name for name, reason in jobs.items() if reason.startswith("The same as")}
    assert same == {"tiny-seed2/data", "tiny-seed3/data"}
    assert not run.path.exists()


def test_what_is_common_waits_for_the_first_and_the_comparison_for_all(finished_pair):
    jobs = {job.name: job for job in joint_graph(finished_pair)}
    assert jobs["tiny-seed2/data"].donor == "." and "data/manifest.json" in jobs["tiny-seed2/data"].inputs
    assert [job.name for job in jobs.values() if job.donor] == ["tiny-seed2/data"]
    made_by = {path: job.name for job in jobs.values() for path in job.outputs}
    needed = {made_by[path] for path in jobs["tiny/compare"].inputs if path in made_by}
    evaluations = {"iteration1_evaluate", "pretrain_atst"}
    assert needed == {f"{run}/{name}" for run in ("tiny", "tiny-seed2") for name in evaluations}
    assert all(not name.startswith("tiny/") for name in (made_by.get(p, "") for p in jobs["tiny-seed2/report"].inputs))
    assert len(made_by) == sum(len(job.outputs) for job in jobs.values())


@pytest.fixture
def finished_first(finished_pair):
    """A run at its end, alone."""
    first, second = finished_pair
    shutil.rmtree(second.path)
    note_seeds([first])
    return first


def test_a_finished_run_is_the_first_seed_and_only_the_others_are_trained(finished_first):
    jobs, found = planned(finished_first, seeds=2)
    assert found.shared == {"tiny": ["tiny-seed2/data"]}
    assert {name for name in jobs if name.startswith("tiny/")} == {"tiny/compare", "tiny/report"}
    assert {name for name in jobs if name.startswith("tiny-seed2/")} == names(finished_first, "tiny-seed2/") - {
        "tiny-seed2/data"
    }


def test_until_holds_for_every_seed(finished_first):
    jobs, _ = planned(finished_first, seeds=2, until="iteration1_stage1")
    trainings = {"pretrain_atst", "iteration1_stage1_atst"}
    assert set(jobs) == {f"tiny-seed2/{name}" for name in trainings}


def test_finished_seeds_are_finished_together_and_each_alone(finished_pair):
    first, second = finished_pair
    assert planned(first, seeds=2)[0] == planned(first)[0] == planned(second)[0] == {}


def test_new_metrics_of_one_seed_compare_all_again(finished_pair):
    first, second = finished_pair
    (second.path / "iteration1/metrics.csv").unlink()
    after = {"iteration1_evaluate", "compare", "report"}
    # The fake files of both are alike: nothing may be taken.
    due = set(planned(first, seeds=2, share=False)[0])
    assert due == {f"tiny-seed2/{name}" for name in after} | {"tiny/compare", "tiny/report"}
    (second.path / "iteration1/metrics.csv").write_text("made anew by itself")
    assert set(planned(first, share=False)[0]) == {"compare", "report"}


def test_one_seed_more_or_less_compares_again_and_trains_no_other(finished_pair):
    first, _ = finished_pair
    more = planned(first, seeds=3, share=False)[0]
    assert {name for name in more if not name.startswith("tiny-seed3/")} == {"tiny/compare", "tiny/report"}
    assert set(planned(first, seeds=1, share=False)[0]) == {"compare", "report"}


def test_a_run_that_was_copied_without_its_repetitions_is_as_finished(finished_pair, tmp_path):
    first, _ = finished_pair
    for part in ("runs/tiny", "data"):
        shutil.copytree(first.project / part, tmp_path / "copy" / part)
    assert planned(Run(tmp_path / "copy/runs/tiny", first.experiment))[0] == {}


def test_a_changed_setting_leaves_the_old_repetitions_out(finished_pair):
    first, _ = finished_pair
    changed = Run(first.path, first.experiment.model_copy(update={"description": "new"}))
    jobs = {job.name: job for job in graph_of(changed)}
    assert jobs["compare"].outputs == ("results.csv", "compare/manifest.json")
    assert SEEDS_RESULTS in {job.name: job for job in graph_of(first)}["compare"].outputs


CARDS = (Card("0", "H100", "a"), Card("3", "H100", "b"))


def with_devices(experiment, devices, **trainer):
    stages = experiment.stages.model_copy(
        update={"stage2": {**experiment.stages.stage2, "trainer": {"devices": devices, **trainer}}}
    )
    return experiment.model_copy(update={"stages": stages})


def test_a_job_takes_the_cards_that_its_trainer_asks_for(tiny, tmp_path):
    def taken(devices, available, **trainer):
        run = Run(tmp_path / "runs/tiny", with_devices(tiny, devices, **trainer))
        jobs = {job.name: job for job in graph_of(run)}
        which = ("data", "iteration1_stage1_atst", "iteration1_stage2_atst", "iteration1_scores_stage2_atst")
        return [num_cards(jobs[name], available) for name in which]

    assert taken(1, 2) == [0, 1, 1, 1]
    assert taken(2, 4) == [0, 1, 2, 1]
    assert taken("auto", 4) == [0, 1, 4, 1]
    assert taken(2, 0) == [0, 0, 0, 0]
    assert taken(2, 4, accelerator="cpu") == [0, 1, 0, 0]


def test_more_cards_than_there_are_are_refused_before_anything_runs(tiny, tmp_path, monkeypatch):
    for name, value in handed_on(CARDS).items():
        monkeypatch.setenv(name, value)
    run = Run(tmp_path / "runs/tiny", with_devices(tiny, 4))
    message = (
        r"iteration1_stage2_atst: trainer.devices is 4, and torch can use 2 here: 0 \(H100\), 3 \(H100\). "
        "Set stage2.trainer.devices=2 or auto"
    )
    with pytest.raises(SedlabError, match=message):
        planned(run)
    check_cards(graph_of(run), ())
    assert planned(Run(run.path, tiny))[1].on_cards == "2 at a time on 0 (H100), 3 (H100)"
    assert planned(Run(run.path, tiny), per_card=3)[1].on_cards == "6 at a time on 0 (H100), 3 (H100)"
    assert told_cards(graph_of(run), CARDS[:1]) == "one at a time on 0 (H100)"
    assert planned(Run(run.path, tiny), until="data")[1].on_cards == ""


def cards_of(run_folder: Path, job: str) -> str:
    """Which card the job was told of, and which it saw."""
    lines = (run_folder / "logs" / f"{job}.txt").read_text().splitlines()
    (told,) = [line.removeprefix("graphics card: ") for line in lines if line.startswith("graphics card: ")]
    (seen,) = [line.removeprefix("sees ") for line in lines if line.startswith("sees ")]
    assert told == f"{seen} (H100)"
    return seen


def test_a_failure_leads_to_the_log_of_its_own_run():
    for name, log in (("data", "runs/tiny/logs/data.txt"), ("tiny-seed2/data", "runs/tiny-seed2/logs/data.txt")):
        told = told_failure(Outcome(failed=[f"{name}: it went wrong."]), Path("runs/tiny"))
        assert told == f"{name}: it went wrong. Printed: {log}. Run the same command again to go on."


@pytest.mark.slow
def test_seeds_run_side_by_side_on_cards_of_their_own(project, tmp_path):
    locks = tmp_path / "tmp"
    locks.mkdir()
    project.environment |= handed_on(CARDS) | {"TMPDIR": str(locks)}
    project.order({"pretrain_atst": "meet"})  # both are at work at the same time
    done = project.sedlab_run("--seeds", "2", "--until", "pretrain", "--cores", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("[1/4] tiny/data ")
    folders = [project.run_folder, project.folder / "runs/tiny-seed2"]
    assert sorted(cards_of(folder, "pretrain_atst") for folder in folders) == ["0", "3"]
    assert json.loads((folders[1] / "data/manifest.json").read_text())["shared_from"] == "tiny"
    assert "sees" not in (folders[0] / "logs/data.txt").read_text()
