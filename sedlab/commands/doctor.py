"""`sedlab doctor`: try every part an experiment needs, and say what to do about what does not work."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from sedlab.commands.output import table_console
from sedlab.errors import SedlabError, count_of
from sedlab.system.environment import shadowing_module
from sedlab.system.home import can_write, writable_home

#: Free space below which a finding is a warning: the mini experiment needs a fraction of it, real corpora more.
ENOUGH_DISK_GB = 5.0
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass(frozen=True)
class PartStatus:
    """What was found about one part."""

    part: str
    state: str
    """ok; missing: something optional is not there; broken: experiments cannot run."""
    detail: str


def doctor(
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Also train for about five seconds, and say how fast that was.")
    ] = False,
) -> None:
    """Say what works here: Python, torch, CUDA, audio, scoring, notebooks, disk, data sets.

    Exits with status 1 if something essential is broken. Example: sedlab doctor
    """
    findings = examine(Path.cwd())
    if self_test:
        findings.append(_try("self-test", False, _self_test))
    raise typer.Exit(print_findings(findings))


def examine(project: Path) -> list[PartStatus]:
    """Try every part and return what was found; ``project`` is the folder that holds `data/` and `runs/`."""
    checks: list[tuple[str, bool, Callable[[], str]]] = [
        ("python", True, _python),
        ("sedlab", True, _sedlab),
        ("torch", True, _torch),
        ("GPU", False, _gpu),
        ("cards", False, _cards),
        ("training", False, _training),
        ("torchaudio", True, lambda: version("torchaudio")),
        ("libsndfile", True, _libsndfile),
        ("scoring", True, _scoring),
        ("snakemake", True, lambda: version("snakemake")),
        ("papermill", True, lambda: version("papermill")),
        ("kernel python3", True, _kernel),
        ("Jupyter", False, _jupyter),
        ("notebooks", True, _notebooks),
        ("working folder", True, lambda: _working_folder(project)),
        ("home", False, _home),
        ("browser", False, _browser),
        ("disk", False, lambda: _disk(project)),
        ("data sets", False, lambda: _data_sets(project)),
        ("weights", False, lambda: _weights(project)),
    ]
    return [_try(part, essential, check) for part, essential, check in checks]


def print_findings(findings: list[PartStatus]) -> int:
    """Print the table and return the exit status: 1 if something essential is broken."""
    table = Table("part", "state", "found")
    colours = {"ok": "green", "missing": "yellow", "broken": "red"}
    for finding in findings:
        table.add_row(finding.part, Text(finding.state, style=colours[finding.state]), finding.detail)
    table_console().print(table)
    return 1 if any(finding.state == "broken" for finding in findings) else 0


def _try(part: str, essential: bool, check: Callable[[], str]) -> PartStatus:
    try:
        return PartStatus(part, "ok", check())
    except _Missing as error:
        return PartStatus(part, "missing", str(error))
    except SedlabError as error:
        detail = str(error)
    except PackageNotFoundError as error:
        detail = f"{error.name} is not installed. Install it: pip install {error.name}"
    except Exception as error:  # whatever a broken library raises is the finding
        detail = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return PartStatus(part, "broken" if essential else "missing", detail)


class _Missing(Exception):
    """Something optional is not there."""


def _python() -> str:
    other = shadowing_module()
    hidden = f"; PYTHONPATH puts {other} before its own: unset it if something here is broken" if other else ""
    return f"{platform.python_version()} ({sys.executable}){hidden}"


def _sedlab() -> str:
    from sedlab.runs.versions import told_version

    return told_version()


def _torch() -> str:
    import torch

    return f"{torch.__version__}, {torch.get_num_threads()} threads"


def _gpu() -> str:
    import torch

    if not torch.cuda.is_available():
        raise _Missing("none that torch can use; experiments run on the CPU")
    return f"{torch.cuda.get_device_name(0)}, CUDA {torch.version.cuda}"


def _cards() -> str:
    """Tell how many trainings run at a time, and who has which card."""
    from sedlab.system.cards import usable_cards
    from sedlab.system.leases import holders

    cards = usable_cards()
    if not cards:
        raise _Missing("no graphics card that torch can use: as many trainings at a time as cores allow")
    busy = holders(cards)
    told = [f"{card}{', in use by ' + str(busy[card][0]) if card in busy else ''}" for card in cards]
    visible = "CUDA_VISIBLE_DEVICES" if os.environ.get("CUDA_VISIBLE_DEVICES") else ""
    limited = f" ({visible} leaves these)" if visible else ""
    return f"{count_of(len(cards), 'training')} at a time, one a card{limited}: {'; '.join(told)}"


def _training() -> str:
    """Say what a training uses here unless its configuration says otherwise."""
    from sedlab.config.trainer import TrainerConfig
    from sedlab.training.device.hardware import choose

    return str(choose(TrainerConfig()))


def _self_test() -> str:
    from sedlab.training.device.self_test import self_test

    return str(self_test())


def _libsndfile() -> str:
    import soundfile

    return soundfile.__libsndfile_version__


def _scoring() -> str:
    """Score one clip: with pandas 3 the import works and the first call fails."""
    import numpy as np
    import pandas as pd

    from sedlab.scoring.metrics.events import CountedEvents
    from sedlab.scoring.metrics.psds import PSDS1, psds
    from sedlab.scoring.scores.tables import score_tables

    scores = score_tables(np.array([[[0.9], [0.1]]]), ["clip"], ("Speech",), np.array([0.0, 1.0, 2.0]))
    events = pd.DataFrame({"clip_id": ["clip"], "onset": [0.0], "offset": [1.0], "label": ["Speech"]})
    value = psds(CountedEvents.of(scores, events, {"clip": 2.0}, ("Speech",)), PSDS1).overall
    if not np.isclose(value, 1.0):
        raise SedlabError(f"PSDS of perfect scores is {value}, not 1. Install sed_scores_eval==0.0.4.")
    return f"sed_scores_eval {version('sed_scores_eval')} with pandas {pd.__version__}"


def _kernel() -> str:
    """Start one, as a job does."""
    from jupyter_client.manager import KernelManager

    from sedlab.pipeline.interpreter import JobKernelSpecs, kernel_seconds

    manager = KernelManager(kernel_spec_manager=JobKernelSpecs())
    manager.start_kernel(stderr=subprocess.DEVNULL)
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=kernel_seconds())
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return f"starts, {sys.executable}"


def _jupyter() -> str:
    """Compare the kernel of Jupyter and Papermill started by hand, which take the first one that they find."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        found = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel as error:
        raise SedlabError("no kernel python3. Install it: python -m ipykernel install --sys-prefix") from error
    program = shutil.which(found.argv[0]) or found.argv[0]
    # A name without a folder is this interpreter's; a path is compared as it is, since interpreters are links.
    if Path(found.argv[0]).name == found.argv[0] or Path(program).absolute() == Path(sys.executable).absolute():
        return f"jupyter lab and papermill take this interpreter ({found.resource_dir})"
    raise _Missing(
        f"jupyter lab and papermill, started by hand, take {program} ({found.resource_dir}). Remove that kernel, or "
        "use sedlab lab and sedlab run, which take this interpreter"
    )


def _working_folder(project: Path) -> str:
    from sedlab.system.locking import take

    if not can_write(project):
        raise SedlabError(f"{project}: cannot be written to. Go to a folder of your own, where runs/ and data/ may be.")
    with tempfile.NamedTemporaryFile(dir=project) as file:
        if not take(file):
            raise _Missing(f"{project}: its file system has no locks; use a run folder from one machine at a time")
    return f"{project} can be written to, and has locks"


def _home() -> str:
    folder = writable_home()
    if folder is not None:
        raise _Missing(f"cannot be written to; caches and Jupyter's settings are kept in {folder}")
    return "can be written to"


def _notebooks() -> str:
    from sedlab.pipeline.graph import STAGE_NOTEBOOKS
    from sedlab.pipeline.notebooks import notebook_path, notebooks_folder

    folder = notebooks_folder()
    for name in STAGE_NOTEBOOKS.values():
        notebook_path(name)
    return str(folder)


def _browser() -> str:
    found = next((path for path in map(shutil.which, _BROWSERS) if path), None)
    if found is None:
        raise _Missing("no Chromium; only browser tests and plotly images need one")
    return found


def _disk(project: Path) -> str:
    free = shutil.disk_usage(project).free / 1e9
    text = f"{free:.1f} GB free in {project}"
    if free < ENOUGH_DISK_GB:
        raise _Missing(f"{text}; have at least {ENOUGH_DISK_GB:.0f} GB")
    return text


def _data_sets(project: Path) -> str:
    from sedlab.data.corpora.layout import SUBSETS

    found = []
    for root in sorted(path for path in (project / "data").glob("*") if path.is_dir()):
        subsets = [subset for subset in SUBSETS.values() if subset.audio_folder(root)]
        if subsets:
            found.append(f"{root.name} ({count_of(len(subsets), 'subset')})")
    if not found:
        raise _Missing(f"none in {project / 'data'}; `sedlab run mini` makes its own")
    return ", ".join(found)


def _weights(project: Path) -> str:
    from sedlab.weights.registry import WEIGHTS, entries
    from sedlab.weights.store import CORRUPT, PRESENT, WEIGHTS_FOLDER, file_state

    root = project / WEIGHTS_FOLDER
    published = [entry for entry in entries() if entry.kind == WEIGHTS]
    states = {entry.name: file_state(entry, root).state for entry in published}
    damaged = [name for name, state in states.items() if state == CORRUPT]
    if damaged:
        raise _Missing(f"damaged in {root}: {', '.join(damaged)}; delete and download again")
    found = sum(state == PRESENT for state in states.values())
    if not found:
        raise _Missing(f"none of {len(published)} published files in {root}; `sedlab weights list` shows them")
    return f"{found} of {len(published)} published files in {root}"
