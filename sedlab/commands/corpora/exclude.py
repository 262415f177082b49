"""`sedlab data desed exclude`: lists of clips to leave out of training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from sedlab.commands.output import say, table_console
from sedlab.errors import SedlabError


def exclude(
    root: Annotated[Path, typer.Option(help="Folder of the corpora.")] = Path("data/dcase"),
    public: Annotated[
        bool,
        typer.Option("--public", help="Leave out what the public evaluation set holds, too: stricter than published."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over published lists, or lists of your own.")] = False,
) -> None:
    """Write substitutes for the published lists of training clips that another set holds, too.

    The published lists themselves: sedlab data desed download --only exclude

    Example: sedlab data CORPUS exclude --root data/dcase
    """
    from sedlab.data.corpora.exclusion import substitute_lists

    lists = substitute_lists(root, public=public, force=force)
    if not lists:
        raise SedlabError(
            f"{root}: holds no training table of DESED. Get them: sedlab data desed download --root {root}"
        )
    table = Table(
        "training set", "also in", "clips", "by video alone", "listed", "", title=f"Left out of training, {root}"
    )
    for subset, written in lists.items():
        state = f"{written.kept} list stays" if written.kept else "substitute written"
        pairs = list(written.shared.items()) or [("(the other set is not there)", (0, 0))]
        for place, (other, (clips, differing)) in enumerate(pairs):
            last = (f"{written.names:,}", state) if place == 0 else ("", "")
            table.add_row(subset if place == 0 else "", other, f"{clips:,}", f"{differing:,}", *last)
    console = table_console()
    console.print(table)
    if any(written.kept for written in lists.values()):
        say(console, "Lists that were there stay as they are; --force replaces them.")
