"""`sedlab review`: what people decided in the workbench, as tables and numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sedlab.commands import options
from sedlab.commands.output import number_table, plain_console, say, say_written, table_console, write_table
from sedlab.errors import SedlabError, count_of, nearest

if TYPE_CHECKING:
    import pandas as pd

    from sedlab.scoring.reviewers import Agreement

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder, such as runs/mini.")]
Reviewer = Annotated[str, typer.Option(metavar="NAME", help="Only this person's decisions. Default: everybody's.")]
_FORMATS = ("desed", "audacity")


def export(
    run: RunFolder,
    subset: Annotated[str, typer.Option(metavar="NAME", help="Set of clips. Default: all that were reviewed.")] = "",
    kind: Annotated[
        str, typer.Option("--format", metavar="desed|audacity", help="A table a set, or a label track a clip.")
    ] = "desed",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to; for one table also a file. Default: review/ in the run."),
    ] = None,
    reviewer: Reviewer = "",
) -> None:
    """Write labels as the decisions have them: wrong events dropped, moved ones moved, missed ones added.

    Tables are those of DESED (filename, onset, offset, event_label), with all clips of the set; label tracks are of
    clips that were decided about. Example: sedlab review export runs/mini --subset strong_train --out corrected.tsv
    """
    from sedlab.runs.review.exporting import export_tables, export_tracks, reviewed_subsets
    from sedlab.runs.run import open_run

    if kind not in _FORMATS:
        raise SedlabError(f"--format {kind}: unknown.{nearest(kind, _FORMATS)} Known: {', '.join(_FORMATS)}.")
    opened = open_run(run)
    subsets = [subset] if subset else reviewed_subsets(opened)
    if not subsets:
        raise SedlabError(f"{opened.review}: no decisions yet. Make some: sedlab.open_run({str(run)!r}).explore()")
    folder = opened.path / "review" if out is None else out
    is_file = kind == "desed" and out is not None and out.suffix in (".tsv", ".csv", ".txt") and not out.is_dir()
    if is_file and len(subsets) > 1:
        raise SedlabError(
            f"--out {out}: is one file, and {', '.join(subsets)} were reviewed. Give --subset or a folder."
        )
    for name in subsets:
        if kind == "desed":
            say_written(export_tables(opened, name, folder if is_file else folder / f"{name}.tsv", reviewer=reviewer))
        else:
            files = export_tracks(opened, name, folder / name, reviewer=reviewer)
            say(plain_console(stderr=True), f"written: {count_of(len(files), 'label track')} in {folder / name}")


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
