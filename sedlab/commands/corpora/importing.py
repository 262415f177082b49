"""`sedlab data import`: a corpus of your own."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from sedlab.commands.output import plain_console, progress_bar, resumable, say, table_console
from sedlab.errors import SedlabError, SedlabWarning, nearest

if TYPE_CHECKING:
    from sedlab.data.importing.corpus import Imported
    from sedlab.data.importing.record import ImportOptions

_COLUMNS = ("filename", "onset", "offset", "duration", "label")


def import_(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Recordings of any length and format, searched below.")
    ] = None,
    labels: Annotated[
        list[Path] | None, typer.Option(metavar="FILE|FOLDER", help="Label files, or a folder of them. Repeat.")
    ] = None,
    root: Annotated[Path, typer.Option(help="Data root; the corpus is its folder own/.")] = Path("data/own"),
    unlabeled: Annotated[
        list[Path] | None, typer.Option(metavar="FOLDER", help="Recordings without labels, to learn from. Repeat.")
    ] = None,
    format_: Annotated[
        Literal["audacity", "raven", "table", "weak"] | None,
        typer.Option("--format", help="Of the label files. Default: guessed. weak: labels of whole recordings."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="WHAT=NAME", help=f"Column of a table: {', '.join(_COLUMNS)}. Repeat. Default: guessed."),
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column with the label, as of a selection table of Raven.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(metavar="RATIOS|folders|FILE", help="FILE: filename, split. Default: folders, else 70/15/15."),
    ] = None,
    split_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column of the label table with train, val or test.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of a split by ratios.")] = 0,
    hop: Annotated[float, typer.Option(help="Seconds between the 10 s clips of a training recording.")] = 5.0,
    classes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The classes to keep, one a line, in their order.")
    ] = None,
    rename: Annotated[
        list[str] | None, typer.Option(metavar="OLD=NEW", help="Another name for a label. Repeat.")
    ] = None,
    min_events: Annotated[int, typer.Option(min=1, help="Classes with fewer events are left out.")] = 1,
    min_length: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Lengthen shorter events, and points, to this.")
    ] = None,
    annotated_until: Annotated[
        str | None, typer.Option(metavar="SECONDS|last", help="Use no more of a recording. last: up to its last event.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Do the import of this root again, as it was asked for.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of an import of something else.")] = False,
) -> None:
    """Import your own recordings and labels: as tables and clips of 10 s, with classes of their own.

    Labels are label tracks of Audacity, selection tables of Raven, or tables (TSV, CSV) of events or of labels of whole
    recordings. A second call does what has changed since.

    Example: sedlab data import recordings/ --labels labels/ --root data/own
    """
    from sedlab.data.importing.corpus import import_corpus
    from sedlab.data.importing.record import read_record

    console = plain_console(stderr=True)
    if again:
        record = read_record(root)
        if record is None:
            raise SedlabError(f"{root}: holds no import to do again. Import recordings: sedlab data import FOLDER ...")
        options = record.options
    else:
        if folder is None or not labels:
            raise typer.BadParameter("give the folder of the recordings, and --labels.", param_hint="FOLDER/--labels")
        options = _options(
            folder=folder.absolute(),
            labels=tuple(path.absolute() for path in labels),
            unlabeled=tuple(path.absolute() for path in unlabeled or ()),
            format=format_,
            columns=_pairs(column, "--column", known=_COLUMNS),
            label_column=label_column,
            split=_split(split),
            split_column=split_column,
            seed=seed,
            hop=hop,
            classes=classes and classes.absolute(),
            rename={old: new for new_old in [_pairs(rename, "--rename")] for old, new in new_old.items()},
            min_events=min_events,
            min_length=min_length,
            annotated_until=_until(annotated_until),
        )
    with (
        resumable(),
        progress_bar(console, "reading labels") as progress,
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always", SedlabWarning)
        imported = import_corpus(root, options, replace=replace, progress=progress)
    for note in dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, SedlabWarning)):
        say(console, f"note: {note}")
    _tell(console, imported)


def _tell(console: Console, imported: Imported) -> None:
    from sedlab.data.importing.corpus import summary

    for note in imported.notes:
        say(console, note)
    found = summary(imported)
    table = Table("class", title=str(imported.root / "own"))
    for name in found.columns[1:]:
        table.add_column(name, justify="right")
    for place, row in enumerate(found.itertuples(index=False)):
        table.add_row(*map(str, row), end_section=place == 0)
    table_console().print(table)
    if not imported.changed:
        say(console, "nothing has changed since the last import")
    setting = f"--set data.root={shlex.quote(str(imported.root))}"
    say(console, f"next: sedlab run own {setting}        (on a laptop: sedlab run own-small {setting})")


def _options(**values: object) -> ImportOptions:
    from pydantic import ValidationError

    from sedlab.data.importing.record import ImportOptions
    from sedlab.errors import first_problem

    try:
        return ImportOptions(**values)
    except ValidationError as error:
        raise SedlabError(f"--{first_problem(error)}") from None


def _pairs(texts: Sequence[str] | None, option: str, known: Sequence[str] = ()) -> dict[str, str]:
    """Return {"a": "b"} for "a=b"; SedlabError for another form, or a name that is not ``known``."""
    pairs = {}
    for text in texts or ():
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or not value:
            raise SedlabError(f"{option} {text}: is not NAME=NAME. Write both names.")
        if known and name not in known:
            raise SedlabError(f"{option} {text}: of {', '.join(known)}, none is {name!r}.{nearest(name, known)}")
        pairs[name] = value
    return pairs


def _split(text: str | None) -> str | None:
    """Return where a list of splits is, as an absolute path; ratios and "folders" as they are."""
    return str(Path(text).absolute()) if text is not None and Path(text).is_file() else text


def _until(text: str | None) -> float | str | None:
    if text is None or text == "last":
        return text
    try:
        if (seconds := float(text)) > 0:
            return seconds
    except ValueError:
        pass
    raise SedlabError(f"--annotated-until {text}: is neither a time in seconds nor last. Correct it.")
