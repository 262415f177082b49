"""Read tables as people save them, with errors that name file, line and remedy, and write them atomically.

Tab-separated text in UTF-8, or in UTF-16 with its mark (Excel's "Unicode text"). A field between quotation marks is
what stands between them; a quotation mark anywhere else (``12" mix.wav``) is part of the text. What is written here
reads back as it was.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError, count_of, nearest, os_problem, short
from sedlab.files import atomic_path

#: Numbers beside 0 and 1 that are still those: what single precision makes of them.
ROUNDING = 1e-6

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    # Before UTF-16, whose mark is the beginning of this one.
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_AS_TEXT = "Save the table as text, with tabs between the columns."
_NO_TABLES = {
    b"\x1f\x8b": "a file that gzip compressed. Unpack it: zcat < {path} > unpacked.tsv",
    b"PK\3\4": f"a spreadsheet or a zip archive. {_AS_TEXT}",
    b"\xd0\xcf\x11\xe0": f"a spreadsheet. {_AS_TEXT}",
    b"\x89HDF": "an HDF5 file. Give the table (TSV).",
    b"version https://git-lfs": "the pointer of Git LFS to one. Run `git lfs pull` in its repository.",
    b"<!": "a web page. Open its address in a browser and save the file itself.",
    b"<html": "a web page. Open its address in a browser and save the file itself.",
}
# Detectors know hundreds of classes. Reading more columns than this would take minutes.
_MAX_COLUMNS = 10_000
_SEPARATORS = {";": "semicolons", ",": "commas", None: "spaces"}
_QUOTE = re.compile(r'(?:^|\t)\s*"', re.MULTILINE)
# A field, and what ends it. A quotation mark that is never closed, or closed in the middle, is text.
_FIELD = re.compile(r'(?:"((?:[^"]|"")*+)"(?=[\t\r\n]|\Z)|([^\t\r\n]*))(\t|\r\n|\r|\n|\Z)')
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
    """Return the named columns of a tab-separated file, text stripped; columns in ``numbers`` as float, empty as NaN.

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
        For a missing or empty file, a missing column or one that occurs twice, a row with more fields than there are
        columns, or text where a number belongs.
    """
    path = Path(path)
    text = _read_text(path, any_bytes=any_bytes)
    if not text.strip():
        raise SedlabError(f"{path}: the file is empty; expected columns {', '.join(columns)}.")
    table = _fields(text, path)
    if header:
        table.columns = table.iloc[0].tolist()
        _check_columns(path, table.columns, columns, optional)
        # Row numbers in messages stay line numbers: see `line_number`.
        table = table.iloc[1:].set_axis(table.index[1:] - 1)
        table = table[[column for column in columns if column in table.columns]]
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
    text = _read_text(path).rstrip()
    head, _, body = text.partition("\n")
    names = tuple(next(_split(head))[1])
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
    texts = table.select_dtypes(object)
    fragile = any(texts[column].astype(str).str.contains(_NEEDS_QUOTES).any() for column in texts)
    with atomic_path(path) as temporary:
        table.to_csv(
            temporary,
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


def _read_text(path: Path, *, any_bytes: bool = False) -> str:
    """Return a file's text; SedlabError where there is none."""
    try:
        # Pipes of the shell, `<(zcat table.tsv.gz)`, but no device that never ends.
        if path.exists() and not path.is_file() and path.parent not in (Path("/dev/fd"), Path("/proc/self/fd")):
            what = "a folder" if path.is_dir() else "no file with an end"
            raise SedlabError(f"{path}: is {what}. Name the table itself.")
        content = path.read_bytes()
    except FileNotFoundError:
        raise SedlabError(f"{path}: no such table. Correct the path.") from None
    except (OSError, ValueError) as error:
        raise SedlabError(os_problem(error, path)) from None
    for begin, what in _NO_TABLES.items():
        if content.startswith(begin):
            raise SedlabError(f"{path}: is no table but {what.format(path=shlex.quote(str(path)))}")
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding, errors="surrogateescape" if any_bytes else "strict")
    except UnicodeDecodeError as error:
        line, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
        raise SedlabError(
            f"{path}, line {line}: not {encoding.upper().removesuffix('-SIG')} text (byte 0x{byte:02x}). "
            "Save the table as UTF-8, with tabs between the columns."
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SedlabError(f"{path}, line {line}: holds NUL characters, so it is no text. Save the table as UTF-8 text.")
    if "\ufeff" in text:
        line = text.count("\n", 0, text.index("\ufeff")) + 1
        raise SedlabError(
            f"{path}, line {line}: holds an invisible byte order mark (U+FEFF), as where tables were joined. Remove it "
            "with a text editor, and a second header with it."
        )
    return text


def _fields(text: str, path: Path) -> pd.DataFrame:
    """Return the fields of all lines as text, numbered from 0; the index counts lines of the file."""
    width = text.count("\t", 0, text.find("\n")) + 1
    if width > _MAX_COLUMNS:
        raise SedlabError(f"{path}: has {width} columns, more than {_MAX_COLUMNS}. Give a table with a row an event.")
    if _QUOTE.search(text):
        return _uneven_fields(text, path)
    try:
        table = pd.read_csv(
            io.StringIO(text),
            sep="\t",
            header=None,
            dtype=str,
            keep_default_na=False,
            quoting=csv.QUOTE_NONE,
            # Blank lines are kept, so that row numbers in messages are line numbers.
            skip_blank_lines=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError):  # pandas takes a blank first line for no columns
        return _uneven_fields(text, path)
    # A row cut short has missing values even with keep_default_na=False.
    return table.fillna("").apply(lambda column: column.str.strip())


def _uneven_fields(text: str, path: Path) -> pd.DataFrame:
    """Do as `_fields` where fields are quoted, also over several lines, or rows longer than the first; slower."""
    rows = dict(_split(text))
    width = len(rows[0])
    for line, row in rows.items():
        # Spreadsheets leave tabs behind the last field.
        while len(row) > width and not row[-1]:
            del row[-1]
        if len(row) > width:
            raise SedlabError(f"{path}: {_too_many(line + 1, len(row), width)}")
        row += [""] * (width - len(row))
    return pd.DataFrame(list(rows.values()), index=list(rows), dtype=str)


def _split(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line in which each row begins, from 0, and its fields."""
    line, next_line = 0, 0
    row: list[str] = []
    for match in _FIELD.finditer(text):
        quoted, plain, end = match.groups()
        row.append(plain.strip() if quoted is None else quoted.replace('""', '"'))
        next_line += (quoted or "").count("\n") + (end not in ("\t", ""))
        if end != "\t":
            yield line, row
            line, row = next_line, []
        if end == "":
            return


def _check_columns(path: Path, found: Sequence[str], columns: Sequence[str], optional: Collection[str]) -> None:
    twice = [name for name in columns if list(found).count(name) > 1]
    if twice:
        raise SedlabError(f"{path}: column {twice[0]!r} occurs twice. Remove or rename one.")
    missing = [column for column in columns if column not in found and column not in optional]
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
