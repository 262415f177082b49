"""`sedlab data mini`: the procedural corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sedlab.commands import options
from sedlab.commands.corpora.check import print_summary
from sedlab.commands.output import progress_bar, table_console


def mini(
    action: Annotated[
        Literal["prepare", "check"], typer.Argument(help="prepare: generate and show it. check: show what is there.")
    ] = "prepare",
    root: Annotated[Path, typer.Option(help="Folder of the corpus.")] = Path("data/mini"),
    seed: options.Seed = 0,
) -> None:
    """Generate the embedded mini corpus: procedural soundscapes in the layout of the real corpora.

    Example: sedlab data mini --root data/mini
    """
    if action == "prepare":
        from sedlab.config.data import MiniConfig
        from sedlab.data.mini.writer import generate
        from sedlab.runs.versions import num_cores

        with progress_bar(table_console(), "generating") as progress:
            generate(root, MiniConfig(seed=seed), progress, workers=num_cores())
    print_summary(root)
