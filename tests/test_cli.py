"""The command line: help with examples, one-line errors, exit statuses."""

import functools
import os
import shlex
import subprocess

import pytest
import typer
from shell import command, python, sedlab
from standin_corpus import ONE_OF_EACH
from typer.testing import CliRunner

from sedlab.cli import app, main
from sedlab.commands.lab import lab_command
from sedlab.config.data import MiniConfig


def commands(group=None, prefix=()):
    """Every command as the words that call it."""
    group = group or typer.main.get_command(app)
    for name, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from commands(each, (*prefix, name))
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
from sedlab.cli import app, main
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
        (["lab", "missing.ipynb"], "missing.ipynb: no such file. Without a name"),
        (["run", "caf\udce9\x1b[31m\u202e"], r"unknown preset 'caf\udce9\x1b[31m\u202e'"),
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


def shell(line, **env):
    """Run a line of a shell in which $sedlab is the command."""
    environment = {**os.environ, "sedlab": shlex.join(command()), **env}
    return subprocess.run(["bash", "-c", line], env=environment, capture_output=True, timeout=580)


@pytest.mark.parametrize(
    ("line", "status", "told"),
    [
        ("$sedlab weights list > /dev/full", 1, b"error: the output: No space left on device. Free space"),
        ("$sedlab weights list >&-", 0, b""),
        ("$sedlab run nope 2> /dev/full", 1, b""),
        ("set -o pipefail; $sedlab weights list --json | true", 1, b""),
    ],
)
def test_an_output_that_is_closed_or_full_is_no_traceback(line, status, told):
    done = shell(line)
    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.startswith(told) and done.stderr.count(b"\n") == (told != b"")


def test_a_console_that_is_not_utf_8_shows_escapes(tmp_path):
    folder = "{a} [red]x[/b] :smile: \u266b"
    done = shell(f"$sedlab weights list --root '{tmp_path / folder}'", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert rb"{a} [red]x[/b] :smile: \u266b" in done.stdout


def test_a_fault_of_ours_is_one_line_and_a_traceback_in_a_file(tmp_path, monkeypatch, capsys):
    def broken(*_):
        raise KeyError("what nobody foresaw")

    monkeypatch.setattr("sedlab.cli.app", broken)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.raises(SystemExit, match="1"):
        main()
    (log,) = tmp_path.glob("sedlab-*.log")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: a fault of sedlab, not of your files (KeyError: ") and str(log) in line
    assert "Traceback" in log.read_text() and "what nobody foresaw" in log.read_text()
    monkeypatch.setenv("SEDLAB_TRACEBACK", "1")
    with pytest.raises(SystemExit, match="1"):
        main()
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["raise RuntimeError('another numpy')", ""])
def test_a_module_that_pythonpath_puts_before_ours_is_named(tmp_path, text):
    (tmp_path / "numpy.py").write_text(text)
    (tmp_path / "own.py").write_text("raise RuntimeError")
    line = f"$sedlab evaluate {tmp_path} --ground-truth {tmp_path}/own.py"
    done = shell(line, PYTHONPATH=f"{tmp_path}")
    assert done.returncode == 1 and done.stderr.count(b"\n") == 1
    assert done.stderr.startswith(f"error: {tmp_path}/numpy.py: PYTHONPATH puts it before".encode())
    remedied = shell(line, PYTHONPATH="")
    assert b"PYTHONPATH" not in remedied.stderr and b"own.py" in remedied.stderr


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            FileNotFoundError(2, "No such file or directory", "runs/x"),
            "runs/x: No such file or directory. Correct the path",
        ),
        (IsADirectoryError(21, "Is a directory", "logs/a.txt"), "logs/a.txt: Is a directory. A file is expected there"),
        (
            NotADirectoryError(20, "Not a directory", b"caf\xe9"),
            "caf\\xe9: Not a directory. A folder is expected there",
        ),
        (OSError(28, "No space left on device"), "the output: No space left on device. Free space"),
        (OSError("odd"), "the output: odd. See to it"),
        (ValueError("embedded null byte"), "a file name holds a NUL character. Remove it"),
        (UnicodeEncodeError("utf-8", "caf\udce9", 3, 4, "surrogates not allowed"), "'caf\\udce9': cannot be read or"),
        (MemoryError(), "not enough memory"),
    ],
)
def test_errors_of_the_system_are_one_line_with_a_remedy(monkeypatch, capsys, error, line):
    def fails():
        raise error

    monkeypatch.setattr("sedlab.cli.app", fails)
    monkeypatch.setattr("sedlab.cli.discard_output", lambda: None)
    with pytest.raises(SystemExit, match="1"):
        main()
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"error: {line}")


def test_warnings_of_ours_are_one_line(tmp_path):
    (tmp_path / "audio" / "weak").mkdir(parents=True)
    done = sedlab("data", "mini", "check", "--root", tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert all(line.startswith(("warning: ", "error: ")) for line in done.stderr.splitlines()), done.stderr
