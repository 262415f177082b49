"""`sedlab watch`: how far a run is that another process works on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def watch(run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder, such as runs/mini.")]) -> None:
    """Print how far a run is until nothing works on it any more: neither `sedlab run` nor an open notebook.

    Ctrl-C ends the watching, not the work. Example: sedlab watch runs/mini
    """
    from sedlab.runs import watch as watch_run

    watch_run(run)
