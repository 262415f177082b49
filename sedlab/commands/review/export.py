"""`sedlab review export`: labels as the decisions have them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sedlab.commands.output import plain_console, say, say_written
from sedlab.commands.review.arguments import Reviewer, RunFolder
from sedlab.errors import SedlabError, count_of, nearest

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
    clips that were decided about.

    Example: sedlab review export runs/mini --subset strong_train --out corrected.tsv
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
