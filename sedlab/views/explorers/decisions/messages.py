"""Decisions as the panel and the player in the browser tell each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sedlab.data.review.decisions import Decision
from sedlab.views.explorers.decisions.queue import seconds_or_nan


def decision_of(message: Mapping[str, Any], *, reviewer: str) -> Decision:
    """Return the decision that a message of the player is about."""
    item, (subset, _, clip_id) = message["item"], message["key"].partition("/")
    return Decision(
        subset=subset,
        clip_id=clip_id,
        onset=seconds_or_nan(item.get("onset")),
        offset=seconds_or_nan(item.get("offset")),
        label=item["label"],
        what=item["what"],
        decision=message["decision"],
        new_onset=seconds_or_nan(message.get("newOnset")),
        new_offset=seconds_or_nan(message.get("newOffset")),
        note=message.get("note", ""),
        reviewer=reviewer,
        system=item.get("system", ""),
    )


def told_decision(row: Any) -> dict[str, Any]:
    """Return a row of a table of decisions for the browser; None for times that it has not."""
    times = {"onset": row.onset, "offset": row.offset, "newOnset": row.new_onset, "newOffset": row.new_offset}
    told = {"what": row.what, "system": row.system, "label": row.label, "decision": row.decision, "note": row.note}
    return told | {name: None if math.isnan(value) else float(value) for name, value in times.items()}
