"""`sedlab data desed missing`: what only the organisers can give."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sedlab.commands.output import say, table_console


def missing(
    root: Annotated[Path, typer.Option(help="Folder of the corpora.")] = Path("data/dcase"),
) -> None:
    """Write the list of clips that are not there, and the text of a request to those who may have them.

    Example: sedlab data CORPUS missing --root data/dcase
    """
    from sedlab.data.acquisition.missing import MAKERS, write_desed_missing

    table, list_path, request_path = write_desed_missing(root)
    console = table_console()
    if table.empty:
        say(console, f"No clip is missing; {list_path} is empty.")
        return
    say(console, request_path.read_text(encoding="utf-8"))
    say(console, f"Request: {request_path}. To attach: {list_path}, {len(table):,} clips.")
    say(console, f"Whom to send it to, say its makers: {MAKERS[0]}, {MAKERS[1]}.")
    untried = int((table["error"] == "not tried").sum())
    if untried:
        say(console, f"{untried:,} of them were not asked for yet: first sedlab data desed youtube --root {root}")
