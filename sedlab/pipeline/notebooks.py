"""Executing a stage notebook: parameters checked before, the executed copy and a page of it kept after."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from sedlab.errors import SedlabError, nearest, warn_once
from sedlab.shipped.places import notebooks_folder
from sedlab.system.home import can_write

#: Seconds between two writes of a notebook that is being executed; its end is always written.
SAVE_EVERY = 2.0


class CellError(SedlabError):
    """A cell of a notebook that is executed has failed."""

    def __init__(self, message: str, cell: str) -> None:
        super().__init__(message)
        self.cell = cell
        """Which one, for a person: `cell 5 of runs/mini/notebooks/compare.ipynb`."""


def notebook_path(name: str) -> Path:
    """Return the path of a notebook by name ("03_stage1")."""
    path = notebooks_folder() / f"{name}.ipynb"
    if not path.is_file():
        known = [entry.stem for entry in notebooks_folder().glob("*.ipynb")]
        raise SedlabError(f"{path}: no such notebook.{nearest(name, known)}")
    return path


def notebook_parameters(path: Path) -> list[str]:
    """Return the names that the cell tagged `parameters` assigns.

    Raises
    ------
    SedlabError
        When the file is not a notebook.
    """
    import nbformat
    import papermill

    try:
        return list(papermill.inspect_notebook(_as_it_is(path)))
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise SedlabError(f"{path}: not a readable notebook ({type(error).__name__}). Restore the file.") from error


def check_parameters(path: Path, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters the notebook does not have; Papermill would only warn and go on with its defaults."""
    known = notebook_parameters(path)
    for name in parameters:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise SedlabError(f"{path}: unknown parameter {name!r} (it has: {listed}).{nearest(name, known)}")


def execute_notebook(path: Path, output: Path, parameters: Mapping[str, Any], *, folder: Path) -> None:
    """Execute a notebook with ``folder`` as working folder; write the executed copy, signed, and a page beside it.

    Both are written also when a cell fails.

    Raises
    ------
    SedlabError
        For an unknown parameter, when the kernel is seen to die, or when a cell fails (CellError): the cell's own
        message if it raised a SedlabError, otherwise the exception and where to read it.
    """
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from sedlab.pipeline.interpreter import KERNEL_NAME, KERNEL_SECONDS, JobKernelManager, kernel_seconds
    from sedlab.report.notebook_page import export_page

    check_parameters(path, parameters)
    output.parent.mkdir(parents=True, exist_ok=True)
    execute = partial(
        papermill.execute_notebook,
        _as_it_is(path),
        _as_it_is(output),
        parameters=dict(parameters),
        # Whatever the notebook's metadata say: sedlab's kernels are those of its own interpreter.
        kernel_name=KERNEL_NAME,
        kernel_manager_class=JobKernelManager,
        engine_name=_sparing_engine(),
        language="python",
        cwd=str(folder),
        start_timeout=kernel_seconds(),
        progress_bar=False,
        log_output=True,
    )
    try:
        _with_second_kernel(execute)
    except PapermillExecutionError as error:
        cell = f"cell {error.exec_count} of {output}"
        if error.ename in ("SedlabError", "TrainingStopped"):
            raise CellError(error.evalue, cell) from error
        line = " ".join(str(error.evalue).split())
        raise CellError(f"{error.ename}: {line} ({cell})", cell) from error
    except DeadKernelError as error:
        raise SedlabError(kernel_died(output)) from error
    except RuntimeError as error:
        if "Kernel" not in str(error):
            raise
        raise SedlabError(
            f"{path}: no kernel started ({error}). `sedlab doctor` says what is broken; if the disk is only slow, give "
            f"it more time: {KERNEL_SECONDS}={max(3 * kernel_seconds(), 600)}"
        ) from error
    finally:
        if output.is_file():
            sign_notebook(output)
            export_page(output)


def sign_notebook(path: Path) -> None:
    """Sign a notebook that was executed here with the key of this user, as ``jupyter trust`` does.

    JupyterLab shows one that is not signed as well, but takes what it does not trust out of its HTML. Where the key
    cannot be kept, a warning says so.
    """
    import sqlite3

    import nbformat
    from jupyter_core.paths import jupyter_data_dir
    from nbformat.sign import NotebookNotary

    folder = Path(jupyter_data_dir())
    try:
        if not can_write(folder):
            raise PermissionError("cannot be written to")
        folder.mkdir(parents=True, exist_ok=True)
        NotebookNotary(data_dir=str(folder)).sign(nbformat.read(str(path), as_version=4))
    except (OSError, sqlite3.Error) as error:
        warn_once(f"{folder}: {error}, so executed notebooks are not signed, and JupyterLab shows them as not trusted.")


def _with_second_kernel(execute: Callable[[], object]) -> None:
    """Execute once more where the kernel ended before it was there.

    Jupyter chooses its ports and the kernel takes them a while later, so another process may have been quicker.
    """
    try:
        execute()
    except RuntimeError as error:
        if "died before replying" not in str(error):
            raise
        execute()


@cache
def _sparing_engine() -> str:
    """Register an engine that writes the notebook at intervals, and return its name.

    Papermill writes all of it before and after each cell, prose too: dozens of times in the seconds of a stage.
    """
    from papermill.engines import NBClientEngine, papermill_engines

    class SparingEngine(NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, *args: Any, **options: Any) -> Any:
            save, saved_at = nb_man.save, time.monotonic()

            def save_now_and_then(**options: Any) -> None:
                nonlocal saved_at
                if time.monotonic() - saved_at >= SAVE_EVERY:
                    save(**options)
                    saved_at = time.monotonic()

            nb_man.save = save_now_and_then
            try:
                return super().execute_managed_notebook(nb_man, *args, **options)
            finally:
                # Papermill writes once more, also when a cell fails or it is interrupted.
                nb_man.save = save

    papermill_engines.register("sedlab", SparingEngine)
    return "sedlab"


def _as_it_is(path: Path) -> str:
    """Return a path for Papermill, which would fill in what stands between braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def kernel_died(notebook: Path) -> str:
    """Return what to tell when an executed notebook has not come to its end without an error of its own."""
    return f"{notebook}: the kernel died, perhaps for lack of memory. Run `sedlab run` again to resume."
