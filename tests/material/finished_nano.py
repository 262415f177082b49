"""A project in which a notebook has run from nothing, then `sedlab run nano`; made once for all test processes."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import pytest
from shell import papermill, sedlab

#: What the command printed, kept beside the run.
PRINTED = "printed.txt"


@pytest.fixture(scope="session")
def finished_nano(tmp_path_factory) -> Path:
    """Return the folder; it is shared, so take a copy of it (`copy_of`)."""
    base = tmp_path_factory.getbasetemp()
    # Processes that test side by side have a folder each, in one that they share.
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "finished-nano"
    with (shared / "finished-nano.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / PRINTED).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            # The last notebook by itself needs nearly everything. What it does as a job is then done by a job.
            alone = papermill(folder, "08_errors", "preset=nano")
            assert alone.returncode == 0, alone.stderr[-3000:]
            (folder / "runs/nano/errors/manifest.json").unlink()
            done = sedlab("run", "nano", cwd=folder)
            assert done.returncode == 0, done.stdout + done.stderr
            (folder / PRINTED).write_text(done.stdout)
    return folder


def copy_of(project: Path, folder: Path) -> Path:
    """Copy a project into a new ``folder``, with time stamps, so that what is finished stays so; return the folder."""
    shutil.copytree(project, folder)
    return folder
