"""`sedlab weights`: the published files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from sedlab.commands import options
from sedlab.commands.output import download_bars, plain_console, say, size_of, table_console
from sedlab.errors import SedlabError, count_of, nearest
from sedlab.files import is_file

if TYPE_CHECKING:
    from sedlab.weights.registry import Entry
    from sedlab.weights.store import FileState

_FACTS = ("what", "trained_on", "needed_for", "score", "licence", "url", "source_page", "source", "note")
#: Of the first column, as wide as that of the report on a checkpoint.
_LABEL_WIDTH = 23


def list_weights(
    root: options.WeightsRoot = Path("data/weights"),
    verify: Annotated[bool, typer.Option("--verify", help="Read the files and compare their SHA-256.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything that is registered, for machines.")] = False,
) -> None:
    """List the published checkpoints: what each is, its published score, and whether it is here.

    Exits with status 1 if a file is damaged. Example: sedlab weights list --verify
    """
    from sedlab.weights.registry import entries
    from sedlab.weights.store import CORRUPT, file_state

    states = {entry: file_state(entry, root, verify=verify) for entry in entries()}
    if as_json:
        # The registered facts, with what was found under `local`.
        local = {entry: {"path": str(root / entry.file), **asdict(state)} for entry, state in states.items()}
        print(json.dumps([asdict(entry) | {"local": local[entry]} for entry in states], indent=2))
    else:
        _print_tables(states, root)
    corrupt = {entry: state for entry, state in states.items() if state.state == CORRUPT}
    if corrupt:
        entry, state = next(iter(corrupt.items()))
        number = count_of(len(corrupt), "file is", "files are")
        raise SedlabError(
            f"{root / entry.file}: {state.detail}. {number} damaged or replaced: delete and download again."
        )


def download_weights(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Files or groups, or all (every checkpoint).")],
    root: options.WeightsRoot = Path("data/weights"),
    mirror: Annotated[
        str, typer.Option(metavar="URL", help="Folder that holds the files under their published names.")
    ] = "",
) -> None:
    """Download published files, going on where an earlier call stopped; check those that are here.

    Proxies are those of the environment (HTTPS_PROXY). SEDLAB_WEIGHTS_MIRROR is the default of --mirror.
    Example: sedlab weights download atst_stage2 beats_stage2
    """
    from sedlab.weights.registry import select
    from sedlab.weights.store import fetch

    chosen = select(names)
    console = plain_console(stderr=True)
    failed: list[SedlabError] = []
    with download_bars(console) as progress:
        for entry in chosen:
            try:
                path = fetch(entry, root, mirror=mirror, progress=progress)
            except SedlabError as error:
                failed.append(error)
                if len(chosen) > 1:
                    say(console, f"failed: {entry.name}: {error}")
            except KeyboardInterrupt:
                raise SedlabError("interrupted. Run the same command again; it goes on where it stopped.") from None
            else:
                say(console, f"{path} ({size_of(path.stat().st_size)})")
    if failed and len(chosen) == 1:
        raise failed[0]
    if failed:
        raise SedlabError(f"{len(failed)} of {len(chosen)} files could not be downloaded: see above.")


def inspect_weights(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A checkpoint, or the name of a published one.")],
    root: options.WeightsRoot = Path("data/weights"),
) -> None:
    """Say what a checkpoint holds: format, network, classes, front-end, versions.

    Example: sedlab weights inspect runs/mini/iteration2/stage2/atst/best.pt
    """
    from sedlab.weights.registry import entries

    path = _checkpoint_path(file, root)
    from sedlab.checkpoints.inspection import format_report, inspect_checkpoint

    report = format_report(inspect_checkpoint(path))
    console = plain_console()
    for entry in entries():
        if entry.file == path.name:
            say(console, "\n".join([*_facts(entry), ""]))
    say(console, report)


def _checkpoint_path(target: str, root: Path) -> Path:
    """Return the file that a path or the name of a published file means."""
    from sedlab.weights.registry import entries
    from sedlab.weights.store import require

    if is_file(target):
        return Path(target)
    if all(target not in (entry.name, entry.file) for entry in entries()):
        names = [entry.name for entry in entries()]
        raise SedlabError(
            f"{target}: no such file, and no published one of this name.{nearest(target, names)} "
            "List them: sedlab weights list."
        )
    return require(target, root)


def _print_tables(states: dict[Entry, FileState], root: Path) -> None:
    from sedlab.weights.registry import WEIGHTS

    console = table_console()
    weights = {entry: state for entry, state in states.items() if entry.kind == WEIGHTS}
    data = {entry: state for entry, state in states.items() if entry.kind != WEIGHTS}
    columns = {"name": "name", "what": "what", "trained on": "trained_on", "published score": "score"}
    console.print(_table(f"Published weights ({root})", columns, weights))
    columns = {"name": "name", "what": "what", "needed for": "needed_for"}
    console.print(_table(f"Published files for the data ({root})", columns, data))
    groups = ", ".join(dict.fromkeys(entry.group for entry in states))
    say(console, f"Download: sedlab weights download NAME, or a whole group: {groups}")


def _table(title: str, columns: dict[str, str], states: dict[Entry, FileState]) -> Table:
    """Return one row a file, with a line between groups; ``columns`` is title -> field of the entry."""
    from sedlab.weights.store import PRESENT

    table = Table(*columns, "size", "state", title=title)
    group = ""
    for entry, state in states.items():
        if entry.group != group:
            table.add_section()
            group = entry.group
        size = state.size if state.state == PRESENT else entry.size
        facts = (getattr(entry, field) for field in columns.values())
        table.add_row(*facts, size_of(size) if size else "", _state(entry, state))
    return table


def _state(entry: Entry, state: FileState) -> Text:
    from sedlab.weights.store import ABSENT, CORRUPT, PARTIAL, PRESENT

    colour = {PRESENT: "green", PARTIAL: "yellow", ABSENT: "dim", CORRUPT: "red"}[state.state]
    text = state.state
    if state.state == CORRUPT:
        text += f": {state.detail}"
    elif state.state == PARTIAL:
        text += f" ({size_of(state.size)})"
    elif state.state == ABSENT and not entry.url:
        text += " (by hand only)"
    return Text(text, style=colour)


def _facts(entry: Entry) -> list[str]:
    """Return what is registered as lines: not as a table, which would cut addresses."""
    facts = [("registered as", entry.name), *((name.replace("_", " "), getattr(entry, name)) for name in _FACTS)]
    return [f"{name:<{_LABEL_WIDTH}}{value}" for name, value in facts if value]
