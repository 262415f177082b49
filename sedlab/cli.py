"""The command line: a table of commands. Each is a function of `sedlab.commands`, whose parameters are the options.

Those files import the rooms that do the work inside their functions, so that help is shown at once.
"""

from __future__ import annotations

import sys

import typer

from sedlab.commands.compare import compare
from sedlab.commands.data import mini
from sedlab.commands.detect import detect
from sedlab.commands.doctor import doctor
from sedlab.commands.errors import errors
from sedlab.commands.evaluate import evaluate
from sedlab.commands.lab import lab
from sedlab.commands.run import run, watch
from sedlab.commands.tune import tune
from sedlab.commands.weights import download_weights, inspect_weights, list_weights
from sedlab.errors import SedlabError
from sedlab.home import writable_home


def _group(help_text: str) -> typer.Typer:
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


app = _group("A research workbench for sound event detection. Start with: sedlab run mini")
app.command()(run)
app.command()(watch)
app.command()(detect)
app.command()(evaluate)
app.command()(tune)
app.command()(compare)
app.command()(errors)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(lab)
app.command()(doctor)

data = _group("Corpora. Example: sedlab data mini")
app.add_typer(data, name="data")
data.command()(mini)

weights = _group("Published checkpoints. Example: sedlab weights list")
app.add_typer(weights, name="weights")
weights.command("list")(list_weights)
weights.command("download")(download_weights)
weights.command("inspect")(inspect_weights)


def main() -> None:
    """Run the command line; a problem the user can act on is one line and exit status 1."""
    try:
        writable_home()
        app()
    except SedlabError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
