"""Cases sorted into cells: class by kind of error, class by what it was taken for, class by what changed.

A matrix knows the cases of each of its cells, in the order in which one would hear them: detections by confidence, the
surest first; events by duration, the longest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlab.scoring.errors.changes import BROKEN, EVENT_CHANGES, FALSE_CHANGES, FIXED, GONE, NEW
from sedlab.scoring.errors.kinds import (
    BOUNDARY,
    CORRECT,
    CROSS_CLASS,
    DETECTION,
    DUPLICATE,
    EVENT,
    FALSE_ALARM,
    FRAGMENTED,
    MERGED,
    MISSED,
    OUTCOMES,
)
from sedlab.scoring.names import ALL

#: The column of everything that is wrong, of all that changed for the better and for the worse.
ANY_ERROR, BETTER, WORSE = "any error", "better", "worse"
#: In the matrix of confusions, what is no class: an event nobody found, a detection of nothing.
NOTHING = "nothing"
#: Detections whose event tells their case already.
_TOLD_BY_EVENT = (CORRECT, *BOUNDARY, FRAGMENTED, MERGED, CROSS_CLASS)


@dataclass(frozen=True, eq=False)
class CaseMatrix:
    """A table of counts whose cells know their cases."""

    cases: pd.DataFrame
    """All cases; `side, label, onset, offset` and more."""
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    members: dict[tuple[str, str], np.ndarray]
    """{(row, column): places in ``cases``}, in the order in which to hear them; cells without a case are left out"""
    totals: dict[tuple[str, str], int]
    """{(row, column): of how many}: the events, or the detections, of the row that could have been counted there"""

    def count(self, row: str, column: str) -> int:
        """Return the number of cases of a cell."""
        return len(self.members.get((row, column), ()))

    def total(self, row: str, column: str) -> int:
        """Return of how many the cases of a cell are a part."""
        return self.totals.get((row, column), 0)

    def of_cell(self, row: str, column: str) -> pd.DataFrame:
        """Return the cases of a cell, in the order in which to hear them; the index is that of all cases."""
        return self.cases.iloc[self.members.get((row, column), np.empty(0, dtype=int))]

    def table(self) -> pd.DataFrame:
        """Return the counts, rows by columns."""
        counts = [[self.count(row, column) for column in self.columns] for row in self.rows]
        return pd.DataFrame(counts, index=list(self.rows), columns=list(self.columns))


def kind_matrix(cases: pd.DataFrame, side: str | None = None) -> CaseMatrix:
    """Return how often each kind of error happened to each class; the first row counts all classes.

    Parameters
    ----------
    cases : DataFrame
        What ``find_errors`` returns.
    side : "event", "detection" or None
        Whose outcomes: of the events, of the detections, or of the events together with those detections that no event
        tells of (duplicates, false alarms). The last column is "any error".
    """
    wanted = cases["side"].to_numpy() == (side or EVENT)
    columns = list(OUTCOMES[side or EVENT])
    if side is None:
        wanted |= (cases["side"] == DETECTION).to_numpy() & ~cases["outcome"].isin(_TOLD_BY_EVENT).to_numpy()
        columns += [DUPLICATE, FALSE_ALARM]
    outcome, label = cases["outcome"].to_numpy(object), cases["label"].to_numpy(object)
    places = np.flatnonzero(wanted)
    cells = [(label[k], outcome[k], k) for k in places]
    cells += [(label[k], ANY_ERROR, k) for k in places if outcome[k] != CORRECT]
    sizes = cases.groupby(["side", "label"]).size().to_dict()
    totals = {}
    for row in dict.fromkeys(label):
        for column in columns:
            of = side or (DETECTION if column in (DUPLICATE, FALSE_ALARM) else EVENT)
            totals[row, column] = sizes.get((of, row), 0)
        totals[row, ANY_ERROR] = int(np.sum(label[places] == row))
    return _matrix(cases, cells, totals, [*columns, ANY_ERROR], first=ALL)


def confusion_matrix(cases: pd.DataFrame) -> CaseMatrix:
    """Return what each event was taken for: a class, by its detection, or nothing.

    Found under its own name (correct, at the wrong time, in pieces, together with others) is the diagonal; the last row
    is false alarms, where nothing sounds that could explain the detection. Rows of classes add up to their events.
    """
    side, outcome = cases["side"].to_numpy(object), cases["outcome"].to_numpy(object)
    label, other = cases["label"].to_numpy(object), cases["other_label"].to_numpy(object)
    taken_for = np.where(outcome == CROSS_CLASS, other, np.where(outcome == MISSED, NOTHING, label))
    cells = [(label[k], taken_for[k], k) for k in np.flatnonzero(side == EVENT)]
    alarms = np.flatnonzero((side == DETECTION) & (outcome == FALSE_ALARM))
    cells += [(NOTHING, label[k], k) for k in alarms]
    classes = sorted({name for row, column, _ in cells for name in (row, column)} - {NOTHING})
    events = cases.loc[side == EVENT, "label"].value_counts().to_dict() | {NOTHING: len(alarms)}
    names = [*classes, NOTHING]
    totals = {(row, column): int(events.get(row, 0)) for row in names for column in names}
    return _matrix(cases, cells, totals, names, rows=names)


def change_matrix(changes: pd.DataFrame) -> CaseMatrix:
    """Return how often each change happened to each class; the first row counts all classes.

    ``changes`` are what ``error_changes`` returns. The last columns are everything that is better (fixed, gone) and
    worse (broken, new).
    """
    label, change = changes["label"].to_numpy(object), changes["change"].to_numpy(object)
    cells = [(label[k], change[k], k) for k in range(len(changes))]
    for name, parts in ((BETTER, (FIXED, GONE)), (WORSE, (BROKEN, NEW))):
        cells += [(label[k], name, k) for k in range(len(changes)) if change[k] in parts]
    groups = {**dict.fromkeys(EVENT_CHANGES, EVENT_CHANGES), **dict.fromkeys(FALSE_CHANGES, FALSE_CHANGES)}
    sizes = pd.crosstab(changes["label"], changes["change"]) if len(changes) else pd.DataFrame()
    totals = {}
    for row in dict.fromkeys(label):
        for column, group in groups.items():
            totals[row, column] = int(sizes.loc[row].reindex(group, fill_value=0).sum())
        totals[row, BETTER] = totals[row, WORSE] = int(sizes.loc[row].sum())
    return _matrix(
        changes,
        cells,
        totals,
        [FIXED, BROKEN, *_rest(EVENT_CHANGES), GONE, NEW, *_rest(FALSE_CHANGES), BETTER, WORSE],
        first=ALL,
    )


def _rest(changes: Iterable[str]) -> list[str]:
    return [name for name in changes if name not in (FIXED, BROKEN, GONE, NEW)]


def _matrix(
    cases: pd.DataFrame,
    cells: Iterable[tuple[str, str, int]],
    totals: dict[tuple[str, str], int],
    columns: Sequence[str],
    *,
    rows: Sequence[str] = (),
    first: str = "",
) -> CaseMatrix:
    """Return the matrix of ``cells`` (row, column, place of a case); rows that are not given: most cases first."""
    members: dict[tuple[str, str], list[int]] = {}
    for row, column, place in cells:
        members.setdefault((row, column), []).append(place)
        if first:
            members.setdefault((first, column), []).append(place)
    if first:
        for column in columns:
            totals[first, column] = sum(number for (_, name), number in totals.items() if name == column)
        found = {row for row, _ in totals} - {first}
        most = {row: len(members.get((row, columns[-1]), ())) for row in found}
        rows = [first, *sorted(found, key=lambda row: (-most[row], row))] if found else []
    order = _hearing_order(cases)
    ordered = {cell: np.array(sorted(places, key=order.__getitem__)) for cell, places in members.items()}
    return CaseMatrix(cases, tuple(rows), tuple(columns), ordered, totals)


def _hearing_order(cases: pd.DataFrame) -> np.ndarray:
    """Return the rank of each case: the surest first, then the longest; the others in their order."""
    seconds = (cases["offset"] - cases["onset"]).to_numpy(float)
    sure = cases["confidence"].fillna(-1).to_numpy(float) if "confidence" in cases else np.full(len(cases), -1.0)
    rank = np.empty(len(cases), dtype=int)
    rank[np.lexsort((np.arange(len(cases)), -seconds, -sure))] = np.arange(len(cases))
    return rank
