"""Every command and every snippet of the README and of docs/ runs, or is known to the command line and says why not.

Each document is a story: its commands and snippets run in order, in a folder of their own that holds a small corpus, a
small run, small checkpoints and a server for downloads.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml
from documents import CHECKOUT, DOCUMENTS, Command, blocks, commands, inline_code
from slurm_cluster import need_slurm, slurm_cluster
from typer.testing import CliRunner

from sedlab.cli import app
from sedlab.config.loading import load_experiment
from sedlab.models.kernels.choice import chosen
from sedlab.pipeline.cluster.profile import ClusterProfile
from sedlab.pipeline.notebooks import check_parameters
from sedlab.runs.sweeps.folders import planned_sweep
from sedlab.runs.sweeps.values import read_grid

#: Beginnings of commands that are not run here, with the reason; their options are checked all the same.
NOT_RUN = {
    "git clone": "needs the network",
    "cd": "of the shell",
    ".": "of the shell",
    "make": "sets up, trains for minutes or opens a server; its targets are checked",
    "papermill": "a minute; the parameters are checked here, the README's command is run by a slow test",
    "python benchmarks": "minutes, some of them on a GPU; the options are checked",
    "python docs/weights_tables.py": "test_made_tables.py",
    "python docs/recipe_tables.py": "test_made_tables.py",
    "pip install": "needs the network",
    "python3 -m venv": "of Python",
    "mkdir": "of the shell",
    "sedlab data desed missing": "needs a corpus; tests/commands/test_acquisition_commands.py",
    "sedlab data desed youtube": "needs YouTube; tests/data/acquisition has what stands in for it",
    "sedlab data mini": "a minute for the whole corpus; tests/test_cli.py makes a small one",
    "sedlab data desed download": "needs the network; tests/data/acquisition has servers, and runs --list",
    "sedlab data maestro download": "needs the network",
    "sedlab data desed prepare": "needs a corpus; tests/data/preparation",
    "sedlab data maestro prepare": "needs a corpus; tests/data/preparation",
    "sedlab data audioset prepare": "needs a corpus; tests/data/preparation",
    "sedlab data desed check": "no corpus is here; tests/commands and tests/pipeline check some",
    "sedlab doctor --self-test": "trains for seconds; tests/commands/test_doctor.py",
    "sedlab lab": "opens a server, or copies notebooks: tests/shipped",
    "./setup.sh": "needs the network",
    "sedlab run": "trains for minutes; the changed preset is checked, with --dry-run it is planned",
    "sedlab sweep": "as sedlab run; each value is checked",
}
#: What `paper` needs is not here, and no table that names clips of videos.
STATUS = {"sedlab run paper": 1, "sedlab data desed youtube": 1}
#: Pages whose commands need one.
FOR_CLUSTERS = ("clusters.md",)

NAMES = [document.relative_to(CHECKOUT).as_posix() for document in DOCUMENTS]
cli = typer.main.get_command(app)


@pytest.fixture(params=DOCUMENTS, ids=NAMES)
def document(request) -> Path:
    return request.param


def test_every_command_and_snippet_runs(document, folder, on_cluster):
    snippets = [block for block in blocks(document) if block.language == "python"]
    assert CliRunner().invoke(app, ["weights", "download", "atst_stage2"]).exit_code == 0
    names: dict = {}
    for part in sorted([*commands(document), *snippets], key=lambda part: part.line):
        if isinstance(part, Command):
            _run_command(part, f"{document.name}:{part.line}: {part}")
            continue
        code = compile("\n" * (part.line - 1) + part.text, document, "exec")
        # What a page chooses for good, it chooses for itself alone.
        with chosen("cpu"), contextlib.redirect_stdout(io.StringIO()):
            exec(code, names)


@pytest.fixture
def on_cluster(document, monkeypatch) -> Iterator[None]:
    """Commands for a cluster find one; of its jobs none is run."""
    if document.name not in FOR_CLUSTERS:
        yield
        return
    need_slurm()
    with slurm_cluster() as cluster:
        for name, value in cluster.environment.items():
            monkeypatch.setenv(name, value)
        yield


def test_every_profile_of_a_cluster_is_one():
    for name in (*FOR_CLUSTERS, "tutorials/cluster.md"):
        profiles = [block.text for block in blocks(CHECKOUT / "docs" / name) if block.language == "yaml"]
        assert profiles
        for profile in profiles:
            ClusterProfile.model_validate(yaml.safe_load(profile))


def test_every_command_in_running_text_is_known(document):
    """Names and options of `sedlab ...` between backticks; `--option` alone belongs to some command."""
    everything = {option for command in _all_commands(cli) for option in _options(command)}
    everything |= set(re.findall(r'"(--[\w-]+)"', "".join(p.read_text() for p in CHECKOUT.glob("benchmarks/*.py"))))
    for code in inline_code(document):
        words = code.split()
        if words[0] == "sedlab":
            command, _ = _resolve(words[1:])
            unknown = {word.split("=")[0] for word in words if word.startswith("--")} - _options(command)
            assert not unknown, f"{document.name}: `{code}` has options that the command has not: {unknown}"
        elif words[0].startswith("--"):
            assert words[0].split("=")[0] in everything, f"{document.name}: `{code}` is no option"


@pytest.mark.slow
def test_the_readme_s_papermill_command_trains_a_stage(folder):
    """The first one; that of a variant is an exercise of the same notebook, which tests/notebooks does."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = next(command for command in commands(CHECKOUT / "README.md") if command.words[0] == "papermill")
    done = subprocess.run(command.words, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (folder / command.words[2]).is_file()
    assert (folder / "runs/mini/iteration1/stage1/atst/best.pt").is_file()


def _run_command(command: Command, where: str) -> None:
    if _needs_cluster(command) and "SLURM_CONF" not in os.environ:
        _check_unrun(command, where)
        return
    if _begins(command, NOT_RUN) is not None and "--dry-run" not in command.words:
        _check_unrun(command, where)
        return
    assert command.words[0] == "sedlab", f"{where}: neither run nor in NOT_RUN"
    done = CliRunner().invoke(app, command.words[1:])
    expected = _begins(command, STATUS) or 0
    assert done.exit_code == expected, f"{where}: status {done.exit_code}\n{done.output}\n{done.exception!r}"
    if "tests/material" in str(command):
        missing = set(command.prints) - _cells(done.output)
        assert not missing, f"{where}: prints no longer {missing}\n{done.output}"


def _needs_cluster(command: Command) -> bool:
    """Whether a command is run on the page of `FOR_CLUSTERS` alone."""
    return command.words[:2] == ("sedlab", "cancel") or {"--slurm", "--dry-run"} <= set(command.words)


def _begins(command: Command, known: dict):
    """Return what is known of the longest beginning of the command."""
    found = [name for name in known if command.words[: len(shlex.split(name))] == tuple(shlex.split(name))]
    found += [name for name in known if f"{command}/".startswith(f"{name}/")]
    return known[max(found, key=len)] if found else None


def _check_unrun(command: Command, where: str) -> None:
    program, *rest = command.words
    if program == "make":
        targets = re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
        assert set(rest) <= set(targets), f"{where}: no such target"
    elif program == "papermill":
        assert rest[2::3] == ["-p"] * len(rest[2::3]), f"{where}: not -p NAME VALUE"
        check_parameters(CHECKOUT / rest[0], dict(zip(rest[3::3], rest[4::3], strict=True)))
    elif program == "python":
        script = (CHECKOUT / rest[0]).read_text(encoding="utf-8")
        for option in (word for word in rest if word.startswith("--")):
            assert f'"{option}"' in script, f"{where}: {rest[0]} has no {option}"
    elif program == "sedlab":
        found, arguments = _resolve(rest)
        given = found.make_context(command.words[1], list(arguments)).params
        if rest[0] == "run":
            load_experiment(given["preset"], given["set_"] or ())
        if rest[0] == "sweep":
            planned_sweep(given["preset"], read_grid(given["set_"]), name="not-there")


def _resolve(words: list[str]) -> tuple:
    """Return the command that the first words name, and the other words."""
    found = cli
    while words and hasattr(found, "commands") and not words[0].startswith("--"):
        assert words[0] in found.commands, f"sedlab {' '.join(words)}: no such command"
        found, words = found.commands[words[0]], words[1:]
    return found, words


def _all_commands(group):
    for command in group.commands.values():
        yield from _all_commands(command) if hasattr(command, "commands") else [command]


def _options(command) -> set[str]:
    return {"--help"} | {option for p in command.params for option in (*p.opts, *p.secondary_opts)}


def _cells(output: str) -> set[str]:
    """Return the lines of an output without the rules of its tables."""
    return {" ".join(re.sub(r"[│┃]", " ", line).split()) for line in output.splitlines()}
