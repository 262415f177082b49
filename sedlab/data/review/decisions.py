"""Decisions of people about events: one table, a row a decision, in the order in which they were made.

A decision is about an item: an event of the reference, a detection of a system, a suspect of the audit, an event that
everybody missed, or a whole clip. Who decides again about an item adds a row; the last one of a person counts.
"""

from __future__ import annotations

import getpass
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.tsv import line_number, read_tsv, write_tsv
from sedlab.errors import SedlabError, nearest, short

REFERENCE, DETECTION, SUSPECT, MISSED, CLIP = "reference", "detection", "suspect", "missed", "clip"
#: What a decision can be about.
ITEMS: tuple[str, ...] = (REFERENCE, DETECTION, SUSPECT, MISSED, CLIP)
RIGHT, WRONG, UNSURE, MOVED = "right", "wrong", "unsure", "moved"
DECISIONS: tuple[str, ...] = (RIGHT, WRONG, UNSURE, MOVED)
#: Times that differ by less are the same: tables are written with milliseconds.
SAME_SECONDS = 1e-3
#: Environment variable with the name that decisions are signed with.
REVIEWER = "SEDLAB_REVIEWER"

_NUMBERS = ("onset", "offset", "new_onset", "new_offset")
_OPTIONAL = ("new_onset", "new_offset", "note", "reviewer", "time", "system")
_ITEM = ["subset", "clip_id", "what", "label", "system", "_onset", "_offset"]


@dataclass(frozen=True)
class Decision:
    """What somebody decided about one item; a row of the table."""

    subset: str
    clip_id: str
    onset: float
    """Seconds; NaN for labels of clips and for clips."""
    offset: float
    label: str
    """Empty for a clip."""
    what: str
    """One of `ITEMS`."""
    decision: str
    """One of `DECISIONS`; an event that was missed is right where it was drawn, or moved."""
    new_onset: float = float("nan")
    """Seconds: where the event lies if it was moved."""
    new_offset: float = float("nan")
    note: str = ""
    reviewer: str = ""
    time: str = ""
    """UTC, ISO 8601."""
    system: str = ""
    """Whose detection it is about."""


COLUMNS: tuple[str, ...] = tuple(Decision.__dataclass_fields__)


def empty_table() -> pd.DataFrame:
    """Return a table without decisions."""
    return pd.DataFrame({name: pd.Series(dtype=float if name in _NUMBERS else object) for name in COLUMNS})


def with_decision(table: pd.DataFrame, decision: Decision) -> pd.DataFrame:
    """Return the table with one more decision, signed with the present time if it has none.

    Raises
    ------
    SedlabError
        When it makes no sense, such as a moved event without its new place.
    """
    row = asdict(decision) | {"note": " ".join(decision.note.split()), "time": decision.time or _now()}
    added = pd.DataFrame([row], columns=list(COLUMNS))
    check(added, "decision")
    return pd.concat([table, added], ignore_index=True) if len(table) else added


def without_last(table: pd.DataFrame, reviewer: str) -> pd.DataFrame:
    """Return the table without the last decision of a person; an earlier one about its item counts again."""
    own = np.flatnonzero(table["reviewer"] == reviewer)
    return table.drop(table.index[own[-1:]]).reset_index(drop=True)


def latest(table: pd.DataFrame, *, reviewer: str = "", by_reviewer: bool = False) -> pd.DataFrame:
    """Return the decisions that count, a row an item, in the order in which they were made.

    Parameters
    ----------
    reviewer : str
        Only this person's; empty: everybody's.
    by_reviewer : bool
        Keep what each person decided about an item, not only what was decided last.
    """
    if reviewer:
        table = table[table["reviewer"] == reviewer]
    keys = items_of(table)
    if by_reviewer:
        keys = keys.assign(reviewer=table["reviewer"])
    return table[~keys.duplicated(keep="last")]


def items_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return what tells the item of each row from others: equal rows are about the same item."""
    return table.assign(
        _onset=(table["onset"] / SAME_SECONDS).round(), _offset=(table["offset"] / SAME_SECONDS).round()
    )[_ITEM]


def read_decisions(path: str | Path) -> pd.DataFrame:
    """Return a file of decisions, its columns `COLUMNS`; the index gives the lines (`line_number`).

    Columns for new times, note, reviewer, time and system may be absent.

    Raises
    ------
    SedlabError
        For a missing file or column, and with its line for a row that makes no sense.
    """
    path = Path(path)
    table = read_tsv(path, COLUMNS, numbers=_NUMBERS, optional=_OPTIONAL)
    for name in COLUMNS:
        if name not in table:
            table[name] = np.nan if name in _NUMBERS else ""
    check(table, path)
    return table[list(COLUMNS)]


def write_decisions(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table of decisions, atomically; it reads back as it was but for times below a microsecond."""
    write_tsv(path, table[list(COLUMNS)].round(dict.fromkeys(_NUMBERS, 6)))


def check(table: pd.DataFrame, where: Path | str) -> None:
    """Raise SedlabError for the first row of a table that makes no sense, with its line if ``where`` is a file."""
    for name, known in (("what", ITEMS), ("decision", DECISIONS)):
        for row, value in table.loc[~table[name].isin(known), name].head(1).items():
            hint = f"{nearest(value, known)} Known: {', '.join(known)}."
            raise SedlabError(f"{_place(where, row)}: {name} {short(value)} is unknown.{hint}")
    onset, offset, new_onset, new_offset = (table[name] for name in _NUMBERS)
    moved, about_clip = table["decision"] == MOVED, table["what"] == CLIP
    timed = onset.notna() & offset.notna()
    wrong = (
        ((table["subset"] == "") | (table["clip_id"] == ""), "no subset or no clip. Name both."),
        ((table["label"] == "") & ~about_clip, "no label. Name the class of the event."),
        (onset.isna() != offset.isna(), "an onset without offset, or the other way round. Give both, or none."),
        (
            timed & ((onset < 0) | (offset < onset)),
            "an event that ends before it begins, or begins before 0.",
        ),
        (moved & (about_clip | ~timed), "a moved clip or label of a clip: only events with times can be moved."),
        (moved & (new_onset.isna() | new_offset.isna()), "a moved event without new_onset and new_offset. Give both."),
        (moved & ((new_onset < 0) | (new_offset <= new_onset)), "new_onset and new_offset are no stretch of time."),
        ((table["what"] == MISSED) & ~timed, "a missed event without onset and offset. Give both."),
    )
    for rows, problem in wrong:
        if rows.any():
            raise SedlabError(f"{_place(where, rows.idxmax())}: {problem}")


def default_reviewer() -> str:
    """Return whom decisions are signed by: `REVIEWER` in the environment, or the name of the login."""
    try:
        return os.environ.get(REVIEWER, "").strip() or getpass.getuser()
    except (OSError, KeyError):  # a user without an entry, as in some containers
        return "reviewer"


def _place(where: Path | str, row: int) -> str:
    return f"{where}, line {line_number(row)}" if isinstance(where, Path) else str(where)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
