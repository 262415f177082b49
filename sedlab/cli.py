"""The command line: `sedlab ...`. Thin: each command reads its options and calls the room that does the work.

Rooms are imported inside the commands, so that help is shown at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from sedlab.errors import SedlabError

app = typer.Typer(
    name="sedlab",
    help="A research workbench for sound event detection. Start with: sedlab run mini",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Corpora. Example: sedlab data mini", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data_app, name="data")


@app.command()
def run(
    preset: Annotated[str, typer.Argument(metavar="PRESET", help="Name of a preset (nano, mini, ...) or a YAML file.")],
    name: Annotated[str | None, typer.Option(help="Name of the folder in runs/. Default: that of the preset.")] = None,
    arch: Annotated[
        list[str] | None, typer.Option(metavar="NAMES", help="Transformers: passt, beats, atst. Repeat, or use commas.")
    ] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Number of iterations.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change an option of the preset. Repeat.")
    ] = None,
    cores: Annotated[int | None, typer.Option(min=1, help="CPU cores to use. Default: all.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the jobs that would run, and why.")] = False,
) -> None:
    """Run an experiment, or what is missing of it.

    Example: sedlab run mini --name quick --arch atst --iterations 1 --set stage2.epochs=5
    """
    from sedlab.pipeline.command import run_command

    run_command(
        preset, name=name, archs=arch or [], iterations=iterations, overrides=set_ or [], cores=cores, dry_run=dry_run
    )


@data_app.command()
def mini(
    action: Annotated[
        Literal["prepare", "check"], typer.Argument(help="prepare: generate and show it. check: show what is there.")
    ] = "prepare",
    root: Annotated[Path, typer.Option(help="Folder of the corpus.")] = Path("data/mini"),
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other sounds.")] = 0,
) -> None:
    """Generate the embedded mini corpus: procedural soundscapes in the layout of the real corpora.

    Example: sedlab data mini --root data/mini
    """
    from sedlab.pipeline.command import check_command, mini_command

    check_command(root) if action == "check" else mini_command(root, seed)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
) -> None:
    """Open JupyterLab on the notebooks. Other options are passed on to it.

    Example: sedlab lab --port 8890 --no-browser
    """
    from sedlab.pipeline.lab import open_lab

    open_lab(port=port, browser=not no_browser, options=context.args)


@app.command()
def doctor() -> None:
    """Say what works here: Python, torch, CUDA, audio, scoring, notebooks, disk, data sets.

    Exits with status 1 if something essential is broken. Example: sedlab doctor
    """
    from sedlab.pipeline.doctor import examine, print_findings

    raise typer.Exit(print_findings(examine(Path.cwd())))


def main() -> None:
    """Run the command line; a problem the user can act on is one line and exit status 1."""
    try:
        app()
    except SedlabError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
