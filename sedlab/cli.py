"""The command line: a table of commands. Each is a function of `sedlab.commands`, whose parameters are the options.

Those files import the rooms that do the work inside their functions, so that help is shown at once.
"""

from __future__ import annotations

import inspect
import os
import sys
import tempfile
import traceback
import warnings
from contextlib import suppress
from pathlib import Path

import typer

from sedlab.commands.cluster import cancel
from sedlab.commands.compare import compare
from sedlab.commands.corpora.check import check
from sedlab.commands.corpora.download import download
from sedlab.commands.corpora.exclude import exclude
from sedlab.commands.corpora.importing import import_
from sedlab.commands.corpora.mini import mini
from sedlab.commands.corpora.missing import missing
from sedlab.commands.corpora.prepare import prepare
from sedlab.commands.corpora.youtube import youtube
from sedlab.commands.detect import detect
from sedlab.commands.doctor import doctor
from sedlab.commands.errors import errors
from sedlab.commands.evaluate import evaluate
from sedlab.commands.lab import lab
from sedlab.commands.moving.opening import open_
from sedlab.commands.moving.pack import pack
from sedlab.commands.review.agreement import agreement
from sedlab.commands.review.export import export
from sedlab.commands.review.show import show
from sedlab.commands.run import run, watch
from sedlab.commands.sweeps.sweep import sweep
from sedlab.commands.tune import tune
from sedlab.commands.version import describe
from sedlab.commands.weights import download_weights, inspect_weights, list_weights
from sedlab.errors import SedlabError, printable, short, unforeseen_problem
from sedlab.system.environment import shadowing_module
from sedlab.system.home import writable_home
from sedlab.system.streams import discard_output, prepare_streams


def _group(help_text: str) -> typer.Typer:
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


app = _group("A research workbench for sound event detection. Start with: sedlab run mini")
app.callback()(describe)
app.command()(run)
app.command()(sweep)
app.command()(watch)
app.command()(cancel)
app.command()(pack)
app.command("open")(open_)
app.command()(detect)
app.command()(evaluate)
app.command()(tune)
app.command()(compare)
app.command()(errors)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(lab)
app.command()(doctor)

#: What is done with one corpus and not with the others.
CORPUS_ACTIONS = {"desed": (youtube, missing, exclude), "maestro": (), "audioset": (youtube,)}
data = _group("Corpora. Example: sedlab data mini")
app.add_typer(data, name="data")
data.command()(mini)
data.command("import")(import_)
data.command(help=inspect.cleandoc(check.__doc__).replace("CORPUS ", ""))(check)
for name, what in {
    "desed": "DESED: clips of 10 s of domestic sounds.",
    "maestro": "MAESTRO Real: long recordings with soft labels.",
    "audioset": "AudioSet strong: for pre-training.",
}.items():
    corpus = _group(f"{what} Example: sedlab data {name} check")
    data.add_typer(corpus, name=name)
    # Each asks its context which corpus it is called for.
    for action in (download, prepare, check, *CORPUS_ACTIONS[name]):
        corpus.command(help=inspect.cleandoc(action.__doc__).replace("CORPUS", name))(action)

review = _group("Decisions about labels. Example: sedlab review export runs/mini")
app.add_typer(review, name="review")
review.command()(show)
review.command()(export)
review.command()(agreement)

weights = _group("Published checkpoints. Example: sedlab weights list")
app.add_typer(weights, name="weights")
weights.command("list")(list_weights)
weights.command("download")(download_weights)
weights.command("inspect")(inspect_weights)


def main() -> None:
    """Run the command line; a problem the user can act on is one line and exit status 1.

    A fault of ours is one line too; its traceback goes to a file, or with SEDLAB_TRACEBACK=1 to stderr.
    """
    prepare_streams()
    warnings.showwarning = _show_warning
    try:
        try:
            writable_home()
            app()
        finally:
            # Here rather than when Python ends, where a full disk would be no error of ours to tell.
            sys.stdout.flush()
    except BrokenPipeError:
        # Who reads the output has seen enough.
        discard_output()
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None:
            discard_output()
        _tell(error)
    sys.exit(1)


def _tell(error: Exception) -> None:
    line = str(error) if isinstance(error, SedlabError) else unforeseen_problem(error) or _fault(error)
    # Where stderr leads may be full, too.
    with suppress(OSError):
        if os.environ.get("SEDLAB_TRACEBACK"):
            traceback.print_exception(error)
        print(f"error: {printable(' '.join(line.splitlines()))}", file=sys.stderr, flush=True)


def _fault(error: Exception) -> str:
    if other := shadowing_module():
        return (
            f"{other}: PYTHONPATH puts it before a module that sedlab needs ({type(error).__name__}: "
            f"{short(str(error))}). Unset PYTHONPATH, or rename that, and run this again."
        )
    text = "".join(traceback.format_exception(error))
    with suppress(OSError):
        _, name = tempfile.mkstemp(prefix="sedlab-", suffix=".log")
        Path(name).write_text(f"{' '.join(sys.argv)}\n\n{text}", encoding="utf-8", errors="backslashreplace")
        text = f"Its traceback: {name}."
    return (
        f"a fault of sedlab, not of your files ({type(error).__name__}: {short(str(error))}). Please report it. {text}"
    )


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object, **__: object
) -> None:
    """Print a warning of ours as one line; those of other libraries with the place they come from."""
    ours = issubclass(category, UserWarning) and Path(filename).is_relative_to(Path(__file__).parent)
    text = str(message) if ours else f"{category.__name__}: {message} ({filename}, line {lineno})"
    print(f"warning: {printable(' '.join(text.splitlines()))}", file=sys.stderr)


if __name__ == "__main__":
    main()
