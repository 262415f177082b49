"""Which span of which YouTube video a clip is: its file name says so.

DESED calls a clip ``Y<video id>_<start>_<end>`` with three decimals of seconds; its public evaluation set leaves out
the Y and writes whole seconds; AudioSet strong calls a segment ``<video id>_<start in milliseconds>``. Video ids have
eleven characters, dashes and underscores among them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from sedlab.grid import CLIP_SECONDS

_CLIP = r"^Y?(?P<video_id>[A-Za-z0-9_-]{11})_(?P<start>\d+(?:\.\d+)?)_(?P<end>\d+(?:\.\d+)?)$"
_SEGMENT = r"^Y?(?P<video_id>[A-Za-z0-9_-]{11})_(?P<start>\d+)$"


@dataclass(frozen=True)
class VideoSpan:
    """A part of a YouTube video, in seconds."""

    video_id: str
    start: float
    end: float


def video_span(clip_id: str) -> VideoSpan | None:
    """Return what a clip's name (without extension) says, None if it is not the name of a part of a video."""
    if found := re.fullmatch(_CLIP, clip_id):
        span = VideoSpan(found["video_id"], float(found["start"]), float(found["end"]))
        return span if span.end > span.start else None
    if found := re.fullmatch(_SEGMENT, clip_id):
        start = int(found["start"]) / 1000
        return VideoSpan(found["video_id"], start, start + CLIP_SECONDS)
    return None


def video_ids(clip_ids: pd.Series) -> pd.Series:
    """Return the video of each clip that is named <video id>_<start>_<end>; other names stay as they are."""
    return clip_ids.str.extract(_CLIP)["video_id"].fillna(clip_ids)
