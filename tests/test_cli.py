"""The command line: help with examples, one-line errors, exit statuses."""

import functools

import pytest
import typer
from shell import python, sedlab
from standin_corpus import ONE_OF_EACH
from typer.testing import CliRunner

from sedlab.cli import app
from sedlab.commands.lab import lab_command
from sedlab.config.data import MiniConfig


def commands(group=None, prefix=()):
    """Every command as the words that call it."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*prefix, name))
        else:
            yield (*prefix, name)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_has_help_with_an_example(words):
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0
    assert f"Example: sedlab {' '.join(words)}" in done.output


def test_help_imports_no_heavy_library():
    heavy = (
        "numpy",
        "pandas",
        "pydantic",
        "requests",
        "torch",
        "lightning_fabric",
        "sed_scores_eval",
        "matplotlib",
        "scipy",
        "snakemake",
        "papermill",
    )
    code = f"""
import sys
from sedlab.cli import app
try:
    app(["--help"])
except SystemExit:
    print("heavy:", *[name for name in {heavy} if name in sys.modules])
"""
    assert python("-c", code).splitlines()[-1] == "heavy:"


def test_an_option_of_several_commands_means_the_same_in_each():
    scoring = typer.main.get_command(app).commands
    options = [
        (option.opts[0], (option.metavar, option.help))
        for name in ("evaluate", "tune", "compare", "errors")
        for option in scoring[name].params
    ]
    # The folder of `errors` is no file of parameters; `compare` cannot do without resamples.
    meanings = {name: {meaning for other, meaning in options if other == name} for name, _ in options}
    shared = {name for name, _ in options if sum(other == name for other, _ in options) > 1}
    assert {name for name in shared if len(meanings[name]) > 1} == {"--out", "--intervals"}
    assert {"--metric", "--classes", "--threshold", "--postprocess", "--common-clips", "--csv", "--plot"} <= shared


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nani"], "unknown preset 'nani'"),
        (["run", "mini", "--set", "stage2.epochz=5"], "Did you mean 'epochs'"),
        (["run", "mini", "--set", "stage2.epochs"], "expected key=value"),
        (["run", "mini", "--arch", "atst,beets"], "Did you mean 'beats'"),
        (["run", "mini", "--name", "../x"], "Give a name without slashes"),
        (["run", "missing.yaml"], "missing.yaml: no such file"),
    ],
)
def test_wrong_input_is_one_line_and_status_1(arguments, message, tmp_path):
    done = sedlab(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["run"], ["run", "mini", "--cores", "0"], ["fly"], ["run", "mini", "--fast"]])
def test_wrong_usage_is_status_2(arguments):
    assert sedlab(*arguments).returncode == 2


def test_data_mini_shows_how_much_there_is_of_what(tmp_path, monkeypatch):
    sizes = ONE_OF_EACH | {"num_devtest": 4, "num_maestro_train": 5, "maestro_seconds": 11}
    monkeypatch.setattr("sedlab.config.data.MiniConfig", functools.partial(MiniConfig, **sizes))
    monkeypatch.setattr("sedlab.runs.versions.num_cores", lambda: 1)  # other processes would look for the class
    done = CliRunner().invoke(app, ["data", "mini", "--root", str(tmp_path / "mini"), "--seed", "3"])
    assert done.exit_code == 0, done.output
    rows = {line.split()[1]: line.split() for line in done.output.splitlines() if line.startswith("│")}
    assert rows["devtest"][9] == "4"
    again = CliRunner().invoke(app, ["data", "mini", "check", "--root", str(tmp_path / "mini")])
    assert again.output == done.output


def test_lab_opens_the_tour_and_passes_options_on(tmp_path):
    command = lab_command(tmp_path / "notebooks", port=8890, browser=False, options=["--debug"])
    assert f"--ServerApp.root_dir={tmp_path}" in command
    assert "--LabApp.default_url=/lab/tree/notebooks/00_tour.ipynb" in command
    assert {"--ServerApp.port=8890", "--no-browser", "--debug"} <= set(command)
