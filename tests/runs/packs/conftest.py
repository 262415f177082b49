"""A finished run, made once, and a pack of it with everything that can be asked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from packed_run import make_finished_run

from sedlab.runs.packs.contents import PackOptions, contents_of
from sedlab.runs.packs.writing import write_pack
from sedlab.runs.run import Run, open_run


@pytest.fixture(scope="session")
def _made(tmp_path_factory) -> Run:
    return make_finished_run(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="session")
def packs(_made, tmp_path_factory) -> dict[str, Path]:
    """Packs of the run by what came along: little, much."""
    folder = tmp_path_factory.mktemp("packs")
    asked = {"little": PackOptions(scores="test"), "much": PackOptions(("best",), "test")}
    for name, options in asked.items():
        write_pack([contents_of(_made, options)], folder / f"{name}.sedlab.zip")
    return {name: folder / f"{name}.sedlab.zip" for name in asked}


@pytest.fixture
def trained(_made) -> Run:
    """The run where it was made: to be read only."""
    return open_run(_made.path)


@pytest.fixture
def gone(_made, tmp_path, monkeypatch):
    """The machine of the run is out of reach, and the working folder is an empty one."""
    away = _made.project.with_name("out-of-reach")
    _made.project.rename(away)
    elsewhere = tmp_path / "laptop"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    yield elsewhere
    shutil.rmtree(_made.project, ignore_errors=True)
    away.rename(_made.project)
