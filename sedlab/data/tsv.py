"""Read annotation tables, with errors that name file, row and remedy, and write them atomically."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from sedlab.errors import SedlabError, nearest
from sedlab.files import atomic_path


def read_tsv(
    path: str | Path,
    columns: Sequence[str],
    *,
    numbers: Collection[str] = (),
    optional: Collection[str] = (),
    header: bool = True,
) -> pd.DataFrame:
    """Return the named columns of a tab-separated file, text stripped; columns in ``numbers`` as float, empty as NaN.

    Parameters
    ----------
    columns : sequence of str
        Columns to return, in this order; those in ``optional`` only where the file has them.
    header : bool
        Whether the first line names the columns; if not, it must have exactly ``columns``.

    Raises
    ------
    SedlabError
        For a missing or empty file, a missing column, or text where a number belongs.
    """
    path = Path(path)
    try:
        # No quoting: a stray quotation mark in a file name must not swallow the rest of the table.
        table = pd.read_csv(
            path,
            sep="\t",
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            quoting=3,
            header=0 if header else None,
            names=None if header else list(columns),
            index_col=False,
            skip_blank_lines=False,
        )
    except FileNotFoundError:
        raise SedlabError(f"{path}: no such table.") from None
    except pd.errors.EmptyDataError:
        raise SedlabError(f"{path}: the file is empty; expected columns {', '.join(columns)}.") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise SedlabError(f"{path}: not a tab-separated UTF-8 table ({' '.join(str(error).split())}).") from None
    except OSError as error:
        raise SedlabError(f"{path}: cannot be read ({error.strerror}).") from None

    table.columns = [str(column).strip() for column in table.columns]
    missing = [column for column in columns if column not in table.columns and column not in optional]
    if missing:
        raise SedlabError(
            f"{path}: no column {missing[0]!r}; found {', '.join(map(repr, table.columns))}, "
            f"expected tab-separated {', '.join(columns)}.{nearest(missing[0], table.columns)}"
        )
    table = table[[column for column in columns if column in table.columns]].copy()
    # A row cut short has missing values even with keep_default_na=False.
    table = table.fillna("")
    for column in table.columns:
        table[column] = table[column].str.strip()
    # Blank lines are kept while reading so that row numbers in messages are line numbers.
    table = table[(table != "").any(axis=1)]
    for column in numbers:
        if column in table.columns:
            table[column] = _to_numbers(table[column], path, header)
    return table


def line_number(index: int, header: bool = True) -> int:
    """Return the line in the file of row ``index`` of the table that ``read_tsv`` returned."""
    return int(index) + (2 if header else 1)


def write_tsv(path: str | Path, table: pd.DataFrame) -> None:
    """Write ``table`` as tab-separated UTF-8 with a header, atomically."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False, lineterminator="\n")


def _to_numbers(text: pd.Series, path: Path, header: bool) -> pd.Series:
    values = pd.to_numeric(text.where(text != ""), errors="coerce")
    wrong = values.isna() & (text != "") & (text.str.lower() != "nan")
    wrong |= values.abs() == float("inf")
    if wrong.any():
        row = wrong.idxmax()
        raise SedlabError(
            f"{path}, line {line_number(row, header)}: {text[row]!r} in column {text.name!r} is not a number."
        )
    return values.astype(float)
