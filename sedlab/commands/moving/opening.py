"""`sedlab open`: a packed run, or one that was copied, ready to be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sedlab.commands.output import plain_console, progress_bar, say
from sedlab.errors import SedlabError


def open_(
    what: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="Of sedlab pack; or a run folder.")],
    to: Annotated[Path, typer.Option(metavar="DIR", help="Where runs/ is, or is made.")] = Path(),
) -> None:
    """Open a packed run here, or say what of a copied run folder is there, and how to look at it.

    Everything is checked before it is put in its place; what is open already stays as it is.

    Example: sedlab open mini.sedlab.zip
    """
    from sedlab.runs.layout import CONFIG_FILE
    from sedlab.runs.packs.opening import open_pack
    from sedlab.runs.packs.telling import told_run
    from sedlab.runs.run import open_run

    console = plain_console()
    if what.is_dir() and to != Path():
        raise SedlabError(f"--to {to}: is for a file of sedlab pack; {what} is a folder and stays where it is.")
    if what.is_dir() and not (what / CONFIG_FILE).is_file():
        found = sorted(path.parent for path in what.glob(f"runs/*/{CONFIG_FILE}"))
        if not found:
            raise SedlabError(
                f"{what}: is no run folder and holds none in runs/. Name a run, or a file of sedlab pack."
            )
        runs = [open_run(path) for path in found]
    elif what.is_dir():
        runs = [open_run(what)]
    else:
        with progress_bar(plain_console(stderr=True), "opening") as progress:
            runs = open_pack(what, to, progress=progress)
    for run in runs:
        for line in told_run(run):
            say(console, line)
