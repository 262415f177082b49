"""Read tables as people save them, with errors that name file, line and remedy, and write them atomically.

Tab-separated text in UTF-8, or in UTF-16 with its mark (Excel's "Unicode text"), also compressed by gzip. A field
between quotation marks is what stands between them; a quotation mark anywhere else (``12" mix.wav``) is part of the
text. Other names of columns, and commas or semicolons between them: `sedlab.data.formats.columns`. What is written here
reads back as it was.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from sedlab.data.formats.columns import OTHER_SEPARATORS, chosen_columns, separator_of
from sedlab.data.formats.text import read_text as read_text
from sedlab.errors import SedlabError, count_of, nearest, short
from sedlab.files import atomic_path

#: Numbers beside 0 and 1 that are still those: what single precision makes of them.
ROUNDING = 1e-6

# Detectors know hundreds of classes. Reading more columns than this would take minutes.
_MAX_COLUMNS = 10_000
_SEPARATORS = {**OTHER_SEPARATORS, None: "spaces"}
# Names that lose a blank or a carriage return unless they are quoted, which only happens by itself for tabs and quotes.
_NEEDS_QUOTES = r"^\s|\s$|\r"


def read_tsv(
    path: str | Path,
    columns: Sequence[str],
    *,
    numbers: Collection[str] = (),
    optional: Collection[str] = (),
    header: bool = True,
    any_bytes: bool = False,
) -> pd.DataFrame:
    """Return the named columns of a table, text stripped; columns in ``numbers`` as float, empty as NaN.

    Where ``path`` is not there but its twin with ``.gz`` behind the name is, that is read.

    Parameters
    ----------
    columns : sequence of str
        Columns to return, in this order; those in ``optional`` only where the file has them.
    header : bool
        Whether the first line names the columns; if not, it must have exactly ``columns``.
    any_bytes : bool
        Whether names of files that are not UTF-8 may occur, as in tables that sedlab writes for itself.

    Raises
    ------
    SedlabError
        For a missing or empty file, a missing column or several that may be it, a row with more fields than there are
        columns, or text where a number belongs.
    """
    path = Path(path)
    text = read_text(path, any_bytes=any_bytes)
    if not text.strip():
        raise SedlabError(f"{path}: the file is empty; expected columns {', '.join(columns)}.")
    table = _fields(text, path, separator_of(text, columns, optional) if header else "\t")
    if header:
        names = table.iloc[0].tolist()
        places = chosen_columns(names, columns, str(path))
        _check_columns(path, names, places, columns, optional)
        # Row numbers in messages stay line numbers: see `line_number`.
        table = table.iloc[1:].set_axis(table.index[1:] - 1)
        kept = [column for column in columns if column in places]
        table = table.iloc[:, [places[column] for column in kept]].set_axis(kept, axis=1)
    elif table.shape[1] != len(columns):
        raise SedlabError(
            f"{path}: {count_of(table.shape[1], 'column')}, expected {len(columns)} ({', '.join(columns)}) with "
            "tabs between and no line of names."
        )
    else:
        table.columns = list(columns)
    table = table[(table != "").any(axis=1)].copy()
    for column in numbers:
        if column in table.columns:
            table[column] = _to_numbers(table[column], path, header)
    return table


def read_numbers(path: str | Path) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the names of the columns of a table of numbers, and its rows (rows, columns) float64, the first in line 2.

    Raises
    ------
    SedlabError
        For a missing or empty file, a row with more fields than there are columns, or a column that holds text.
    """
    path = Path(path)
    text = read_text(path).rstrip()
    head, _, body = text.partition("\n")
    names = tuple(next(split_rows(head))[1])
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise SedlabError(f"{path}: column {twice[0]!r} occurs twice. Remove or rename one.")
    if not body.strip():
        return names, np.empty((0, len(names)))
    try:
        table = pd.read_csv(
            io.StringIO(body),
            sep="\t",
            header=None,
            float_precision="round_trip",
            skip_blank_lines=False,
            low_memory=False,
        )
    except pd.errors.ParserError as error:
        numbers = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if numbers is None:
            raise SedlabError(f"{path}: not a table ({short(str(error))}). Save it as tab-separated text.") from None
        expected, line, found = map(int, numbers.groups())
        raise SedlabError(f"{path}: {_too_many(line + 1, found, expected)}") from None
    if table.shape[1] > len(names):
        raise SedlabError(f"{path}: {_too_many(2, table.shape[1], len(names))}")
    if table.shape[1] < len(names):
        raise SedlabError(f"{path}, line 2: {table.shape[1]} fields where line 1 has {len(names)}. Write it again.")
    for name, kind in zip(names, table.dtypes, strict=True):
        if kind.kind not in "fiu":
            raise SedlabError(f"{path}: column {name!r} does not hold numbers only. Write it again.")
    return names, table.to_numpy(dtype=np.float64)


def line_number(index: int, header: bool = True) -> int:
    """Return the line in the file of row ``index`` of the table that ``read_tsv`` returned."""
    return int(index) + (2 if header else 1)


def write_tsv(path: str | Path, table: pd.DataFrame) -> None:
    """Write ``table`` as tab-separated UTF-8 with a header, atomically; names that are not UTF-8 as their bytes."""
    with atomic_path(path) as temporary:
        _write(table, temporary)


def tsv_bytes(table: pd.DataFrame) -> bytes:
    """Return what `write_tsv` writes."""
    buffer = io.BytesIO()
    _write(table, buffer)
    return buffer.getvalue()


def _write(table: pd.DataFrame, target: Path | IO[bytes]) -> None:
    texts = table.select_dtypes(object)
    fragile = any(texts[column].astype(str).str.contains(_NEEDS_QUOTES).any() for column in texts)
    table.to_csv(
        target,
        sep="\t",
        index=False,
        lineterminator="\n",
        errors="surrogateescape",
        quoting=csv.QUOTE_NONNUMERIC if fragile else csv.QUOTE_MINIMAL,
    )


def as_probabilities(values: np.ndarray) -> np.ndarray:
    """Return ``values`` with those that rounding put just outside 0 to 1 (1.0000001) moved to the limit."""
    limited = np.clip(values, 0, 1)
    return np.where(np.abs(values - limited) <= ROUNDING, limited, values)


def _fields(text: str, path: Path, separator: str) -> pd.DataFrame:
    """Return the fields of all lines as text, numbered from 0; the index counts lines of the file."""
    width = text.count(separator, 0, text.find("\n")) + 1
    if width > _MAX_COLUMNS:
        raise SedlabError(f"{path}: has {width} columns, more than {_MAX_COLUMNS}. Give a table with a row an event.")
    if re.search(rf'(?:^|{separator})\s*"', text, re.MULTILINE):
        return _uneven_fields(text, path, separator)
    try:
        table = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            header=None,
            dtype=str,
            # Bytes that are no UTF-8, where these may occur, stay what they are.
            encoding_errors="surrogateescape",
            keep_default_na=False,
            quoting=csv.QUOTE_NONE,
            # Blank lines are kept, so that row numbers in messages are line numbers.
            skip_blank_lines=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError):  # pandas takes a blank first line for no columns
        return _uneven_fields(text, path, separator)
    # A row cut short has missing values even with keep_default_na=False.
    return table.fillna("").apply(lambda column: column.str.strip())


def _uneven_fields(text: str, path: Path, separator: str) -> pd.DataFrame:
    """Do as `_fields` where fields are quoted, also over several lines, or rows longer than the first; slower."""
    rows = dict(split_rows(text, separator))
    width = len(rows[0])
    for line, row in rows.items():
        # Spreadsheets leave tabs behind the last field.
        while len(row) > width and not row[-1]:
            del row[-1]
        if len(row) > width:
            raise SedlabError(f"{path}: {_too_many(line + 1, len(row), width)}")
        row += [""] * (width - len(row))
    return pd.DataFrame(list(rows.values()), index=list(rows), dtype=str)


def split_rows(text: str, separator: str = "\t") -> Iterator[tuple[int, list[str]]]:
    """Yield the line in which each row begins, from 0, and its fields."""
    # A field, and what ends it. A quotation mark that is never closed, or closed in the middle, is text.
    ends = rf"{separator}\r\n"
    pattern = rf'(?:"((?:[^"]|"")*+)"(?=[{ends}]|\Z)|([^{ends}]*))({separator}|\r\n|\r|\n|\Z)'
    line, next_line = 0, 0
    row: list[str] = []
    for match in re.finditer(pattern, text):
        quoted, plain, end = match.groups()
        row.append(plain.strip() if quoted is None else quoted.replace('""', '"'))
        next_line += (quoted or "").count("\n") + (end not in (separator, ""))
        if end != separator:
            yield line, row
            line, row = next_line, []
        if end == "":
            return


def _check_columns(
    path: Path, found: Sequence[str], places: Collection[str], columns: Sequence[str], optional: Collection[str]
) -> None:
    missing = [column for column in columns if column not in places and column not in optional]
    if not missing:
        return
    shown = ", ".join(short(column) for column in found[:10]) + (", ..." if len(found) > 10 else "")
    raise SedlabError(
        f"{path}: no column {missing[0]!r}; found {shown}, expected tab-separated {', '.join(columns)}."
        f"{_other_separator(found, missing) or nearest(missing[0], found)}"
    )


def _other_separator(found: Sequence[str], missing: Sequence[str]) -> str:
    """Return what to say when the columns are there, with something else than tabs between them."""
    for separator, name in _SEPARATORS.items() if len(found) == 1 else ():
        if {*missing} <= {part.strip(' "') for part in found[0].split(separator)}:
            return f" There are {name} between them: save it as tab-separated text (spreadsheet: Text, tab delimited)."
    return ""


def _too_many(line: int, found: int, expected: int) -> str:
    return f"line {line} has {found} fields where there are {expected} columns. Take out what is too much."


def _to_numbers(text: pd.Series, path: Path, header: bool) -> pd.Series:
    values = pd.to_numeric(text.where(text != ""), errors="coerce")
    wrong = values.isna() & (text != "") & (text.str.lower() != "nan")
    wrong |= values.abs() == float("inf")
    if wrong.any():
        row = wrong.idxmax()
        point = text[row].replace(",", ".")
        hint = f" Write {point} with a point." if re.fullmatch(r"[-+]?\d+[.]\d+", point) and point != text[row] else ""
        raise SedlabError(
            f"{path}, line {line_number(row, header)}: {short(text[row])} in column {text.name!r} is not a number."
            f"{hint or ' Correct it.'}"
        )
    return values.astype(float)
