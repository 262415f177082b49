"""`sedlab data CORPUS download`: what was published."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from sedlab.commands.output import download_bars, plain_console, resumable, say, size_of, table_console, warn
from sedlab.errors import SedlabError, count_of

if TYPE_CHECKING:
    from sedlab.data.acquisition.download import FileOutcome
    from sedlab.data.acquisition.mirror import MirrorFolder
    from sedlab.data.acquisition.planning import DownloadPlan, PartState
    from sedlab.data.acquisition.records import PublishedRecord


def download(
    context: typer.Context,
    root: Annotated[Path, typer.Option(help="Folder of the corpora.")] = Path("data/dcase"),
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help="A part or file; repeat for more. Default: all.")
    ] = None,
    mirror: Annotated[
        str,
        typer.Option(
            metavar="FOLDER|URL", help="Who has the archives (and clips) already, under their published names."
        ),
    ] = "",
    list_only: Annotated[bool, typer.Option("--list", help="Only show what there is, and what of it is here.")] = False,
) -> None:
    """Download what was published of a corpus, check it, and unpack it to where it belongs.

    Archives stay in ROOT/archives; what has come is not fetched again, what was interrupted goes on. SEDLAB_DATA_HOSTS
    is the address of a caching server, before which hosts become folders.

    Example: sedlab data CORPUS download --root data/dcase
    """
    from sedlab.data.acquisition.download import carry_out
    from sedlab.data.acquisition.mirror import link_clips
    from sedlab.data.acquisition.planning import IN_PLACE, file_states, plan_download
    from sedlab.data.acquisition.records import select

    corpus = context.parent.info_name
    chosen = select(corpus, only or ())
    console = plain_console(stderr=True)
    if list_only:
        _print_states(root, chosen, file_states(root, chosen))
        return
    place = _mirror(mirror)
    with console.status("asking what there is"):
        plan = plan_download(root, corpus, chosen, mirror=place)
    _print_terms(plan, chosen)
    results: list[FileOutcome] = []
    clips: dict[str, int] = {}
    with resumable(), download_bars(console) as progress:
        for result in carry_out(plan, progress=progress):
            results.append(result)
            say(console, _line(result, plan))
        if place and not isinstance(place, str):
            clips = link_clips(root, corpus, place, progress)
    for name, error in plan.failed.items():
        say(console, f"failed: {name}: {error}")
    warn(warning for result in results for warning in result.warnings)
    for name, number in clips.items():
        say(console, f"{name}: {count_of(number, 'clip')} of the mirror linked")
    failed = len(plan.failed) + sum(bool(result.error) for result in results)
    states = file_states(root, chosen)
    _print_what_is_there(root, corpus, states, lacks_files=failed > 0)
    if failed:
        raise SedlabError(f"{failed} of {count_of(len(states), 'file')} could not be had: see above.")
    if place and not results and not clips and all(state.state != IN_PLACE for state in states):
        names = ", ".join(state.file.file for state in states[:3])
        raise SedlabError(
            f"--mirror {mirror}: holds nothing of {corpus} (looked for {names}, ...). Name another folder."
        )


def _mirror(mirror: str) -> str | MirrorFolder:
    from sedlab.data.acquisition.mirror import MirrorFolder

    if not mirror or "://" in mirror:
        return mirror.strip()
    return MirrorFolder(Path(mirror).expanduser())


def _print_terms(plan: DownloadPlan, chosen: Iterable[PublishedRecord]) -> None:
    """Show who published what is to come, and on which terms, before anything comes."""
    coming = {job.record.name for job in plan.jobs}
    rows = [record for record in chosen if record.name in coming]
    if not rows:
        return
    table = Table("part", "what", "licence", "page", title=f"{plan.corpus}: to come")
    for record in rows:
        licence = plan.licences.get(record.name, record.licence)
        table.add_row(
            record.name, record.what, f"{licence}; {record.terms}" if record.terms else licence, record.address
        )
    table_console().print(table)
    unknown = f" (and {count_of(plan.unknown, 'file')} of unknown size)" if plan.unknown else ""
    sizes = f"{size_of(plan.to_come)} to download{unknown}, about {size_of(plan.to_unpack)} to unpack"
    say(plain_console(), f"{count_of(len(plan.jobs), 'file')}, {sizes}. By using them you accept their terms.")


def _line(result: FileOutcome, plan: DownloadPlan) -> str:
    if result.error:
        return f"failed: {result.job.name}: {result.error}"
    note = result.unpacked
    places = ", ".join(str(plan.root / folder) for folder in note.folders)
    return f"{result.job.name}: {count_of(note.files, 'file')}, {size_of(note.bytes)} in {places}"


def _whole(title: str) -> Column:
    """Return a column of names, which are broken where they do not fit, not cut."""
    return Column(title, overflow="fold")


def _print_states(root: Path, chosen: Iterable[PublishedRecord], states: list[PartState]) -> None:
    from sedlab.data.acquisition.planning import PARTIAL

    table = Table("part", _whole("file"), "what", "licence", "size", "state", title=str(root))
    shown = None
    for state in states:
        record = state.record
        facts = (record.name, state.file.file, record.what, record.licence)
        if record.name == shown:
            facts = ("", state.file.file, "", "")
        shown = record.name
        arrived = f" ({size_of(state.arrived)})" if state.state == PARTIAL else ""
        table.add_row(*facts, size_of(state.size) if state.size else "", state.state + arrived)
    table_console().print(table)
    for record in chosen:
        note = f"{record.by_hand}" if record.by_hand else record.terms
        say(plain_console(), f"{record.name}: {record.address}{f'; {note}' if note else ''}")


def _print_what_is_there(root: Path, corpus: str, states: list[PartState], *, lacks_files: bool) -> None:
    from sedlab.data.acquisition.planning import BY_HAND
    from sedlab.data.acquisition.remaining import clip_counts, next_commands

    table = Table("part", _whole("file or clips"), "size", "state", title=f"{corpus} in {root}")
    for state in states:
        size = size_of(state.size) if state.size else ""
        table.add_row(state.record.name, state.file.file, size, state.state)
    counts = clip_counts(root, corpus)
    for count in counts:
        table.add_row("clips", count.folder, "", f"{count.there} of {count.wanted} there")
    table_console().print(table)
    console = plain_console()
    for record in {state.record.name: state.record for state in states if state.state == BY_HAND}.values():
        say(console, f"{record.name}: {record.by_hand}")
    for command in next_commands(root, corpus, counts, lacks_files=lacks_files):
        say(console, f"Next: {command}")
