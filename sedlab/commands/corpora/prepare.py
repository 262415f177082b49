"""`sedlab data CORPUS prepare`: from what was downloaded to what training reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from sedlab.commands.output import format_seconds, plain_console, progress_bar, resumable, say, table_console

if TYPE_CHECKING:
    from sedlab.data.preparation.corpora import Preparation
    from sedlab.errors import SedlabError

_WEIGHTS = Path("weights")
#: The corpus that an option is about.
_ONLY_FOR = {
    "cache_only": "desed",
    "resources": "desed",
    "hop_train": "maestro",
    "hop_validation": "maestro",
    "hdf5": "audioset",
    "clips": "audioset",
}


def prepare(
    context: typer.Context,
    root: Annotated[Path, typer.Option(help="Folder of the corpora.")] = Path("data/dcase"),
    workers: Annotated[int, typer.Option(help="Files at once; 0: as many as there are cores.", min=0)] = 0,
    cache: Annotated[bool, typer.Option(help="Build the waveform cache of everything under the root.")] = True,
    cache_only: Annotated[
        bool,
        typer.Option(
            "--cache-only", help="DESED: no 16 kHz copies; the cache resamples, and half of the disk is enough."
        ),
    ] = False,
    resources: Annotated[
        list[Path],
        typer.Option(help="DESED: folder with exclusion lists, external strong tables, device responses (repeatable)."),
    ] = [],  # noqa: B006 (typer's way to say that it may be given several times)
    hop_train: Annotated[int, typer.Option(help="MAESTRO: seconds between training windows.", min=1)] = 1,
    hop_validation: Annotated[
        int, typer.Option(help="MAESTRO: seconds between validation windows; the published system 1, later 5.", min=1)
    ] = 1,
    hdf5: Annotated[
        list[Path],
        typer.Option(help="AudioSet: HDF5 file of MP3 bytes (repeatable); by default those in audioset_strong/hdf."),
    ] = [],  # noqa: B006
    clips: Annotated[Path | None, typer.Option(help="AudioSet: folder with the clips, at any depth.")] = None,
) -> None:
    """Prepare a downloaded corpus: 16 kHz audio, tables, waveform cache; interrupted, it goes on.

    Example: sedlab data CORPUS prepare --root data/dcase
    """
    from sedlab.data.preparation.corpora import Options, prepare_corpus
    from sedlab.runs.versions import num_cores

    corpus = context.parent.info_name
    _refuse_options_of_others(context, corpus)
    options = Options(
        workers=workers or num_cores(),
        copies=not cache_only,
        hops={"train": hop_train, "validation": hop_validation},
        hdf5=hdf5,
        clips=clips,
        resources=[*resources, _WEIGHTS],
    )
    with resumable(), progress_bar(table_console(), "looking") as progress:
        prepared = prepare_corpus(root, corpus, options, progress)
    _print(root, corpus, prepared)
    wrong = bool(prepared.num_damaged)
    if (cache or cache_only) and not (cache_only and wrong):
        wrong |= not _build_cache(root)
    if wrong:
        raise typer.Exit(1)
    say(table_console(), f"Next: sedlab data {corpus} check --root {root}")


def _refuse_options_of_others(context: typer.Context, corpus: str) -> None:
    for name, owner in _ONLY_FOR.items():
        if owner != corpus and context.get_parameter_source(name).name == "COMMANDLINE":
            option = "--" + name.replace("_", "-")
            raise typer.BadParameter(f"{option} is for `sedlab data {owner} prepare`, not for {corpus}.")


def _print(root: Path, corpus: str, prepared: Preparation) -> None:
    table = Table("set", title=f"{corpus} under {root}")
    for name in ("clips", "expected", "new", "damaged", "hours", "seconds"):
        table.add_column(name, justify="right")
    for outcome in prepared.outcomes:
        expected = "-" if outcome.expected is None else f"{outcome.expected:,}"
        counts = f"{outcome.clips:,}", expected, f"{outcome.made:,}", f"{outcome.num_damaged:,}"
        table.add_row(outcome.name, *counts, f"{outcome.hours:.2f}", f"{outcome.seconds:.1f}")
    table_console().print(table)
    console = plain_console()
    for line in prepared.placed:
        say(console, f"put into place: {line}")
    for outcome in prepared.outcomes:
        for remark in outcome.remarks:
            say(console, f"{remark}.")
        if outcome.orphans:
            say(
                console,
                f"{outcome.name}: {len(outcome.orphans):,} prepared files belong to no source, first: "
                f"{outcome.orphans[0]}.",
            )
    if prepared.problems:
        say(console, f"What is wrong with sources: {prepared.problems}")


def _build_cache(root: Path) -> bool:
    """Build the waveform cache of all that is under the root; return whether it is whole."""
    from sedlab.data.preparation.waveforms import build_cache, estimate_cache, everything_under
    from sedlab.errors import SedlabError

    console = plain_console()
    try:
        corpus = everything_under(root)
    except SedlabError as error:
        say(console, f"No waveform cache yet: {error}")
        return False
    estimate = estimate_cache(corpus)
    if not estimate.num_files:
        say(console, f"The waveform cache of {len(corpus):,} clips is up to date.")
        return True
    say(
        console,
        f"The waveform cache takes {estimate.num_bytes / 1e9:.2f} GB for {estimate.num_files:,} files, "
        f"about {format_seconds(estimate.seconds)} of one core.",
    )
    damaged: list[SedlabError] = []
    try:
        with resumable(), progress_bar(table_console(), "waveform cache") as progress:
            build_cache(corpus, progress, damaged=damaged)
    except SedlabError:
        if not damaged:
            raise
        for error in damaged:
            say(console, f"damaged: {error}")
        return False
    return True
