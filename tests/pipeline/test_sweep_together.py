"""A sweep is one graph: what values and seeds have in common is done once, and real numbers come to its table."""

import hashlib
import json
import re
import shutil
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import yaml
from finished_run import write_empty_cache
from scipy import stats
from shell import sedlab
from tiny_project import experiment_tree

from sedlab.pipeline.due.inputs import Inputs
from sedlab.pipeline.graph import graph_of
from sedlab.pipeline.job import take_result
from sedlab.pipeline.joint.counting import count_jobs, counts_table
from sedlab.pipeline.joint.graph import SAME_AS, joint_graph
from sedlab.pipeline.running import runner
from sedlab.pipeline.running.display import Display
from sedlab.pipeline.running.plan import plan_together
from sedlab.pipeline.running.scheduling import Outcome
from sedlab.report.sweep import PAGE_FILE, PICTURE_FILE, write_sweep
from sedlab.runs.digests import Digests
from sedlab.runs.manifest import read_manifest, recorded
from sedlab.runs.run import create_run, open_run
from sedlab.runs.seeds.folders import note_seeds, repeated
from sedlab.runs.sweeps.folders import note_sweep, open_sweep, planned_sweep
from sedlab.runs.sweeps.results import (
    NUMBERS_FILE,
    TABLE_FILE,
    printed_sweep,
    sweep_numbers,
    sweep_table,
    told_sweep,
    told_sweeps,
)
from sedlab.runs.sweeps.values import read_grid
from sedlab.scoring.results import COLUMNS, write_results

KEY = "stage2.loss.self_supervised"


def swept(folder, change, count=2):
    """Plan a sweep of the tiny experiment: the sweep, and its runs with their seeds, the base first."""
    preset = folder / "tiny.yaml"
    preset.write_text(yaml.safe_dump(experiment_tree(archs=("atst",), iterations=1)))
    sweep = planned_sweep(str(preset), read_grid([change]), runs_folder=folder / "runs")
    runs = sorted(sweep.runs.values(), key=lambda run: run != sweep.base_run)
    return sweep, [repeated(run, count) for run in runs]


def psds1(value, seed, stage):
    """What a run is made to come to: a setting of stage 2 says nothing about stage 1."""
    gain = value / 1000 + 0.001 * np.sin(seed * value) if stage == "stage2" else 0
    return 0.2 + 0.003 * seed + gain


def do(run, job):
    """Do a job: its files depend on all that it reads, and metrics on the setting and the seed."""
    read = Inputs(run, Digests(run.path)).of(job)
    mark = hashlib.sha256(json.dumps([job.name, read], sort_keys=True).encode()).hexdigest()
    with recorded(run.path, job.manifest, job.name, job.parameters, read) as manifest:
        manifest.results = {"objective": int(mark[:4], 16)} if job.kind in ("stage1", "stage2") else {"of": mark}
        for name in job.outputs:
            if name != job.manifest:
                (run.path / name).parent.mkdir(parents=True, exist_ok=True)
                (run.path / name).write_text(f"{name} {mark}")
                manifest.files[name] = 0
        if job.kind == "evaluate":
            _write_metrics(run, job.parameters["iteration"])
    if job.kind == "data":
        write_empty_cache(run)


def _write_metrics(run, iteration):
    value = run.node("stage2", "atst", 1).training.loss.self_supervised
    places = [("atst", "stage1"), ("atst", "stage2"), ("ensemble", "stage2")]
    rows = [
        (iteration, model, stage, False, "median", "devtest", "psds1", "all", found, None, None, 8)
        for model, stage in places
        for found in [psds1(value, run.experiment.seed, stage)]
    ]
    write_results(run.metrics(iteration), pd.DataFrame(rows, columns=list(COLUMNS)))


class Scheduler:
    """Does jobs here, one after the other, instead of in processes of their own."""

    def __init__(self):
        self.done = []
        """Names of the jobs, and whether each took the files of another."""

    def __call__(self, runs, planned, *_):
        wanted = {job.name for job in planned}
        waiting = [placed for placed in joint_graph(runs) if placed.name in wanted]
        while waiting:
            unmade = {path for placed in waiting for path in placed.outputs}
            placed = next(one for one in waiting if unmade.isdisjoint(one.inputs))
            waiting.remove(placed)
            taken = bool(placed.donor) and take_result(placed.run, placed.job, runs[0].path / placed.donor)
            assert taken or not placed.donor, f"{placed.name} could not be taken from {placed.donor}"
            self.done.append((placed.name, taken))
            if not taken:
                do(placed.run, placed.job)
        return Outcome(jobs=planned)


def bring_up(sweep, groups, **options):
    def note():
        note_sweep(sweep)
        for group in groups:
            note_seeds(group)

    scheduler = Scheduler()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "schedule", scheduler)
        runner.run_together(groups, cores=1, display=Display(), note=note, **options)
    return scheduler.done


@pytest.fixture(scope="module")
def _three_values(tmp_path_factory):
    folder = tmp_path_factory.mktemp("swept")
    sweep, groups = swept(folder, f"{KEY}=30,0.58,120")
    plan = plan_together(groups)
    assert not (folder / "runs").exists()
    return folder, sweep, groups, plan, bring_up(sweep, groups)


@pytest.fixture
def finished_sweep(_three_values, tmp_path):
    """Three values and two seeds, all at their end, in a project of its own."""
    shutil.copytree(_three_values[0], tmp_path / "project", copy_function=shutil.copyfile)
    return open_sweep(tmp_path / f"project/runs/tiny-sweep-{KEY}")


def test_three_values_and_two_seeds_share_all_that_does_not_differ(_three_values):
    _, _, groups, plan, done = _three_values
    runs = [open_run(run.path) for group in groups for run in group]
    manifests = [read_manifest(run.path / job.manifest) for run in runs for job in graph_of(run)]
    # Counted by what was read and written, in place of the graph: the same work is there several times, done once.
    contents = Counter(json.dumps([one.node, one.inputs, one.digests], sort_keys=True) for one in manifests)
    again = len(manifests) - len(contents)
    assert again == sum(job.reason.startswith(SAME_AS) for job in plan.jobs) == sum(taken for _, taken in done)
    assert again == sum(bool(one.shared_from) for one in manifests)
    # Data, pre-training, stage 1 and its scores are those of the base with the same seed, in both variants; data of
    # the base's second seed are those of the first.
    assert again == 2 * 2 * 4 + 1 and len(plan.jobs) == len(manifests) == len(done)


def test_a_value_more_runs_only_what_is_new(finished_sweep):
    folder = finished_sweep.path.parent.parent
    sweep, groups = swept(folder, f"{KEY}=30,0.58,120,200")
    plan = plan_together(groups)
    taken = [name for names in plan.shared.values() for name in names]
    counts = count_jobs(plan.num_jobs, taken, {job.name: job.reason for job in plan.jobs})
    old, new = counts["tiny"], counts[f"tiny-{KEY}=200"]
    assert old.done == old.jobs == counts[f"tiny-{KEY}=30-seed2"].done
    assert (new.taken, new.done, new.shared, new.to_run) == (4, 0, 0, new.jobs - 4)
    lines = [line.split() for line in counts_table({"a": [old, new], "b": [old]})]
    assert [line[5] for line in lines[1:]] == ["all", "a", "b"]
    assert lines[2][:5] == [str(number) for number in (old.jobs + new.jobs, old.jobs, 4, 0, new.to_run)]
    done = bring_up(sweep, groups)
    assert {name.partition("/")[0] for name, _ in done} == {f"tiny-{KEY}=200", f"tiny-{KEY}=200-seed2"}
    assert len(done) == 2 * new.to_run and not any(taken for _, taken in done)
    assert list(open_sweep(sweep.path).runs) == [("30",), ("0.58",), ("120",), ("200",)]


def test_a_sweep_that_was_stopped_goes_on(tmp_path):
    sweep, groups = swept(tmp_path, f"{KEY}=30,0.58", 1)
    first = bring_up(sweep, groups, until="iteration1_stage1_atst")
    second = bring_up(sweep, groups, until="iteration1_stage2_atst")
    assert [name for name, _ in first] == [
        f"{run}/{job}"
        for run in ("tiny", f"tiny-{KEY}=30")
        for job in ("data", "pretrain_atst", "iteration1_stage1_atst")
    ]
    assert [name for name, _ in second] == ["tiny/iteration1_stage2_atst", f"tiny-{KEY}=30/iteration1_stage2_atst"]


def test_numbers_of_every_run_come_to_the_table_the_page_and_the_picture(finished_sweep):
    sweep = finished_sweep
    page, table = write_sweep(sweep), sweep_table(sweep)
    row = table.set_index([KEY, "metric", "iteration", "stage", "model"]).loc["30", "psds1", 1, "stage2", "ensemble"]
    mine, base = ([psds1(value, seed, "stage2") for seed in (1, 2)] for value in (30, 0.58))
    assert row["mean"] == pytest.approx(np.mean(mine)) and row["sd"] == pytest.approx(np.std(mine, ddof=1))
    difference = np.subtract(mine, base)
    low, high = stats.ttest_rel(mine, base).confidence_interval()
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((difference.mean(), low, high))
    assert (row["pairs"], row["up"]) == (2, 2)
    same = table[(table["stage"] == "stage1") & ~table["base"]]
    assert len(same) and (same["difference"] == 0).all()
    assert set(table["metric"]) == {"psds1", "objective"}
    # What is in print is in the files.
    written = pd.read_csv(sweep.path / TABLE_FILE)
    assert written["mean"].to_numpy() == pytest.approx(table["mean"].to_numpy())
    assert len(pd.read_csv(sweep.path / NUMBERS_FILE)) == len(sweep_numbers(sweep))
    text = page.read_text(encoding="utf-8")
    assert page.name == PAGE_FILE and "<svg" in text and f'href="../tiny-{KEY}=120/report.html"' in text
    assert (sweep.path / PICTURE_FILE).read_bytes().startswith(b"\x89PNG")
    printed = printed_sweep(table, sweep.keys)
    assert list(printed["self_supervised"].unique()) == ["30", "0.58", "120"]
    assert "base" in set(printed["PSDS1: difference"])
    told = told_sweep(sweep, table)
    assert "over 2 seeds" in told and "2 pairs are few" in told and "Choose a value by the selection objective" in told
    assert sweep.name in told_sweeps(sweep.base_run)


def test_a_run_that_became_another_is_left_out_with_a_warning(finished_sweep, capsys):
    path = finished_sweep.runs["30",].path
    create_run(finished_sweep.base_run.experiment.model_copy(update={"iterations": 2}), path)
    sweep = open_sweep(finished_sweep.path)
    assert set(sweep_table(sweep)[KEY]) == {"0.58", "120"}
    assert f"{path}: left out, it differs from tiny in more than {KEY}=30" in capsys.readouterr().err


def test_dry_run_of_the_command_counts_by_value(project):
    done = sedlab("sweep", "tiny.yaml", "--set", f"{KEY}=30,0.58", "--seeds", "2", "--dry-run", cwd=project.folder)
    assert done.returncode == 0, done.stderr
    _, everything, *rows, last = done.stdout.splitlines()
    jobs, already, earlier, shared, to_run = map(int, everything.split()[:5])
    assert (already, earlier, shared) == (0, 0, 2 * 4 + 1) and jobs == shared + to_run
    assert [row.split(maxsplit=5)[5] for row in rows] == [
        f"{KEY}=30: tiny-{KEY}=30 and 1 more seed",
        f"{KEY}=0.58 (base): tiny and 1 more seed",
    ]
    assert last == f"{to_run} jobs would run" and not (project.folder / "runs").exists()


@pytest.mark.slow
def test_the_command_runs_values_beside_each_other_with_real_jobs(project):
    words = ("sweep", "tiny.yaml", "--set", "stage1.epochs=1,2", "--until", "iteration1_stage1_atst", "--cores", "2")
    done = sedlab(*words, cwd=project.folder, env=project.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    other = project.folder / "runs/tiny-stage1.epochs=2"
    for node in ("data", "pretrain/atst"):
        assert read_manifest(other / node / "manifest.json").shared_from == "tiny"
    assert read_manifest(other / "iteration1/stage1/atst/manifest.json").shared_from == ""
    assert re.search(r"^4 jobs done and 2 taken from them", done.stdout, re.MULTILINE)
    assert "page: runs/tiny-sweep-stage1.epochs/sweep.html" in done.stdout
    again = sedlab(*words, cwd=project.folder, env=project.environment)
    assert again.stdout.startswith("nothing to do"), again.stdout + again.stderr
