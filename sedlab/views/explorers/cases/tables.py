"""The tables of an error explorer: how each is made, headed, coloured and told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sedlab.scoring.errors.changes import BROKEN, EVENT_CHANGES, FALSE_CHANGES, FIXED, GONE, NEW, error_changes
from sedlab.scoring.errors.kinds import (
    BOUNDARY,
    CORRECT,
    CROSS_CLASS,
    DETECTION,
    DUPLICATE,
    FALSE_ALARM,
    FRAGMENTED,
    MERGED,
    MISSED,
    OUTCOMES,
)
from sedlab.scoring.errors.matrices import (
    ANY_ERROR,
    BETTER,
    NOTHING,
    WORSE,
    CaseMatrix,
    change_matrix,
    confusion_matrix,
    kind_matrix,
)
from sedlab.views.figures.errors import told, told_change

#: The tone of each column, as in the figures: right, wrong time, wrongly cut, wrong name, wrong.
_TONES: dict[str, str] = {
    **dict.fromkeys((CORRECT, FIXED, GONE, BETTER), "good"),
    **dict.fromkeys(BOUNDARY, "time"),
    **dict.fromkeys((FRAGMENTED, MERGED), "cut"),
    CROSS_CLASS: "name",
    **dict.fromkeys((DUPLICATE, *EVENT_CHANGES[::3], FALSE_CHANGES[-1], ANY_ERROR), "plain"),
    **dict.fromkeys((MISSED, FALSE_ALARM, BROKEN, NEW, WORSE), "bad"),
}
_EVENTS, _DETECTIONS, _BOTH = "events", "detections", "both"


@dataclass(frozen=True)
class ErrorTable:
    """One kind of table: of the cases of one system, or of two."""

    title: str
    """With ``{system}`` and ``{other}``"""
    make: Callable[[pd.DataFrame, pd.DataFrame], CaseMatrix]
    """Takes the cases of the system and of the one it is compared with."""
    groups: dict[str, str] = field(default_factory=dict)
    """{column: heading}"""
    heading: str = ""
    """Of the columns that have none in ``groups``."""
    corner: str = "Class"
    tell: Callable[[Mapping[str, Any]], str] = told
    """Says a case in words."""
    compares: bool = False
    """Whether it is of two systems."""
    tone: Callable[[str, str], str] = lambda _row, column: _TONES[column]
    """Takes row and column, returns a tone of `cells.js`."""


TABLES: dict[str, ErrorTable] = {
    "kinds of errors": ErrorTable(
        "What became of the events of each class, and detections that no event explains",
        lambda cases, _: kind_matrix(cases),
        {
            **dict.fromkeys(OUTCOMES["event"], _EVENTS),
            DUPLICATE: _DETECTIONS,
            FALSE_ALARM: _DETECTIONS,
            ANY_ERROR: _BOTH,
        },
    ),
    "detections": ErrorTable("What the detections of each class are", lambda cases, _: kind_matrix(cases, DETECTION)),
    "taken for": ErrorTable(
        "What sounds (rows), and what it was taken for (columns)",
        lambda cases, _: confusion_matrix(cases),
        corner="Annotated as",
        heading="Taken for",
        tone=lambda row, column: "good" if row == column else "bad" if NOTHING in (row, column) else "name",
    ),
    "changes": ErrorTable(
        "From {other} to {system}: what was won and lost",
        lambda cases, before: change_matrix(error_changes(before, cases)),
        {
            **dict.fromkeys(EVENT_CHANGES, _EVENTS),
            **dict.fromkeys(FALSE_CHANGES, "false detections"),
            **dict.fromkeys((BETTER, WORSE), _BOTH),
        },
        tell=told_change,
        compares=True,
    ),
}
