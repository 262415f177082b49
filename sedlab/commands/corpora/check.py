"""`sedlab data CORPUS check`: what is there, and what is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sedlab.commands import options
from sedlab.commands.output import progress_bar, resumable, say, say_written, table_console
from sedlab.errors import count_of

if TYPE_CHECKING:
    from rich.console import Console

    from sedlab.data.checking import Check

_STYLES = {"error": "bold red", "warning": "yellow", "note": None}


def check(
    context: typer.Context,
    root: Annotated[Path, typer.Option(help="Folder of the corpora.")] = Path("data/dcase"),
    content: Annotated[
        bool,
        typer.Option(
            "--content",
            help="Read all samples, too: silent, clipped, damaged and equal clips. What was read is remembered.",
        ),
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Page with pictures.", show_default="check.html under the root")
    ] = None,
    json_file: options.Json = None,
) -> None:
    """Check the corpora under a root: clips found and expected, files, labels, splits; exit status 1 on an error.

    An error is what makes training or scores wrong. Headers of 30,000 clips take seconds, --content minutes.

    Example: sedlab data CORPUS check --root data/dcase
    """
    name = str(context.parent.info_name) if context.parent else "data"
    run_check(root, "all" if name == "data" else name, content=content, html=html, json_file=json_file)


def run_check(
    root: Path, corpus: str, *, content: bool = False, html: Path | None = None, json_file: Path | None = None
) -> None:
    """Check a root, print what was found, write page and JSON; exit with status 1 when training would be wrong."""
    from sedlab.commands.frame import keep_inputs
    from sedlab.data.checking import check_corpus
    from sedlab.files import write_json

    keep_inputs([], [html, json_file])
    console = table_console()
    with resumable(), progress_bar(console) as progress:
        found = check_corpus(root, None, content, corpus=corpus, progress=progress)
    print_check(console, found)
    page = _write_page(found, html)
    if json_file is not None:
        columns = {"sets": found.sets, "findings": found.findings}
        tables = {
            name: table.astype(object).where(table.notna(), None).to_dict("records") for name, table in columns.items()
        }
        summary = found.summary()
        summary["findings_by_severity"] = summary.pop("findings")
        write_json(json_file, {"root": str(root), "corpus": corpus, **summary, **tables})
    say_written(page, json_file)
    if not found.is_sound:
        sys.exit(1)


def _shortly(absent: Sequence[str], checked: Iterable[str]) -> list[str]:
    """Return the names of sets that are not there; of a corpus that is not there at all, its own: ``all of own``."""
    from sedlab.data.corpora.layout import SUBSETS

    here = {SUBSETS[name].family for name in set(checked).difference(absent)}
    families = (SUBSETS[name].family for name in absent)
    return list(dict.fromkeys(n if f in here else f"all of {f}" for n, f in zip(absent, families, strict=True)))


def print_check(console: Console, found: Check) -> None:
    """Print how many clips there are, and the findings."""
    import pandas as pd
    from rich.table import Table

    sets = Table("set", title=f"Clips in {found.root}", title_justify="left")
    for column in ("found", "expected", "published", "left out", "hours"):
        sets.add_column(column, justify="right")
    for column in ("audio", "table"):
        sets.add_column(column, overflow="fold")
    absent = []
    for row in found.sets.itertuples():
        if row.state == "not there":
            absent.append(row.subset)
            continue
        numbers = (row.found, row.named, row.published, row.left_out or None)
        cells = ("" if value is None or pd.isna(value) else f"{value:,}" for value in numbers)
        sets.add_row(row.subset, *cells, f"{row.seconds / 3600:.2f}", row.audio, row.state or row.table)
    if sets.row_count:
        console.print(sets)
    if absent:
        say(console, f"Not there: {', '.join(_shortly(absent, found.sets['subset']))}")
    if found.found:
        findings = Table(title="Findings", title_justify="left")
        findings.add_column("severity")
        findings.add_column("set", overflow="fold")
        findings.add_column("clips or rows", justify="right")
        for column in ("finding", "first", "what to do"):
            findings.add_column(column, overflow="fold")
        for one in found.found:
            cells = (f"{one.count:,}", one.said, ", ".join(one.examples), one.remedy)
            findings.add_row(one.severity, one.subset, *cells, style=_STYLES[one.severity])
        console.print(findings)
    told = ", ".join(count_of(number, severity) for severity, number in found.counts.items())
    say(console, f"{told}. {found.verdict}.")
    if not found.content:
        say(console, "Headers were read; --content reads the samples, too.")


def print_summary(root: Path) -> None:
    """Print how much there is of what in the corpora under ``root``."""
    from rich.table import Table

    from sedlab.data.corpora.load import load_corpus
    from sedlab.data.summary import corpus_summary

    columns = ["subset", "group", "split", "labels", "clips", "seconds", "events"]
    table = Table(*columns, title=str(root))
    for row in corpus_summary(load_corpus(root))[columns].itertuples(index=False):
        table.add_row(*map(str, row))
    table_console().print(table)


def _write_page(found: Check, html: Path | None) -> Path | None:
    """Write the page; where a corpus cannot be written to and none was asked for, none."""
    from sedlab.commands.output import warn
    from sedlab.errors import SedlabError
    from sedlab.report.corpus_check import write_check_page

    page = html or found.root / "check.html"
    try:
        write_check_page(found, page)
    except SedlabError as error:
        if html is not None:
            raise
        warn([f"{error} The page was not written; --html FILE names another place."])
        return None
    return page
