"""`sedlab review agreement`: how far two people agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sedlab.commands import options
from sedlab.commands.output import number_table, say, say_written, table_console
from sedlab.errors import SedlabError, count_of, nearest

if TYPE_CHECKING:
    import pandas as pd

    from sedlab.scoring.reviewers import Agreement


def agreement(
    first: Annotated[Path, typer.Argument(metavar="A", help="Run folder or review.tsv.")],
    second: Annotated[
        Path | None, typer.Argument(metavar="[B]", help="The other person's; left out if both are in A.")
    ] = None,
    reviewers: Annotated[
        str, typer.Option(metavar="NAMES", help="The two people, with a comma between. Default: who is in the files.")
    ] = "",
    as_json: options.Json = None,
) -> None:
    """Say how far two people agree: Cohen's kappa, per cent, boundaries in milliseconds, F1 of what each keeps.

    Example: sedlab review agreement runs/mini --reviewers ann,ben
    """
    from sedlab.scoring.reviewers import agreement as compared

    tables, names = _two_people(first, second, options.names(reviewers))
    found = compared(*tables)
    _print_agreement(found, names)
    if as_json is not None:
        from sedlab.files import write_json

        write_json(as_json, _plain(found, names))
        say_written(as_json)


def _two_people(first: Path, second: Path | None, names: tuple[str, ...]) -> tuple[list[pd.DataFrame], list[str]]:
    """Return each person's decisions and name."""
    from sedlab.data.review.decisions import read_decisions

    files = [_review_file(path) for path in (first, second or first)]
    tables = [read_decisions(path) for path in files]
    if names and len(names) != 2:
        raise SedlabError(f"--reviewers {', '.join(names)}: expected two names with a comma between.")
    if not names:
        found = [list(dict.fromkeys(table["reviewer"])) for table in tables]
        if second is None and len(found[0]) == 2:
            names = (found[0][0], found[0][1])
        elif second is not None and all(len(people) == 1 for people in found):
            names = (found[0][0], found[1][0])
        else:
            path, people = (files[0], found[0]) if second is None or len(found[0]) != 1 else (files[1], found[1])
            raise SedlabError(
                f"{path}: decisions of {count_of(len(people), 'person', 'people')} ({', '.join(people) or 'nobody'}). "
                "Say which two to compare: --reviewers NAME,NAME"
            )
    chosen = [table[table["reviewer"] == name] for table, name in zip(tables, names, strict=True)]
    for path, table, name, all_of in zip(files, chosen, names, tables, strict=True):
        if table.empty:
            known = list(dict.fromkeys(all_of["reviewer"]))
            raise SedlabError(f"{path}: no decisions by {name!r}.{nearest(name, known)} There are: {', '.join(known)}.")
    return chosen, list(names)


def _review_file(path: Path) -> Path:
    if path.suffix == ".tsv" or path.is_file():
        return path
    from sedlab.runs.run import open_run

    return open_run(path).review


def _print_agreement(found: Agreement, names: list[str]) -> None:
    first, second = names
    rows = [[f"{first}: {row}", *map(str, counts)] for row, counts in found.counts.T.items()]
    console = table_console()
    console.print(number_table(f"{first} and {second}", ["", *(f"{second}: {name}" for name in found.counts)], rows))
    say(console, f"items that both decided about: {found.items}")
    if found.items:
        kappa = "not defined, all answers are the same" if found.kappa != found.kappa else f"{found.kappa:.3f}"
        say(console, f"agreement: {found.percent:.1f} %, Cohen's kappa: {kappa}")
    if found.boundaries:
        apart = f"onset {found.onset_ms:.0f} ms, offset {found.offset_ms:.0f} ms apart (medians)"
        say(console, f"boundaries of {count_of(found.boundaries, 'event')} that one of them moved: {apart}")
    if found.f1 == found.f1:
        say(
            console,
            f"F1 of what each keeps in {count_of(found.clips, 'clip')} (collar 0.2 s): {found.f1:.3f} "
            f"({found.events[0]} and {count_of(found.events[1], 'event')})",
        )


def _plain(found: Agreement, names: list[str]) -> dict[str, object]:
    numbers = {name: getattr(found, name) for name in found.__dataclass_fields__ if name not in ("counts", "events")}
    known = {name: None if value != value else value for name, value in numbers.items()}
    counts = json.loads(found.counts.to_json(orient="index"))
    return {"reviewers": names, **known, "events": dict(zip(names, found.events, strict=True)), "counts": counts}
