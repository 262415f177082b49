"""Projects as fixtures: nothing has run yet, and everything has."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tiny_project import Project, make_experiment, make_project

from sedlab.config.experiment import Experiment


@pytest.fixture
def project(tmp_path) -> Project:
    """A project in which nothing has run yet."""
    return make_project(tmp_path)


@pytest.fixture(scope="session")
def _finished_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    done = make_project(folder).sedlab_run()
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def finished(_finished_folder, tmp_path) -> Project:
    """A copy of a project whose run is complete; time stamps are kept."""
    for part in ("runs", "data"):
        shutil.copytree(_finished_folder / part, tmp_path / part)
    return make_project(tmp_path)


@pytest.fixture(scope="session")
def tiny() -> Experiment:
    """Two transformers, two iterations."""
    return make_experiment()
