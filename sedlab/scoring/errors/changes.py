"""What changed between two systems: which events were fixed or broken, which false detections are gone or new."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.scoring.errors.kinds import CORRECT, EVENT
from sedlab.scoring.errors.tables import is_false_detection
from sedlab.scoring.names import ALL

FIXED, BROKEN, STILL_CORRECT, STILL_WRONG = "fixed", "broken", "still correct", "still wrong"
GONE, NEW, STILL_THERE = "gone", "new", "still there"
#: What can happen to an event, and to a false detection.
EVENT_CHANGES: tuple[str, ...] = (STILL_CORRECT, FIXED, BROKEN, STILL_WRONG)
FALSE_CHANGES: tuple[str, ...] = (GONE, NEW, STILL_THERE)
CHANGES: tuple[str, ...] = (*EVENT_CHANGES, *FALSE_CHANGES)
#: Part of the shorter of two false detections that both must share to be the same one.
_SAME_SHARE = 0.5
_KEY = ["clip_id", "label", "onset", "offset"]
_COLUMNS = ["clip_id", "side", "label", "onset", "offset", "confidence", "before", "after", "change"]


def error_changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return what became of every event, and of every false detection, from one system to another.

    A false detection is one with the outcome duplicate, cross-class or false alarm. It is still there when the other
    system has one of the same class in the same clip that shares at least half of the shorter one; one to one, largest
    shared time first.

    Parameters
    ----------
    before, after : DataFrame
        What ``find_errors`` returns, for the same events.

    Returns
    -------
    DataFrame
        clip_id, side, label, onset, offset, confidence (of a false detection that is still there: before; nan for
        events), before, after (outcomes; "" where there is none), change (`CHANGES`). Sorted by clip and time.

    Raises
    ------
    SedlabError
        When the systems were compared with different events.
    """
    events = _event_changes(before, after)
    false = _false_changes(before[is_false_detection(before)], after[is_false_detection(after)])
    table = pd.concat([part for part in (events, false) if len(part)] or [events], ignore_index=True)
    return table.sort_values(["clip_id", "onset", "offset", "label", "side"], ignore_index=True)


def change_table(changes: pd.DataFrame, by: str = "label") -> pd.DataFrame:
    """Return how often each change happened, by class or by clip.

    Returns
    -------
    DataFrame
        ``by``, a column for each of `CHANGES`, and net: fixed + gone - broken - new. First the row "all", then the
        largest changes, for the better or the worse.
    """
    counts = pd.crosstab(changes[by], changes["change"]).reindex(columns=list(CHANGES), fill_value=0)
    counts["net"] = counts[FIXED] + counts[GONE] - counts[BROKEN] - counts[NEW]
    # Stable: classes of equal change stay in alphabetical order.
    counts = counts.sort_values("net", key=lambda net: -net.abs(), kind="stable")
    counts = pd.concat([counts.sum().to_frame(ALL).T, counts])
    return counts.rename_axis(by).rename_axis(columns=None).reset_index()


def _event_changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    old, new = (cases.loc[cases["side"] == EVENT, [*_KEY, "outcome"]] for cases in (before, after))
    joined = old.merge(new, on=_KEY, how="outer", suffixes=("_before", "_after"), indicator=True)
    alone = joined[joined["_merge"] != "both"]
    if len(alone):
        row = alone.iloc[0]
        raise SedlabError(
            f"the two systems were compared with different events: {len(alone)} are on one side only (first: "
            f"{row['label']!r} in clip {row['clip_id']!r}). Give both the same ground truth and classes."
        )
    was, now = joined["outcome_before"] == CORRECT, joined["outcome_after"] == CORRECT
    change = np.select([was & now, ~was & now, was & ~now], [STILL_CORRECT, FIXED, BROKEN], STILL_WRONG)
    names = {"outcome_before": "before", "outcome_after": "after"}
    return joined.rename(columns=names).assign(side=EVENT, confidence=np.nan, change=change)[_COLUMNS]


def _false_changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    before, after = before.reset_index(drop=True), after.reset_index(drop=True)
    same = _same_detections(before, after)
    outcome_after = after["outcome"].to_numpy()
    rows = before.assign(before=before["outcome"], after="", change=GONE)
    rows.loc[list(same), "after"] = [outcome_after[k] for k in same.values()]
    rows.loc[list(same), "change"] = STILL_THERE
    new = after.drop(index=list(same.values())).assign(before="", after=lambda table: table["outcome"], change=NEW)
    return pd.concat([rows[_COLUMNS], new[_COLUMNS]], ignore_index=True)


def _same_detections(before: pd.DataFrame, after: pd.DataFrame) -> dict[int, int]:
    """Return {row before: row after} of false detections that both systems make."""
    pairs = before.reset_index(names="old").merge(after.reset_index(names="new"), on=["clip_id", "label"])
    shared = np.minimum(pairs["offset_x"], pairs["offset_y"]) - np.maximum(pairs["onset_x"], pairs["onset_y"])
    shorter = np.minimum(pairs["offset_x"] - pairs["onset_x"], pairs["offset_y"] - pairs["onset_y"])
    pairs = pairs.assign(shared=shared)[shared >= _SAME_SHARE * shorter]
    same: dict[int, int] = {}
    for old, new in pairs.sort_values("shared", ascending=False, kind="stable")[["old", "new"]].to_numpy():
        if old not in same and new not in same.values():
            same[int(old)] = int(new)
    return same
