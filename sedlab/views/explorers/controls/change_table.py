"""What the panel of pseudo-labels shows as tables: a row a class or a set with its bar, a row a suspected label."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sedlab.errors import count_of
from sedlab.scoring.audit.changed_seconds import LOST, PARTS
from sedlab.scoring.audit.label_suspects import SUSPECT_COLUMNS
from sedlab.scoring.audit.told_change import seconds, told_part
from sedlab.scoring.names import ALL, class_name, model_name
from sedlab.views.explorers.controls.press_table import Bar, Column, PressTableContents, Row

#: More than these say no more, and make the page slow.
MOST_SUSPECTS = 500
_SECONDS_COLUMNS = (
    Column("class", "Class"),
    Column("before", "Before", 1, " s", minor=2),
    Column("lost_share", "Lost", 0, " %"),
    Column("lost", "Lost", 1, " s", minor=1),
    Column("gained", "Gained", 1, " s", minor=1),
    Column("after", "After", 1, " s", minor=2),
    Column("change", "Change", 1, " s", minor=1),
    Column("interval", "95 % interval", minor=1),
)
_SUBSET_COLUMNS = (
    Column("subset", "Clips of"),
    Column("clips", "Clips", 0, minor=1),
    *(Column(f"{part}_clips", f"with {part}", 0, minor=2) for part in PARTS),
    *_SECONDS_COLUMNS[1:],
)


def change_table(
    by_class: pd.DataFrame, intervals: pd.DataFrame, hidden: pd.DataFrame | None = None
) -> PressTableContents:
    """Return a row for each class with seconds before or after, that which lost most first; ``hidden`` ones below.

    ``by_class`` and ``hidden`` are of ``ChangedSeconds``, ``intervals`` of ``change_intervals``.
    """
    table = by_class.merge(intervals, on="label", how="left")
    pooled, classes = table[table["label"] == ALL], table[table["label"] != ALL]
    order = [pooled, classes.sort_values("lost", ascending=False, kind="stable")]
    rows = [_class_row(row) for part in order for _, row in part.iterrows() if row["before"] + row["after"] > 0]
    if hidden is not None:
        below = hidden.assign(change=hidden["after"] - hidden["before"], low=np.nan, high=np.nan, clear=False)
        below = below[below["before"] + below["after"] > 0].sort_values("lost", ascending=False)
        rows += [_class_row(row, faint=True) for _, row in below.iterrows()]
    title = "Seconds above the threshold. Press a bar to hear its clips, a name for all that changed."
    return PressTableContents(title, _SECONDS_COLUMNS, tuple(rows), bars="lost | kept, gained", parts=PARTS)


def subset_table(by_subset: pd.DataFrame) -> PressTableContents:
    """Return a row for each set of clips, in the order given; ``by_subset`` is of ``changes_by_subset``."""
    rows = tuple(_subset_row(row) for _, row in by_subset.iterrows())
    title = "Seconds above the threshold, all taught classes together. Press a bar to hear its clips, a name for a set."
    return PressTableContents(title, _SUBSET_COLUMNS, rows, bars="lost | kept, gained", parts=PARTS)


def suspect_table(suspects: pd.DataFrame) -> PressTableContents:
    """Return a row for each suspected label, at most `MOST_SUSPECTS`; ``suspects`` are of ``label_suspects``."""
    if suspects.empty:
        return PressTableContents()
    teachers = [name for name in suspects if name not in SUSPECT_COLUMNS]
    columns = (
        Column("class", "Class"),
        Column("kind", "Kind"),
        Column("onset", "From", 1, " s"),
        Column("offset", "To", 1, " s", minor=1),
        Column("score", "Contradicted", 2),
        *(Column(name, model_name(name), 2, minor=2) for name in teachers),
        Column("clip_id", "Clip", minor=2),
    )
    rows = []
    for place, suspect in suspects.head(MOST_SUSPECTS).iterrows():
        name = class_name(suspect["label"])
        cells = {"class": name, "kind": suspect["kind"], "clip_id": str(suspect["clip_id"])}
        cells |= {column: float(suspect[column]) for column in ("onset", "offset", "score", *teachers)}
        told = f"{name}, {suspect['kind']} from {suspect['onset']:.1f} to {suspect['offset']:.1f} s"
        rows.append(Row(str(place), cells, f"{told}, in {suspect['clip_id']}"))
    more = f"; {len(suspects)} in all" if len(suspects) > MOST_SUSPECTS else ""
    title = f"{count_of(len(rows), 'suspected label')}{more}. Press one to hear it."
    return PressTableContents(title, columns, tuple(rows))


def _class_row(row: pd.Series, *, faint: bool = False) -> Row:
    pooled = row["label"] == ALL
    name = "all classes" if pooled else class_name(row["label"])
    shown = {"class": f"{name} (masked)" if faint else name}
    bars = tuple(Bar(part, float(row[part]), told_part(row, part), left=part == LOST) for part in PARTS)
    return Row(row["label"], shown | _numbers(row), _told_changed(name, row), bars, faint=faint, fixed=pooled)


def _subset_row(row: pd.Series) -> Row:
    name = row["subset"]
    clips = {column: int(row[column]) for column in ("clips", *(f"{part}_clips" for part in PARTS))}
    bars = tuple(Bar(part, float(row[part]), told_part(row, part, name), left=part == LOST) for part in PARTS)
    return Row(name, {"subset": name} | clips | _numbers(row), _told_changed(name, row), bars)


def _numbers(row: pd.Series) -> dict[str, float | str | None]:
    """Return the cells of seconds, of what part was lost, and of the interval."""
    share, open_told = row["lost_share"], "" if row["clear"] else " (open)"
    interval = "" if np.isnan(row["low"]) else f"{row['low']:.1f} to {row['high']:.1f}{open_told}"
    numbers = {column: float(row[column]) for column in ("before", "lost", "gained", "after", "change")}
    return {"lost_share": None if np.isnan(share) else 100 * float(share), **numbers, "interval": interval}


def _told_changed(name: str, row: pd.Series) -> str:
    return f"{name}: changed, {seconds(row['lost'] + row['gained'])}"
