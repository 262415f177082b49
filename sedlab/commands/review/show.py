"""`sedlab review show`: the decisions that were made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sedlab.commands import options
from sedlab.commands.output import number_table, say_written, table_console, write_table
from sedlab.commands.review.arguments import Reviewer, RunFolder
from sedlab.errors import SedlabError

if TYPE_CHECKING:
    import pandas as pd


def show(
    run: RunFolder,
    reviewer: Reviewer = "",
    every: Annotated[bool, typer.Option("--list", help="A row a decision.")] = False,
    csv: options.Csv = None,
) -> None:
    """Count the decisions that count, by set, kind of item and person; --list shows each.

    Example: sedlab review show runs/mini --list
    """
    from sedlab.data.review.decisions import latest
    from sedlab.runs.review.store import review_of
    from sedlab.runs.run import open_run

    opened = open_run(run)
    told = latest(review_of(opened).table(), reviewer=reviewer, by_reviewer=True)
    if told.empty:
        by = f" by {reviewer}" if reviewer else ""
        raise SedlabError(f"{opened.review}: no decisions{by} yet. Make some: sedlab.open_run({str(run)!r}).explore()")
    _print_counts(told, str(opened.review))
    if every:
        _print_decisions(told)
    if csv is not None:
        write_table(csv, told)
        say_written(csv)


def _print_counts(told: pd.DataFrame, title: str) -> None:
    from sedlab.data.review.decisions import DECISIONS

    console = table_console()
    rows = [
        [
            "all",
            "",
            "",
            *(str(int((told["decision"] == name).sum())) for name in DECISIONS),
            str(told["clip_id"].nunique()),
        ]
    ]
    for (subset, what, who), part in told.groupby(["subset", "what", "reviewer"], sort=False):
        counts = [str(int((part["decision"] == name).sum())) for name in DECISIONS]
        rows.append([subset, what, who, *counts, str(part["clip_id"].nunique())])
    console.print(number_table(title, ["set", "about", "by", *DECISIONS, "clips"], rows))


def _print_decisions(told: pd.DataFrame) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("clip", "class", "seconds", "about", "decision", "note", "by", "when")
    for row in told.itertuples():
        moved = f"moved to {row.new_onset:.3f}-{row.new_offset:.3f}" if row.new_onset == row.new_onset else row.decision
        seconds = "" if row.onset != row.onset else f"{row.onset:.3f}-{row.offset:.3f}"
        about = f"{row.what} ({row.system})" if row.system else row.what
        when = row.time[:16].replace("T", " ")
        cells = (f"{row.subset}/{row.clip_id}", row.label, seconds, about, moved, row.note, row.reviewer, when)
        table.add_row(*map(Text, cells))
    table_console().print(table)
