"""The table of cases: what became of every event, and what every detection is."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sedlab.errors import SedlabError
from sedlab.scoring.errors.clip import ClipErrors, ClipRows
from sedlab.scoring.errors.kinds import USUAL, Tolerance
from sedlab.scoring.metrics.events import merge_touching

CASE_COLUMNS: tuple[str, ...] = (
    "clip_id",
    "side",
    "label",
    "onset",
    "offset",
    "confidence",
    "outcome",
    "other_label",
    "other_onset",
    "other_offset",
    "onset_deviation",
    "offset_deviation",
)
_NUMBERS = ("onset", "offset", "confidence", "other_onset", "other_offset", "onset_deviation", "offset_deviation")
_SORTED_BY = ["clip_id", "onset", "offset", "label"]


def find_errors(
    detections: pd.DataFrame,
    events: pd.DataFrame,
    *,
    classes: Sequence[str] | None = None,
    tolerance: Tolerance = USUAL,
) -> pd.DataFrame:
    """Return what became of every event and what every detection is: the table of cases.

    Parameters
    ----------
    detections : DataFrame
        clip_id, onset, offset (seconds), label, and confidence where it is known. Those of one class may overlap.
    events : DataFrame
        clip_id, onset, offset (seconds), label. Overlapping or touching events of a class are joined, as for PSDS.
    classes : sequence of str, optional
        Others are left out on both sides. Default: all.

    Returns
    -------
    DataFrame
        clip_id, side ("event" or "detection"), label, onset, offset, confidence (nan for events), outcome (`OUTCOMES`),
        other_label, other_onset, other_offset (the counterpart: of a fragmented event its best piece; empty without
        one), onset_deviation, offset_deviation (detection minus event in seconds, so late is positive; for correct
        cases and boundary errors, nan otherwise). Sorted by clip and time, whatever the order of the input.

    Raises
    ------
    SedlabError
        When a row has no times, such as a weak label, or does not end after its onset.
    """
    detections, events = (
        _checked(table, what, classes) for table, what in ((detections, "detections"), (events, "events"))
    )
    events = merge_touching(events, ["clip_id"])
    empty = (ClipRows.of(detections.iloc[:0]), ClipRows.of(events.iloc[:0]))
    found, wanted = (
        {str(clip_id): ClipRows.of(rows) for clip_id, rows in table.groupby("clip_id", sort=False)}
        for table in (detections, events)
    )
    rows: list[tuple] = []
    for clip_id in sorted(found.keys() | wanted.keys()):
        clip = ClipErrors(found.get(clip_id, empty[0]), wanted.get(clip_id, empty[1]), tolerance)
        rows += [(clip_id, *row) for row in clip.rows()]
    # Without a row, pandas would not know that these are numbers.
    table = pd.DataFrame(rows, columns=list(CASE_COLUMNS)).astype(dict.fromkeys(_NUMBERS, float))
    return table.sort_values([*_SORTED_BY, "side"], kind="stable", ignore_index=True)


def _checked(table: pd.DataFrame, what: str, classes: Sequence[str] | None) -> pd.DataFrame:
    """Return the rows of ``classes`` in an order that does not depend on the input's."""
    if classes is not None:
        table = table[table["label"].isin(list(classes))]
    wrong = ~(table["offset"] > table["onset"])
    if wrong.any():
        row = table[wrong].iloc[0]
        raise SedlabError(
            f"{what}: {row['label']!r} in clip {row['clip_id']!r} does not end after its onset "
            f"({row['onset']} to {row['offset']}). Errors are named by time: choose strongly labelled clips."
        )
    keys = ["clip_id", "label", "onset", "offset"]
    return table.sort_values([*keys, "confidence"] if "confidence" in table else keys, ignore_index=True)
