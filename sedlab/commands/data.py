"""`sedlab data`: corpora."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from sedlab.commands import options
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
    _print_summary(root)


def _print_summary(root: Path) -> None:
    """Print how much there is of what in the corpora under ``root``."""
    from sedlab.data.corpora.load import load_corpus
    from sedlab.data.summary import corpus_summary

    columns = ["subset", "group", "split", "labels", "clips", "seconds", "events"]
    table = Table(*columns, title=str(root))
    for row in corpus_summary(load_corpus(root))[columns].itertuples(index=False):
        table.add_row(*map(str, row))
    table_console().print(table)
