"""Which files hold labels, what wrote each, and all of them as one table."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from sedlab.data.importing.annotation import Annotation, file_rows
from sedlab.data.importing.audacity import is_label_track, named_recording, read_label_track
from sedlab.data.importing.raven import is_selection_table, read_selection_table
from sedlab.data.importing.record import ImportOptions
from sedlab.data.importing.tables import SYNONYMS, columns_of, is_strong, is_weak, read_strong, read_weak
from sedlab.data.tsv import read_text
from sedlab.errors import SedlabError, SedlabWarning, count_of, short

FORMATS = ("audacity", "raven", "table", "weak")
_SUFFIXES = (".txt", ".tsv", ".csv", ".txt.gz", ".tsv.gz", ".csv.gz")


def read_labels(options: ImportOptions) -> list[Annotation]:
    """Return what each label file of an import says.

    Of a folder, files that are no labels are left out with a warning; a file that is named itself must be one.

    Raises
    ------
    SedlabError
        When a file is no label file of a known format, or holds something wrong.
    """
    found: list[Annotation] = []
    for given in options.labels:
        if not given.is_dir():
            found.append(_read(given, given.parent, options))
            continue
        files = _label_files(given)
        problems: list[_UnknownFormatError] = []
        for path in files:
            try:
                found.append(_read(path, given, options))
            except _UnknownFormatError as error:
                problems.append(error)
        if len(problems) == len(files):
            what = f" of {count_of(len(files), 'text file')}" if files else f", such as *{', *'.join(_SUFFIXES[:3])}"
            why = f" ({problems[0]})" if problems else ""
            raise SedlabError(f"{given}: holds no label files{what}{why}. Give their folder, or the file itself.")
        if problems:
            note = f"{given}: {count_of(len(problems), 'text file is', 'text files are')} no labels, left out"
            warnings.warn(f"{note} (first: {problems[0].path}).", SedlabWarning, stacklevel=2)
    return found


class _UnknownFormatError(SedlabError):
    """A text of no format that is known."""

    def __init__(self, path: Path, message: str):
        super().__init__(message)
        self.path = path


def _label_files(folder: Path) -> list[Path]:
    found = []
    for here, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(here, name) for name in sorted(names)]
    return [path for path in found if path.name.lower().endswith(_SUFFIXES) and not path.name.startswith(".")]


def _read(path: Path, base: Path, options: ImportOptions) -> Annotation:
    """Return what a label file says; ``base`` is the folder that was searched, below which recordings have paths."""
    folder = path.parent.relative_to(base)
    recording = (folder / named_recording(path)).as_posix()
    wanted, text = options.format, read_text(path)
    if wanted == "audacity" or (wanted is None and (is_label_track(text) or not text.strip())):
        return read_label_track(path, recording, min_length=options.min_length)
    rows = file_rows(path)
    header = rows[0][1] if rows else []
    if wanted == "raven" or (wanted is None and is_selection_table(header)):
        if not is_selection_table(header):
            raise _unknown(path, header, "a Raven selection table (Begin Time (s), End Time (s))")
        # Raven itself names them `recording.Table.1.selections.txt`.
        recording = (folder / path.name.split(".Table.")[0]).as_posix() if ".Table." in path.name else recording
        chosen = options.label_column or options.columns.get("label")
        return read_selection_table(path, rows, recording, label_column=chosen, min_length=options.min_length)
    chosen = dict(options.columns)
    if options.label_column:
        chosen["label"] = options.label_column
    if options.split_column:
        chosen["split"] = options.split_column
    places = columns_of(header, chosen, path)
    if wanted != "weak" and is_strong(places):
        return read_strong(path, rows, places, recording, min_length=options.min_length)
    if wanted != "table" and is_weak(places):
        return read_weak(path, rows, places)
    raise _unknown(path, header, "columns for the file, the beginning, the end and the label of an event")


def _unknown(path: Path, header: Sequence[str], expected: str) -> SedlabError:
    seen = ", ".join(short(name, 40) for name in header[:8]) or "nothing"
    names = ", ".join(name for name in SYNONYMS if name != "duration")
    return _UnknownFormatError(
        path,
        f"{path}: the first line has {seen}, which is not {expected}. Name the columns, "
        f"--column onset=START (of {names}), or the format, --format {'|'.join(FORMATS)}.",
    )
