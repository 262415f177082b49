"""What commands print and write: tables as wide as they need, bars for people who watch, whole files."""

from __future__ import annotations

import math
import sys
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from sedlab.data.formats.names import readable_name
from sedlab.errors import SedlabError, printable
from sedlab.files import atomic_path
from sedlab.progress import format_seconds as format_seconds

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from rich.table import Table

    from sedlab.progress import Progress

#: In a pipe, rich assumes 80 columns and would break names and paths.
_PIPE_COLUMNS = 200


def plain_console(*, stderr: bool = False, width: int | None = None) -> Console:
    """Return a console that shows text as it is: brackets in a name or path are no markup."""
    return Console(markup=False, emoji=False, highlight=False, stderr=stderr, width=width)


def table_console() -> Console:
    """Return the console for tables: as wide as the terminal, and wide where there is none."""
    return plain_console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS)


@contextmanager
def resumable() -> Iterator[None]:
    """Say on Ctrl-C, by a SedlabError, that the same command goes on where it stopped."""
    try:
        yield
    except KeyboardInterrupt:
        raise SedlabError("interrupted. Run the same command again; it goes on where it stopped.") from None


def number_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], bold: Container[str] = ()) -> Table:
    """Return a table with a name before each row of numbers; the first row is that of everything together."""
    from rich.table import Table

    table = Table(columns[0], title=title)
    for name in columns[1:]:
        table.add_column(name, justify="right")
    for place, row in enumerate(rows):
        table.add_row(*row, style="bold" if row[0] in bold else None, end_section=place == 0)
    return table


def say(console: Console, text: str, *, soft_wrap: bool = True) -> None:
    """Print a text as it is: a name or path in brackets is no markup, and is not broken."""
    console.print(printable(text), markup=False, highlight=False, emoji=False, soft_wrap=soft_wrap)


def warn(warnings: Iterable[str]) -> None:
    """Print sentences that a reader of the results should know to stderr."""
    for warning in warnings:
        print(f"warning: {printable(warning)}", file=sys.stderr)


@contextmanager
def progress_bar(console: Console, start: str = "reading") -> Iterator[Progress]:
    """Yield a progress callback that draws a bar, called ``start`` at first; silent where nobody watches."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    # A table that is piped on must not be taken for a message that belongs above the bar.
    shown = {"transient": True, "disable": not console.is_terminal, "redirect_stdout": sys.stdout.isatty()}
    with Bar(*columns, console=console, **shown) as bar:
        task = bar.add_task(start, total=None)
        yield lambda done, total, what: bar.update(task, completed=done, total=total, description=what)


@contextmanager
def download_bars(console: Console) -> Iterator[Progress]:
    """Show one bar for each file in a terminal; elsewhere nothing moves."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bars:

        def progress(done: float, total: float, what: str) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=total or None)

        yield progress


def size_of(size: int) -> str:
    """Return a number of bytes as people write it."""
    if size >= 1e9:
        return f"{size / 1e9:.2f} GB"
    if size < 1e3:
        return f"{size} B"
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV; names that are no UTF-8 as the bytes they are."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, errors="surrogateescape")


def figure_name(scores: Path) -> str:
    """Return what scores are called in a figure: the file's name without suffix, as text that can be drawn."""
    return readable_name(scores.stem)


def write_figure(path: Path, figure: Figure) -> None:
    """Write a figure in the format that the file name says, PNG if it says none; SedlabError for an unknown one."""
    with atomic_path(path) as temporary:
        try:
            figure.savefig(temporary, dpi=150, format=path.suffix[1:] or "png")
        except ValueError as error:
            raise SedlabError(f"--plot {path}: {error}. Use .png, .svg or .pdf.") from error


def say_written(*files: Path | None) -> None:
    """Name the files that were written on stderr; None was not asked for."""
    for file in filter(None, files):
        print(f"written: {file}", file=sys.stderr)


def format_number(value: float) -> str:
    """Return a metric with four decimals, "-" where it has no value."""
    return "-" if math.isnan(value) else f"{value:.4f}"
