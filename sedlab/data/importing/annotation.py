"""What a label file says, whatever program wrote it: rows with the same columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from sedlab.data.tsv import read_text, split_rows
from sedlab.errors import SedlabError, short

#: recording: as the label file calls it, a name or a path. onset, offset: seconds in the recording, NaN for labels of
#: whole recordings. label: empty for a recording that was listened to without an event. split: train, val, test or "".
#: line: in the file.
ROW_COLUMNS = ("recording", "onset", "offset", "label", "split", "line")

_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")


@dataclass(frozen=True)
class Annotation:
    """The labels of one file."""

    path: Path
    format: Literal["audacity", "raven", "table", "weak"]
    rows: pd.DataFrame
    """`ROW_COLUMNS`."""
    told: str = ""
    """Which columns were read, which were not, what was left out."""

    @property
    def is_weak(self) -> bool:
        """Whether labels are of whole recordings."""
        return self.format == "weak"


def row_table(rows: Sequence[tuple]) -> pd.DataFrame:
    """Return rows in the order of `ROW_COLUMNS` as a table."""
    kinds = {"onset": float, "offset": float, "line": int}
    return pd.DataFrame(rows, columns=list(ROW_COLUMNS)).astype(kinds)


def file_rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return (line, fields) of each row of a text table that is not blank, fields stripped.

    Fields stand between tabs, semicolons or commas, whichever the first line has, in this order.
    """
    text = read_text(path)
    first = text.lstrip().partition("\n")[0]
    separator = next((mark for mark in "\t;," if mark in first), "\t")
    rows = _between_tabs(text) if separator == "\t" else _between(text, separator, path)
    return [(line, fields) for line, fields in rows if any(fields)]


def seconds(text: str, path: Path, line: int, what: str) -> float:
    """Return a time in seconds, also one written as minutes:seconds or hours:minutes:seconds.

    Raises
    ------
    SedlabError
        For anything else; a decimal comma is told.
    """
    try:
        value = float(text)
        if abs(value) < float("inf"):
            return value
    except ValueError:
        pass
    if clock := _CLOCK.fullmatch(text):
        hours, minutes, rest = clock.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(rest)
    pointed = text.replace(",", ".")
    hint = f"Write {pointed} with a point." if re.fullmatch(r"-?\d+\.\d+", pointed) else "Correct it."
    raise SedlabError(f"{path}, line {line}: {what} {short(text)} is no time in seconds. {hint}")


def check_times(path: Path, line: int, onset: float, offset: float) -> None:
    """Raise SedlabError for an event that begins before the recording or ends before it begins."""
    if onset < 0 or offset < onset or onset != onset or offset != offset:
        raise SedlabError(
            f"{path}, line {line}: an event from {onset:g} to {offset:g} s. Times are seconds from the recording's "
            "start, the end after the beginning: correct them."
        )


def _between_tabs(text: str) -> Iterator[tuple[int, list[str]]]:
    for line, fields in split_rows(text):
        yield line + 1, [field.strip() for field in fields]


def _between(text: str, separator: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    import csv
    import io

    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    begin = 1
    try:
        for fields in reader:
            yield begin, [field.strip() for field in fields]
            begin = reader.line_num + 1
    except csv.Error as error:
        raise SedlabError(f"{path}, line {begin}: not a table ({error}). Save it again as CSV.") from None
