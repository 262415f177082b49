"""`sedlab lab`: JupyterLab on the notebooks."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from sedlab.errors import SedlabError
from sedlab.system.home import warn_of_home

FIRST_NOTEBOOK = "00_tour.ipynb"


def lab(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
) -> None:
    """Open JupyterLab on the notebooks. Other options are passed on to it.

    Example: sedlab lab --port 8890 --no-browser
    """
    from sedlab.pipeline.notebooks import notebooks_folder

    folder = notebooks_folder()
    warn_of_home()
    if find_spec("jupyterlab") is None:
        raise SedlabError("jupyterlab: not installed. Install it with: pip install jupyterlab")
    sys.stdout.flush()
    # This process is replaced, so that keys and signals reach the server alone.
    os.execv(sys.executable, lab_command(folder, port=port, browser=not no_browser, options=context.args))


def lab_command(folder: Path, *, port: int | None, browser: bool, options: Sequence[str] = ()) -> list[str]:
    """Return the command that opens JupyterLab on the notebooks in ``folder``.

    The folder above is its root, so that runs and reports can be opened too. Further ``options`` go to JupyterLab as
    they are.
    """
    from sedlab.pipeline.interpreter import OwnKernelSpecs, kernel_seconds, python_command

    command = [*python_command(), "-m", "jupyterlab", f"--ServerApp.root_dir={folder.parent}"]
    command.append(f"--ServerApp.kernel_spec_manager_class={OwnKernelSpecs.__module__}.{OwnKernelSpecs.__qualname__}")
    command.append(f"--MappingKernelManager.kernel_info_timeout={kernel_seconds()}")
    command.append(f"--LabApp.default_url=/lab/tree/{folder.name}/{FIRST_NOTEBOOK}")
    command += [] if port is None else [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += [] if browser else ["--no-browser"]
    # Jupyter refuses root unless told so; in a container there is often nobody else.
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [*command, *options]
