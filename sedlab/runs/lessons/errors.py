"""The errors of a system in words."""

from __future__ import annotations

import pandas as pd

from sedlab.scoring.errors.kinds import BOUNDARY, CORRECT, DETECTION, EVENT, FALSE_ALARM
from sedlab.scoring.errors.tables import error_table
from sedlab.scoring.names import ALL, class_name


def told_errors(cases: pd.DataFrame) -> str:
    """Return in words what became of the events, which error dominates, and where; ``cases`` as of `find_errors`."""
    if not (cases["side"] == EVENT).any():
        return "No event was annotated."
    table = error_table(cases, "label", EVENT).set_index("label")
    counts, total = table.loc[ALL].drop("total"), int(table.loc[ALL, "total"])
    kinds = counts[[name for name in counts.index if name in table and table[name].dtype.kind in "iu"]].astype(int)
    wrong = kinds.drop(CORRECT).sort_values(ascending=False, kind="stable")
    wrong = wrong[wrong > 0]
    lines = [f"{int(kinds[CORRECT])} of {total} events are correct ({100 * kinds[CORRECT] / total:.0f} %)."]
    if len(wrong):
        first = wrong.index[0]
        classes = table.drop(index=ALL)
        most = (classes[first] / classes["total"].clip(lower=1)).idxmax()
        times = int(kinds[[name for name in BOUNDARY if name in kinds]].sum())
        lines.append(
            f"Most of the others are {first} ({wrong.iloc[0]}), {class_name(most)} first ({int(table.loc[most, first])}"
            f" of {int(table.loc[most, 'total'])}); {times} were found at the wrong time."
        )
    found = cases[cases["side"] == DETECTION]
    if len(found):
        false = int((found["outcome"] == FALSE_ALARM).sum())
        lines.append(f"Of {len(found)} detections {false} are false alarms ({100 * false / len(found):.0f} %).")
    return " ".join(lines)
