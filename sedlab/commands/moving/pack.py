"""`sedlab pack`: what one needs of a run to look at it elsewhere, as one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from sedlab.commands.options import names
from sedlab.commands.output import plain_console, progress_bar, say, size_of, table_console
from sedlab.errors import SedlabError, count_of

if TYPE_CHECKING:
    from sedlab.runs.packs.contents import Contents, PackOptions
    from sedlab.runs.packs.writing import Written


def pack(
    run: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, such as runs/mini; or of sweeps.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Default: RUN.sedlab.zip, here.")
    ] = None,
    checkpoints: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="best: stage 2 of the last iteration. all; or trainings, such as iteration1_stage1_atst, with commas "
            "between. Default: none.",
        ),
    ] = None,
    clips: Annotated[
        str,
        typer.Option(metavar="none|test|all|N", help="Sounds to hear and see: of the test sets, all, N of each set."),
    ] = "none",
    scores: Annotated[
        Literal["all", "test"], typer.Option(help="test: not those of sets that are trained on (pseudo-labels).")
    ] = "all",
    alone: Annotated[bool, typer.Option("--alone", help="Without the runs that repeat it with other seeds.")] = False,
) -> None:
    """Pack a run, and those that belong to it, into one file that `sedlab open` opens on any machine.

    Scores, tables, labels, report and executed notebooks always come along; what does not is told with its size.

    Example: sedlab pack runs/mini --checkpoints best --clips test
    """
    from sedlab.runs.packs.contents import PackOptions, contents_of, contents_of_sweep
    from sedlab.runs.packs.description import SUFFIX
    from sedlab.runs.packs.together import named
    from sedlab.runs.packs.writing import write_pack

    console = table_console()
    options = PackOptions(names(",".join(checkpoints or ())), _known_clips(clips), scores)
    found = [named(path, alone=alone) for path in run]
    runs = {one.path: one for _, together in found for one in together}
    packed = [contents_of_sweep(path) for sweeps, _ in found for path in dict.fromkeys(sweeps)]
    packed += [contents_of(one, options) for one in runs.values()]
    if twice := len(packed) - len({contents.path.name for contents in packed}):
        raise SedlabError(f"{count_of(twice, 'folder')} of one name in different places. Pack them one by one.")
    target = out or Path(f"{packed[0].path.name}{SUFFIX}")
    with progress_bar(plain_console(stderr=True), "packing") as progress:
        written = write_pack(packed, target, progress=progress)
    _tell(console, packed, options, written)


def _known_clips(clips: str) -> str:
    if clips in ("none", "test", "all"):
        return clips
    if not clips.isascii() or not clips.isdigit() or not 0 < int(clips) < 10**9:
        raise SedlabError(f"--clips {clips}: unknown. Say none, test, all, or how many of each set.")
    return clips


def _tell(console: Console, packed: Sequence[Contents], options: PackOptions, written: Written) -> None:
    from sedlab.runs.packs.contents import CHECKPOINTS, CLIPS, LABELS, PAGES, SCORES, TABLES

    table = Table("part", title=", ".join(contents.path.name for contents in packed))
    table.add_column("files", justify="right")
    table.add_column("size", justify="right")
    for part in (TABLES, SCORES, PAGES, LABELS, CHECKPOINTS, CLIPS):
        if part in written.parts:
            files, size = written.parts[part]
            table.add_row(part, f"{files:,}", size_of(size))
    console.print(table)
    for line in _left_out(packed, options):
        say(console, f"left out: {line}")
    say(console, f"{written.path}: {size_of(written.num_bytes)}. On the other machine: sedlab open {written.path.name}")


def _left_out(packed: Sequence[Contents], options: PackOptions) -> list[str]:
    from sedlab.runs.packs.contents import CHECKPOINTS, SCORES, clip_bytes, heard_clips

    lines = []
    for part, how in ((CHECKPOINTS, "--checkpoints best, or all"), (SCORES, "--scores all")):
        sizes = [size for one in packed for kind, size in one.stays.values() if kind == part]
        if sizes:
            lines.append(
                f"{count_of(len(sizes), part.rstrip('s').replace('score', 'score file'))}, "
                f"{size_of(sum(sizes))} ({how})"
            )
    if states := sum(one.states for one in packed):
        lines.append(f"states of trainings, {size_of(states)}: who trains on, trains on where they are")
    silent = sum(one.silent for one in packed)
    if silent:
        sizes = {}
        for which in ("test", "all"):
            sizes[which] = sum(clip_bytes(one, heard_clips(one.run, which)) for one in packed if one.silent)
        if options.clips == "test":
            sizes.pop("test")
        how = ", ".join(f"--clips {which} about {size_of(size)}" for which, size in sizes.items())
        lines.append(f"{count_of(silent, 'clip')}: {how}")
    return lines
