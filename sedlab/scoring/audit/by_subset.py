"""What became of pseudo-labels in each set of clips, beside what became of each class."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from sedlab.scoring.audit.compared import ComparedSubset

#: Of `ChangedSeconds.by_class` and `change_intervals`, without the class.
_COLUMNS = (
    *("before", "after", "lost", "kept", "gained", "lost_share", "gained_share"),
    *("lost_clips", "kept_clips", "gained_clips", "change", "low", "high", "clear"),
)


def changes_by_subset(
    subsets: Mapping[str, ComparedSubset], first: str, second: str, thresholds: Callable[[str], float]
) -> pd.DataFrame:
    """Return what all taught classes together lost, kept and gained in each set that has both scores, a row a set.

    Columns subset, clips (how many it has), then those of ``ChangedSeconds.by_class`` and ``change_intervals``. There
    is no sum: a class that one set teaches may be masked in another.
    """
    rows = []
    for name, compared in subsets.items():
        if first not in compared.scores or second not in compared.scores:
            continue
        between = compared.between(first, second, thresholds)
        row = between.changes.by_class.iloc[0].to_dict() | between.intervals.iloc[0].to_dict()
        rows.append({"subset": name, "clips": len(compared.clips)} | {column: row[column] for column in _COLUMNS})
    return pd.DataFrame(rows, columns=["subset", "clips", *_COLUMNS])
