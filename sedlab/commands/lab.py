"""`sedlab lab`: JupyterLab on the notebooks."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from sedlab.errors import SedlabError, count_of, warn_once
from sedlab.system.home import warn_of_home

FIRST_NOTEBOOK = "00_tour.ipynb"


def lab(
    context: typer.Context,
    copy: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Copy the notebooks and their pages to DIR/notebooks and DIR/docs, and end; again: bring those of a "
            "newer sedlab. What was changed there stays.",
        ),
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
) -> None:
    """Open JupyterLab on the notebooks. Other options are passed on to it.

    These are the copy in the working folder or above, or those of the checkout; without either, or where runs/ is but
    not the checkout's, a copy is made in the working folder.

    Example: sedlab lab --port 8890 --no-browser
    """
    if copy is not None:
        _copy(copy)
        return
    if context.args and not context.args[0].startswith("-") and not Path(context.args[0]).exists():
        raise SedlabError(f"{context.args[0]}: no such file. Without a name, sedlab lab opens the notebooks.")
    folder = _notebooks(Path.cwd())
    warn_of_home()
    if find_spec("jupyterlab") is None:
        raise SedlabError("jupyterlab: not installed. Install it with: pip install jupyterlab")
    sys.stdout.flush()
    # This process is replaced, so that keys and signals reach the server alone.
    os.execv(sys.executable, lab_command(folder, port=port, browser=not no_browser, options=context.args))


def _copy(top: Path) -> None:
    from sedlab.shipped.copying import copy_notebooks

    done = copy_notebooks(top)
    told = [f"{count_of(len(done.new), 'file')} copied"] if done.new else []
    told += [f"{count_of(len(done.updated), 'file')} brought up to date"] if done.updated else []
    print(f"{top}: {', '.join(told) or 'nothing to copy'}")
    for name in done.kept:
        warn_once(f"{top / name}: changed there, and kept. To have sedlab's own, move it away and copy again.")
    if top.resolve() != Path.cwd():
        print(f"Open them with: cd {shlex.quote(str(top))} && sedlab lab")


def _notebooks(here: Path) -> Path:
    """Return the notebooks to open for who is in ``here``: a copy is made where there are none."""
    from sedlab.runs.layout import RUNS_FOLDER
    from sedlab.shipped.copying import newer_notebooks
    from sedlab.shipped.places import NOTEBOOKS, checkout_root, is_copy, notebooks_folder, working_root

    root = working_root(here)
    if root is not None and is_copy(root):
        if newer := newer_notebooks(root):
            differ = count_of(len(newer), "differs", "differ")
            warn_once(
                f"{root / NOTEBOOKS}: this sedlab has other notebooks ({differ}). To bring them, keeping what you "
                f"changed: sedlab lab --copy {shlex.quote(str(root))}"
            )
        return root / NOTEBOOKS
    # Runs outside the checkout, as of an opened pack, would be out of reach of its notebooks.
    if checkout_root() is not None and (root is not None or not (here / RUNS_FOLDER).is_dir()):
        return notebooks_folder()
    is_home = here == Path.home().resolve()
    if is_home or (here / NOTEBOOKS).exists():
        found = f"{here}: your home" if is_home else f"{here / NOTEBOOKS}: is there, and not from sedlab"
        raise SedlabError(f"{found}. Put the notebooks into a folder of their own: sedlab lab --copy DIR")
    _copy(here)
    return here / NOTEBOOKS


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
