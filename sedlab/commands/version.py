"""`sedlab --version`: which sedlab this is, and where it is installed."""

from __future__ import annotations

from typing import Annotated

import typer


def _tell(wanted: bool) -> None:
    if wanted:
        from sedlab.runs.versions import told_version

        print(f"sedlab {told_version()}")
        raise typer.Exit()


def describe(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell, is_eager=True, help="Say which version this is, and where.")
    ] = False,
) -> None:
    """Add `--version` to the command without a name; its help is that of the program."""
