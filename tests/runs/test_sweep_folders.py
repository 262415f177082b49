"""Which runs a sweep has: values become a grid, a grid becomes folders that cannot be mistaken for one another."""

import json
from pathlib import Path

import pytest
import yaml
from tiny_project import experiment_tree

from sedlab.errors import SedlabError
from sedlab.runs.run import create_run
from sedlab.runs.seeds.folders import note_seeds, repeated
from sedlab.runs.sweeps.folders import SWEEP_FILE, folders_at_work, note_sweep, open_sweep, planned_sweep, sweeps_of
from sedlab.runs.sweeps.values import read_grid, split_values
from sedlab.runs.variants import read_variant

KEY = "stage2.loss.self_supervised"


@pytest.fixture
def preset(tmp_path):
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(experiment_tree(archs=("atst",), iterations=1)))
    return str(tmp_path / "tiny.yaml")


@pytest.fixture
def swept(preset, tmp_path):
    def make(*changes, settings=(), name=None):
        grid = read_grid(changes, settings)
        return planned_sweep(preset, grid, name=name, runs_folder=tmp_path / "runs")

    return make


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("30,70, 120", ("30", "70", "120")),
        ("1e-4,3e-4", ("1e-4", "3e-4")),
        ("true,false", ("true", "false")),
        ("[passt, atst],[atst]", ("[passt, atst]", "[atst]")),
        ("{a: 1, b: [2, 3]},null", ("{a: 1, b: [2, 3]}", "null")),
        ("\"a, b\",'c]',it's,d", ('"a, b"', "'c]'", "it's", "d")),
        ("[1, 2]", ("[1, 2]",)),
        ("", ("",)),
    ],
)
def test_commas_separate_values_but_not_within_brackets_or_quotes(text, values):
    assert split_values(text) == values


def test_several_values_are_an_axis_and_a_plain_one_holds_for_all():
    grid = read_grid([f"{KEY}=1,2", "stage2.epochs=3", "iterations=1,2", "stage2.epochs=4"], ["archs=[atst]"])
    assert grid.keys == (KEY, "iterations") and grid.settings == ("stage2.epochs=4", "archs=[atst]")
    assert list(grid) == [("1", "1"), ("1", "2"), ("2", "1"), ("2", "2")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([f"{KEY}=1"], "no setting has several values"),
        ([], "no setting has several values"),
        ([f"{KEY}=1,,2"], "an empty value"),
        ([f"{KEY}=1,2", f"{KEY}=3"], "is set twice"),
        (["seed=1,2"], "seed cannot be swept. Use --seeds"),
        (["name=a,b"], "name cannot be swept. Use --name"),
        (["x"], "expected KEY=VALUE"),
    ],
)
def test_what_is_no_grid_is_refused_in_one_line(changes, message):
    with pytest.raises(SedlabError, match=message) as caught:
        read_grid(changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("stage2.loss.self_supervise=1,2", "unknown key loss.self_supervise. Did you mean 'self_supervised'"),
        (
            f"{KEY}=1,x",
            "self_supervised=x, iteration1_stage2_atst: loss.self_supervised: Input should be a valid number",
        ),
        (f"{KEY}=1,1.0", "gives the same experiment as"),
        ("stage2.passt.epochs=2,3", "gives the same experiment as"),
        ("stage2.epochs=1,2" + ",3" * 300, "combinations of values are more than 200"),
    ],
)
def test_keys_and_values_are_looked_at_before_anything_is_made(swept, change, message, tmp_path):
    with pytest.raises(SedlabError, match=message):
        swept(change)
    assert not (tmp_path / "runs").exists()


def test_the_base_has_the_preset_s_own_value_and_the_preset_s_folder(swept):
    sweep = swept(f"{KEY}=30,0.58,1e2")
    assert sweep.base == ("0.58",) and sweep.base_run.name == "tiny"
    assert [run.name for run in sweep.runs.values()] == [f"tiny-{KEY}=30", "tiny", f"tiny-{KEY}=100"]
    assert sweep.name == f"tiny-sweep-{KEY}"
    assert sweep.base_run.experiment.rules == ()  # as `sedlab run tiny.yaml` has it: what that has done is taken


def test_without_the_preset_s_own_the_first_value_is_the_base(swept):
    sweep = swept(f"{KEY}=30,70", "stage2.epochs=3,1")
    assert sweep.base == ("30", "3") and sweep.base_run.name == f"tiny-{KEY}=30_stage2.epochs=3"
    assert len(sweep.runs) == len({run.name for run in sweep.runs.values()}) == 4


def test_folders_are_never_those_of_another_experiment(swept, tmp_path):
    plain = {run.path for run in swept(f"{KEY}=30,0.58").runs.values()}
    others = swept(f"{KEY}=30,0.58", settings=["stage2.epochs=2"])
    assert others.name == f"tiny-stage2.epochs=2-sweep-{KEY}" and not plain & {run.path for run in others.runs.values()}
    named = swept(f"{KEY}=30,0.58", settings=["stage2.epochs=2"], name="two")
    assert [run.name for run in named.runs.values()] == [f"two-{KEY}=30", "two"]
    # Names that come out alike are told apart, and one that is taken is not overwritten.
    alike = swept("description=a/b,a:b")
    assert len({run.name for run in alike.runs.values()}) == 2
    create_run(others.base_run.experiment, tmp_path / "runs/tiny")
    with pytest.raises(SedlabError, match=r"runs/tiny: a run of this sweep would go there, and another one is there"):
        swept(f"{KEY}=30,0.58")
    with pytest.raises(SedlabError, match=r"a\{b\}: a sweep cannot have braces"):
        swept(f"{KEY}=30,70", name="a{b}")


def test_a_sweep_is_found_again_and_its_runs_know_their_parent(swept, tmp_path, monkeypatch):
    sweep = swept(f"{KEY}=30,0.58")
    for run in sweep.runs.values():
        create_run(run.experiment, run.path)
    note_sweep(sweep)
    monkeypatch.chdir(tmp_path)
    again = open_sweep(f"runs/tiny-sweep-{KEY}")
    assert again == sweep and again.runs == sweep.runs
    other = again.runs["30",]
    assert (read_variant(other.path).of, other.settings, other.parent.name) == ("tiny", (f"{KEY}=30",), "tiny")
    assert read_variant(again.base_run.path) is None
    note_seeds(repeated(other, 2))
    create_run(repeated(other, 2)[1].experiment, path := other.path.with_name(f"{other.name}-seed2"))
    assert list(folders_at_work(sweep.path).values()) == [other.path, path, again.base_run.path]
    assert list(folders_at_work(again.base_run.path)) == [""]
    with pytest.raises(SedlabError, match=r"^runs/tini: no such run folder. Did you mean 'tiny'\? Make one with"):
        folders_at_work(Path("runs/tini"))
    with pytest.raises(SedlabError, match=r"^runs/xy: no such run folder. There: tiny, tiny-stage2"):
        folders_at_work(Path("runs/xy"))
    monkeypatch.chdir(sweep.path)
    assert folders_at_work(Path()) == folders_at_work(sweep.path)
    monkeypatch.chdir(tmp_path)
    # The same settings by hand are the same run.
    assert again.base_run.variant("", f"{KEY}=30").path == other.path
    assert [one.name for one in sweeps_of(other)] == [sweep.name] and sweeps_of(again.base_run)
    with pytest.raises(SedlabError, match=r"self_super: no sweep there .* Did you mean 'tiny-sweep-stage2"):
        open_sweep("runs/tiny-sweep-stage2.loss.self_super")


def test_a_damaged_note_is_told_by_name(swept):
    sweep = swept(f"{KEY}=30,0.58")
    note = {"preset": "tiny", "keys": [KEY], "base": "../x", "runs": [{"values": ["1"], "run": "x"}]}
    sweep.path.mkdir(parents=True)
    (sweep.path / SWEEP_FILE).write_text(json.dumps(note))
    with pytest.raises(SedlabError, match=r"sweep.json: .*Delete it, and run `sedlab sweep` again"):
        open_sweep(sweep.path)
