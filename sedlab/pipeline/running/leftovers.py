"""What a run that was killed leaves behind, and its removal before the next one starts."""

from __future__ import annotations

import shutil
from pathlib import Path

from sedlab.files import sweep_temporaries

_SCHEDULER_FOLDER = ".scheduler"


def make_scheduler_folder(run_folder: Path) -> Path:
    """Make the folder for temporary files of the scheduler and return its absolute path."""
    folder = run_folder.resolve() / _SCHEDULER_FOLDER
    folder.mkdir(exist_ok=True)
    return folder


def sweep(run_folder: Path, *, at_work: bool = False) -> None:
    """Remove the scheduler's temporary folder, and half-written files unless somebody is ``at_work`` in the run."""
    shutil.rmtree(run_folder / _SCHEDULER_FOLDER, ignore_errors=True)
    if not at_work:
        sweep_temporaries(run_folder)
