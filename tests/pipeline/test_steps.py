"""A stage by itself: what it refuses, which run it takes, what it says that it needs."""

import json
import re
from pathlib import Path

import pytest
from finished_run import _finished_tiny, finished_tiny
from IPython.core.interactiveshell import InteractiveShell

import sedlab
from sedlab.config.loading import load_experiment, split_settings
from sedlab.errors import SedlabError
from sedlab.pipeline import stages
from sedlab.pipeline.graph import graph_of
from sedlab.pipeline.steps.begin import run_command
from sedlab.pipeline.steps.estimate import estimate_seconds, told_seconds
from sedlab.runs.locks import RUN_PROCESS
from sedlab.runs.run import Run, create_run

__all__ = ["_finished_tiny", "finished_tiny"]


@pytest.fixture
def shell(monkeypatch):
    """A kernel's shell, with the cells it has run."""
    shell = InteractiveShell()
    cells = [""]
    monkeypatch.setitem(shell.user_ns, "In", cells)
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    return cells


@pytest.mark.parametrize(
    ("injected", "message"),
    [
        (
            "iterations = 2",
            r"unknown parameter 'iterations' \(the notebook has: preset, iteration\). Did you mean 'iter",
        ),
        ('preset = "nano"\nsetings = "x=1"', "unknown parameter 'setings'"),
        ("x = y = 1", "unknown parameter 'x'"),
    ],
)
def test_parameters_that_papermill_injects_are_refused_by_name(shell, injected, message):
    shell += ['preset = "mini"\niteration = 1', "# Parameters\n" + injected]
    with pytest.raises(SedlabError, match=message):
        sedlab.check_parameters(preset="mini", iteration=1)


def test_what_a_person_assigns_and_what_is_known_is_left_alone(shell):
    shell += ["anything = 1", "# Parameters\niteration = 2\n", "%matplotlib inline"]
    sedlab.check_parameters(preset="mini", iteration=2)


@pytest.fixture
def project(finished_tiny, monkeypatch):
    """A finished run in the working folder."""
    monkeypatch.chdir(finished_tiny.project)
    return finished_tiny


def test_a_finished_run_begins_without_a_word(project, capsys):
    opened = stages.begin("stage1", run="runs/tiny", arch="atst", iteration="2")
    assert opened.path == project.path and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"arch": "atts"}, r"runs/tiny: arch 'atts' is not there \(it has: atst, passt\). Did you mean 'atst'?"),
        ({"iteration": 3}, r"runs/tiny: iteration 3 is not there \(it has: 1 to 2\)"),
        ({"iteration": True}, "iteration True is not there"),
        ({"run": "runs/tini"}, "runs/tini: no such run folder. Did you mean 'tiny'?"),
        ({"settings": "stage1.epoch=1"}, "unknown key epoch. Did you mean 'epochs'?"),
        ({"settings": "epochs 5"}, "settings: 'epochs 5' is no key=value"),
        ({"run": "", "preset": "minni"}, "unknown preset 'minni'"),
        ({"run": "", "preset": "paper"}, r"^paper: 13 of the things it needs are not here \(.*\), and with them "
         r"iteration1_stage1_atst takes about \d+ days on this machine. What they are, and where they come from: "
         r"sedlab run paper --until iteration1_stage1_atst --dry-run$"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_named(project, others, message):
    before = sorted(Path("runs").iterdir())
    with pytest.raises(SedlabError, match=message):
        stages.begin("stage1", **{"run": "runs/tiny", "arch": "atst", "iteration": 1} | others)
    assert sorted(Path("runs").iterdir()) == before


def test_only_a_pretrained_transformer_has_a_pretraining(project):
    with pytest.raises(SedlabError, match=r"arch 'passt' is not there \(it has: atst\)"):
        stages.begin("pretrain", run="runs/tiny", arch="passt")


def test_a_variant_says_what_it_takes_and_needs_nothing_more(project, capsys):
    opened = stages.begin("stage1", run="runs/tiny", settings="stage1.epochs=2", arch="atst", iteration=1)
    assert opened.path.name == "tiny-stage1.epochs=2" and opened.parent.path == project.path
    assert capsys.readouterr().out == "taken from runs/tiny: data, pretrain_atst\n"
    with pytest.raises(
        SedlabError, match=r"iteration2_stage2_atst needs iteration 1 stage1 .* so it is not begun here"
    ):
        # The networks are of the published size, which no CPU trains in an hour.
        stages.begin("stage2", run="runs/tiny", settings="stage1.epochs=20000", arch="atst", iteration=2)


def test_long_work_is_refused_with_a_command_that_does_it(project, tmp_path):
    variant = project.variant("long", "pretrain.epochs=100000")
    with pytest.raises(SedlabError) as error:
        stages.begin("evaluate", run="runs/long", iteration=1)
    found = re.search(
        r"needs pretrain \(atst\), .*: about (.*) on this machine.* Run: (sedlab run .*)$", str(error.value)
    )
    assert found[1].endswith(("h", "days"))
    assert found[2] == "sedlab run runs/long/config.yaml --name long --until iteration1_evaluate"
    assert load_experiment("runs/long/config.yaml") == variant.experiment


def test_inside_sedlab_run_nothing_is_looked_for(project, monkeypatch):
    monkeypatch.setenv(RUN_PROCESS, "1:1")
    (project.path / "pretrain/atst/best.pt").unlink()
    assert stages.begin("stage1", run="runs/tiny", arch="atst", iteration=1).path == project.path


def test_a_new_run_is_made_once_and_not_in_the_place_of_another(project):
    made = sedlab.new_run("nano", name="quick", settings=["stage2.epochs=1"])
    assert made.path == project.path.with_name("quick") and made.node("stage2", "atst", 1).training.epochs == 1
    assert sedlab.new_run("nano", name="quick", settings="stage2.epochs=1").path == made.path
    with pytest.raises(
        SedlabError, match=r"another configuration is there \(rules\). `sedlab.open_run\('.*quick'\)` opens"
    ):
        sedlab.new_run("nano", name="quick")
    assert sedlab.new_run("nano").name == "nano"
    with pytest.raises(SedlabError, match="name 'a/b': not a folder name"):
        sedlab.new_run("nano", name="a/b")
    assert run_command(made) == "sedlab run runs/quick/config.yaml --name quick"
    assert run_command(sedlab.new_run("nano")) == "sedlab run nano"


def test_settings_are_split_at_commas_between_them():
    assert split_settings("a.b=1, c=[2, 3],d = {x: 1, y: 2},") == ("a.b=1", "c=[2, 3]", "d={x: 1, y: 2}")
    assert split_settings(["a=1", " ", "b=x, c=2"]) == ("a=1", "b=x", "c=2")


def test_an_estimate_grows_with_the_work_and_shrinks_with_cores_and_heeds_what_was_measured(tmp_path):
    run = Run(tmp_path / "runs/mini", load_experiment("mini"))
    jobs = [job for job in graph_of(run) if job.kind in ("data", "pretrain", "stage1")]
    one, two = estimate_seconds(run, jobs, 1), estimate_seconds(run, jobs, 2)
    assert one / 2 <= two < one
    assert estimate_seconds(run, jobs[:1], 2) == estimate_seconds(run, jobs[:1], 1) < two
    pretraining = [job for job in jobs if job.name == "pretrain_atst"]
    guessed = estimate_seconds(run, pretraining, 1)
    create_run(run.experiment, run.path)
    manifest = {
        "node": "pretrain_atst",
        "parameters": {},
        "started": "",
        "results": {"steps": 10, "train_seconds": 100},
    }
    (run.path / "pretrain/atst").mkdir(parents=True)
    (run.path / "pretrain/atst/manifest.json").write_text(json.dumps(manifest))
    measured = estimate_seconds(run, pretraining, 1)
    assert measured - 8 == pytest.approx(280 * 10.0) and measured > guessed
    assert [told_seconds(s) for s in (3, 41, 100, 5000, 300_000)] == ["10 s", "50 s", "2 min", "2 h", "4 days"]
