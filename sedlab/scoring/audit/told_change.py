"""What became of pseudo-labels, in words that follow the numbers."""

from __future__ import annotations

import pandas as pd

from sedlab.errors import count_of
from sedlab.scoring.audit.changed_seconds import GAINED, LOST
from sedlab.scoring.names import ALL, class_name

#: Seconds before, or after, below which a share says little.
_FEW_SECONDS = 1.0


def told_change(by_class: pd.DataFrame, intervals: pd.DataFrame | None = None) -> str:
    """Return what became of all classes together, and of those that lost and gained most.

    ``by_class`` is of ``ChangedSeconds``; with ``intervals`` (`change_intervals`) it also says of how many classes the
    sign of the change is clear.
    """
    pooled = by_class[by_class["label"] == ALL].iloc[0]
    if pooled["before"] == 0 and pooled["after"] == 0:
        return "Neither marks any second at this threshold."
    told = [f"{seconds(pooled['before'])} became {seconds(pooled['after'])}: {seconds(pooled['lost'])} lost"]
    told[0] += f", {seconds(pooled['kept'])} kept, {seconds(pooled['gained'])} gained."
    classes = by_class[by_class["label"] != ALL]
    for part in (LOST, GAINED):
        most = classes.loc[classes[part].idxmax()]
        if most[part] > 0:
            told.append(f"Most {part}: {_told_class(most, part)}.")
    well_known = classes[classes["before"] >= _FEW_SECONDS]
    if len(well_known):
        least_left = well_known.loc[well_known["lost_share"].idxmax()]
        if least_left["lost"] > 0 and least_left["label"] != classes.loc[classes["lost"].idxmax(), "label"]:
            told.append(f"Largest share lost: {_told_class(least_left, LOST)}.")
    if intervals is not None and intervals["low"].notna().any():
        clear = intervals[(intervals["label"] != ALL) & intervals["clear"]]
        down, up = (int((sign * clear["change"] > 0).sum()) for sign in (-1, 1))
        told.append(
            f"With another sample of such clips {count_of(down, 'class', 'classes')} would still have less and "
            f"{count_of(up, 'class', 'classes')} more (95 % intervals); the others could go either way."
        )
    return " ".join(told)


def told_part(row: pd.Series, part: str, name: str = "") -> str:
    """Return what became of a class: "Blender: lost 93 %, 12.3 s in 14 clips"; ``row`` is one of ``by_class``.

    ``name``: of what it is, where that is not the row's label.
    """
    name = name or ("All classes" if row["label"] == ALL else class_name(row["label"]))
    return f"{name}: {part} {_amount(row, part)}"


def told_subsets(by_subset: pd.DataFrame) -> str:
    """Return which set of clips lost, and which gained, the largest part; ``by_subset`` is of ``changes_by_subset``."""
    told = [f"{count_of(len(by_subset), 'set')} of clips."]
    for part, whole in ((LOST, "before"), (GAINED, "after")):
        some = by_subset[by_subset[whole] >= _FEW_SECONDS]
        most = None if some.empty else some.loc[some[f"{part}_share"].idxmax()]
        if most is not None and most[part] > 0:
            told.append(f"Largest share {part}: {most['subset']} ({_amount(most, part)} of {int(most['clips'])}).")
    if by_subset["low"].notna().any():
        clear = by_subset[by_subset["clear"]]
        down, up = (int((sign * clear["change"] > 0).sum()) for sign in (-1, 1))
        told.append(f"With another sample of such clips {down} would still have less and {up} more (95 % intervals).")
    return " ".join(told)


def _told_class(row: pd.Series, part: str) -> str:
    return f"{class_name(row['label'])} ({_amount(row, part)})"


def _amount(row: pd.Series, part: str) -> str:
    whole = row["after"] if part == GAINED else row["before"]
    share = f"{100 * row[part] / whole:.0f} %, " if whole > 0 else ""
    return f"{share}{seconds(row[part])} in {count_of(int(row[f'{part}_clips']), 'clip')}"


def seconds(value: float) -> str:
    """Return seconds as a person reads them."""
    return f"{value:,.0f} s" if value >= 100 else f"{value:.1f} s"
