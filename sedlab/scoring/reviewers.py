"""How far two people agree who reviewed the same events.

Cohen's kappa: Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20
(1960).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlab.data.review.decisions import CLIP, DECISIONS, MOVED, RIGHT, items_of, latest
from sedlab.scoring.errors.cases import find_errors
from sedlab.scoring.errors.kinds import CORRECT, EVENT
from sedlab.scoring.metrics.events import merge_touching


@dataclass(frozen=True, eq=False)
class Agreement:
    """Two people's decisions held against each other."""

    counts: pd.DataFrame
    """Shared items by the decision of the first (rows) and of the second (columns), `DECISIONS` on both sides."""
    items: int
    """Items that both decided about."""
    percent: float
    """Of them, how many per cent both decided in the same way; NaN without any."""
    kappa: float
    """Cohen's kappa of the decisions; NaN without any, or where both gave one and the same answer throughout."""
    boundaries: int
    """Shared items that both keep and at least one moved."""
    onset_ms: float
    """Median of the absolute difference of their onsets, in milliseconds; NaN without any."""
    offset_ms: float
    clips: int
    """Clips that both decided about."""
    events: tuple[int, int]
    """Events with times in these clips that each of them keeps."""
    f1: float
    """Of the first one's events held against the second one's: onsets within 0.2 s, offsets within 0.2 s or 20 %."""


def agreement(first: pd.DataFrame, second: pd.DataFrame) -> Agreement:
    """Return how far two people's decisions agree; each is a table of decisions of one person, the last ones count."""
    first, second = latest(first), latest(second)
    both = _shared(first, second)
    counts = pd.crosstab(both["decision_1"], both["decision_2"]).reindex(
        index=list(DECISIONS), columns=list(DECISIONS), fill_value=0
    )
    kept = both[both["decision_1"].isin([RIGHT, MOVED]) & both["decision_2"].isin([RIGHT, MOVED])]
    moved = kept[(kept["decision_1"] == MOVED) | (kept["decision_2"] == MOVED)]
    clips = set(_clips(first)) & set(_clips(second))
    events = [_events(table, clips) for table in (first, second)]
    return Agreement(
        counts=counts.rename_axis(index="first", columns="second"),
        items=len(both),
        percent=100 * float((both["decision_1"] == both["decision_2"]).mean()) if len(both) else float("nan"),
        kappa=cohens_kappa(counts.to_numpy()),
        boundaries=len(moved),
        onset_ms=1000 * float((moved["start_1"] - moved["start_2"]).abs().median()),
        offset_ms=1000 * float((moved["end_1"] - moved["end_2"]).abs().median()),
        clips=len(clips),
        events=(len(events[0]), len(events[1])),
        f1=_f1(*events),
    )


def cohens_kappa(counts: np.ndarray) -> float:
    """Return (observed - expected) / (1 - expected) agreement of a table (K, K) of how often which pair was chosen."""
    total = counts.sum()
    if not total:
        return float("nan")
    shares = counts / total
    expected = float(shares.sum(axis=1) @ shares.sum(axis=0))
    return float("nan") if expected >= 1 else float((np.trace(shares) - expected) / (1 - expected))


def _shared(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return the items of both tables with the decision and the times of each person."""
    tables = []
    for place, table in enumerate((first, second), start=1):
        told = items_of(table)
        told[f"decision_{place}"] = table["decision"]
        told[f"start_{place}"], told[f"end_{place}"] = _times(table)
        tables.append(told)
    keys = [name for name in tables[0] if not name.endswith("_1")]
    return tables[0].merge(tables[1], on=keys)


def _times(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return where each event lies after its decision."""
    moved = table["decision"] == MOVED
    return table["onset"].where(~moved, table["new_onset"]), table["offset"].where(~moved, table["new_offset"])


def _clips(table: pd.DataFrame) -> list[str]:
    return (table["subset"] + "/" + table["clip_id"]).tolist()


def _events(table: pd.DataFrame, clips: set[str]) -> pd.DataFrame:
    """Return the events with times that a person keeps in some clips: those of a class that touch are one."""
    onset, offset = _times(table)
    keys = pd.Series(_clips(table), index=table.index, dtype=object)
    events = pd.DataFrame({"clip_id": keys, "onset": onset, "offset": offset, "label": table["label"]})
    kept = table["decision"].isin([RIGHT, MOVED]) & (table["what"] != CLIP) & (offset > onset) & keys.isin(clips)
    return merge_touching(events[kept], ["clip_id"])


def _f1(first: pd.DataFrame, second: pd.DataFrame) -> float:
    if not len(first) + len(second):
        return float("nan")
    classes = sorted(set(first["label"]) | set(second["label"]))
    cases = find_errors(first.assign(confidence=1.0), second, classes=classes)
    correct = int(((cases["side"] == EVENT) & (cases["outcome"] == CORRECT)).sum())
    return 2 * correct / (len(first) + len(second))
