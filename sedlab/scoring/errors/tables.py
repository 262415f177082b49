"""Cases counted: by class, by clip, by system; what was taken for what; how far boundaries are off."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sedlab.scoring.errors.kinds import BOUNDARY, CORRECT, CROSS_CLASS, DETECTION, EVENT, OUTCOMES
from sedlab.scoring.names import ALL

DEVIATIONS = ["onset_deviation", "offset_deviation"]


def error_table(cases: pd.DataFrame, by: str, side: str = EVENT) -> pd.DataFrame:
    """Return how many events (or detections) of each class or clip had each outcome.

    Parameters
    ----------
    cases : DataFrame
        What ``find_errors`` returns.
    by : "label" or "clip_id"
    side : "event" or "detection"

    Returns
    -------
    DataFrame
        ``by``, total, a column for each outcome of that side (counts; they add up to total), correct_rate, and
        onset_deviation and offset_deviation: medians in seconds over correct cases and boundary errors, nan without
        any. The first row, "all", counts everything; then most errors first.
    """
    part = cases[cases["side"] == side]
    grouped = pd.crosstab(part[by], part["outcome"]).reindex(columns=list(OUTCOMES[side]), fill_value=0)
    medians = part.groupby(by)[DEVIATIONS].median()
    table = pd.concat([grouped, medians], axis=1)
    table["errors"] = grouped.sum(axis=1) - grouped[CORRECT]
    table = table.reset_index(names=by).sort_values(["errors", by], ascending=[False, True])
    pooled = {by: ALL, **grouped.sum().to_dict(), **part[DEVIATIONS].median().to_dict()}
    table = pd.concat([pd.DataFrame([pooled]), table], ignore_index=True)
    total = table[list(OUTCOMES[side])].sum(axis=1)
    table = table.assign(total=total, correct_rate=table[CORRECT] / total.where(total > 0))
    return table[[by, "total", *OUTCOMES[side], "correct_rate", *DEVIATIONS]]


def system_table(systems: Mapping[str, pd.DataFrame], side: str = EVENT) -> pd.DataFrame:
    """Return the pooled row of ``error_table`` for each system, {name: cases}; the first column is system."""
    rows = [error_table(cases, "label", side).iloc[[0]].assign(label=name) for name, cases in systems.items()]
    return pd.concat(rows, ignore_index=True).rename(columns={"label": "system"})


def clip_table(cases: pd.DataFrame) -> pd.DataFrame:
    """Return the clips with most errors first.

    Returns
    -------
    DataFrame
        clip_id, events, correct, wrong_events (without a correct detection), false_detections (without an event), worst
        (the most frequent kind of error; "" without error).
    """
    counts = {
        "events": cases["side"] == EVENT,
        "correct": (cases["side"] == EVENT) & (cases["outcome"] == CORRECT),
        "wrong_events": (cases["side"] == EVENT) & (cases["outcome"] != CORRECT),
        "false_detections": is_false_detection(cases),
    }
    table = pd.DataFrame(counts).groupby(cases["clip_id"]).sum()
    wrong = cases[counts["wrong_events"] | counts["false_detections"]]
    table["worst"] = wrong.groupby("clip_id")["outcome"].agg(lambda kinds: kinds.mode()[0])
    table["errors"] = table["wrong_events"] + table["false_detections"]
    table = table.reset_index(names="clip_id").sort_values(["errors", "clip_id"], ascending=[False, True])
    return table.drop(columns="errors").assign(worst=table["worst"].fillna("")).reset_index(drop=True)


def is_false_detection(cases: pd.DataFrame) -> pd.Series:
    """Return which rows are detections of something that, under this name, is not there or was found already."""
    counterpart = [CORRECT, *BOUNDARY, "fragmented", "merged"]
    return (cases["side"] == DETECTION) & ~cases["outcome"].isin(counterpart)


def confusions(cases: pd.DataFrame) -> pd.DataFrame:
    """Return label (what sounds), detected_as, count: events found under another name, most frequent first."""
    rows = cases[(cases["side"] == EVENT) & (cases["outcome"] == CROSS_CLASS)]
    counts = rows.groupby(["label", "other_label"]).size().rename("count").reset_index()
    counts = counts.rename(columns={"other_label": "detected_as"})
    return counts.sort_values(["count", "label", "detected_as"], ascending=[False, True, True], ignore_index=True)
