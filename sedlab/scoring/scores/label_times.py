"""Do labels lie within their clips? Times in another unit, shifted or of other recordings make every number wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from sedlab.errors import SedlabError
from sedlab.scoring.scores.inputs import GroundTruth

#: Seconds that an event may reach beyond its clip, a duration beyond its scores: published ones do by some hundredths.
TOLERANCE = 0.5
#: A larger part of the events than this is no slip in single rows.
FEW = 0.05
#: In a table of seconds the last of this many events ends later than in this part of its clip.
MANY, EARLY = 20, 1 / 3
#: What times in a table of seconds may be instead, and how many make a second.
UNITS: tuple[tuple[str, float], ...] = (
    ("frames of 64 ms", 15.625),
    ("frames of 40 ms", 25),
    ("frames at 30 a second", 30),
    ("frames of 20 ms", 50),
    ("hundredths of a second", 100),
    ("milliseconds", 1000),
    *((f"samples at {rate / 1000:g} kHz", rate) for rate in (8000, 16000, 22050, 32000, 44100, 48000)),
)


def label_time_notes(
    truth: GroundTruth,
    ends: Mapping[str, float],
    scored: Mapping[str, float] = MappingProxyType({}),
    *,
    tolerance: float = TOLERANCE,
) -> list[str]:
    """Return a sentence about events more than ``tolerance`` (seconds) after their clip, or all of them at its start.

    ``ends`` are the seconds at which clips end, ``scored`` those at which their scores do; clips that the first does
    not name are not looked at. SedlabError, with the likely cause, when they are more than ``FEW`` of the events.
    """
    events = truth.events.assign(end=truth.events["clip_id"].map(ends)).dropna(subset=["end"])
    outside = events[events["offset"] > events["end"] + tolerance]
    if outside.empty:
        reach = (events["offset"] / events["end"]).max() if len(events) >= MANY else EARLY
        if reach >= EARLY:
            return []
        return [
            f"{truth.path}: all {len(events)} events end in the first {100 * reach:.1f} % of their clips. "
            "Check that labels, and durations, are in seconds."
        ]
    row = outside.iloc[0]
    found = (
        f"{len(outside)} of {len(events)} events end after their clip (first: {row['label']!r} in {row['clip_id']}, "
        f"{row['onset']:g} to {row['offset']:g} s of {row['end']:g} s)"
    )
    if len(outside) > FEW * len(events):
        raise SedlabError(f"{truth.path}: {found}. {_cause(events, scored)}")
    return [f"{truth.path}: {found}. Correct them: nothing can be found there."]


def duration_notes(path: Path, durations: Mapping[str, float], ends: Mapping[str, float]) -> list[str]:
    """Return a sentence if many clips do not last as long as their scores, which end at ``ends`` (seconds).

    Scores may go on for a window of 10 s or so: networks that hear whole windows give scores of the silence, too.
    """
    shorter = [clip_id for clip_id, end in ends.items() if end > 2 * durations.get(clip_id, end) + 10]
    if len(shorter) > FEW * len(ends):
        first = shorter[0]
        return [
            f"{path}: {len(shorter)} of {len(ends)} clips end long before their scores (first: {first}, "
            f"{durations[first]:g} s, scores to {ends[first]:g} s). Check that both "
            "are seconds, durations and the times of scores."
        ]
    longer = [clip_id for clip_id, end in ends.items() if durations.get(clip_id, 0.0) > end + TOLERANCE]
    # Published scores cut single long clips.
    if len(longer) <= FEW * len(ends):
        return []
    first = longer[0]
    return [
        f"{path}: {len(longer)} of {len(ends)} clips last longer than their scores (first: {first}, "
        f"{durations[first]:g} s, scores to {ends[first]:g} s). False alarms an hour are those of the durations: "
        "check that they are seconds."
    ]


def _cause(events: pd.DataFrame, scored: Mapping[str, float]) -> str:
    """Return why so many events may lie outside their clips, and what to do."""
    beyond_scores = events["offset"] > events["clip_id"].map(scored) + TOLERANCE
    if beyond_scores.mean() <= FEW and set(events["clip_id"]) <= scored.keys():
        return "The scores go on to there: give the durations of these clips, in seconds."
    clips = events.groupby("clip_id")
    if ((clips["offset"].max() - clips["onset"].min()) > clips["end"].first() + TOLERANCE).any():
        reach = (events["offset"] / (events["end"] + TOLERANCE)).max()
        # In the right unit the last of the events ends in the later part of a clip; several units may fit.
        fitting = [f"{name} (divide by {count:g})" for name, count in UNITS if count * EARLY < reach <= count]
        if 100 * EARLY < events["offset"].max() <= 100:
            fitting.append("per cent of the clip (divide by 100, times its seconds)")
        if fitting:
            return f"Labels are in seconds, and these times may be {' or '.join(fitting)}: convert them."
    return (
        "Times may be shifted, counted from the start of a longer recording, or of other clips: give onset and offset "
        "in seconds from the start of each clip, and the durations of these clips."
    )
