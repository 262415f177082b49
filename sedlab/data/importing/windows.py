"""Clips of 10 s or less from recordings of any length, and the events of each.

Training clips overlap. Clips for validation and tests do not, so that no event counts twice; they end where no event is
cut, if there is such a place in their second half.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sedlab.data.preparation.windows import window_name as span_name
from sedlab.grid import CLIP_SAMPLES, CLIP_SECONDS, SAMPLE_RATE

#: What the edge of a clip leaves of an event, if it is shorter (seconds): nobody would hear it, it is no event there.
SHORTEST_PIECE = 0.1
#: A training recording's end that no clip covers, if it is shorter (seconds), makes no further clip.
SHORTEST_END = 0.5
#: Clips for validation and tests are not shorter (seconds), but for recordings that are.
_SHORTEST_CLIP = 1.0
#: Where such a clip may end to spare an event, in seconds after its beginning.
_EARLIEST_END = 5.0
#: Clips begin at multiples of 10 ms, which their names can say.
_STEP = SAMPLE_RATE // 100

#: Samples at 16 kHz.
Window = tuple[int, int]
#: onset and offset in seconds, label.
Event = tuple[float, float, str]


def training_windows(num_samples: int, hop_seconds: float) -> list[Window]:
    """Return (start, end) in samples at 16 kHz of overlapping clips of 10 s; the last one ends with the recording."""
    if num_samples <= CLIP_SAMPLES:
        return [(0, num_samples)]
    hop = max(1, round(hop_seconds * 100)) * _STEP
    windows = [(start, start + CLIP_SAMPLES) for start in range(0, num_samples - CLIP_SAMPLES + 1, hop)]
    if num_samples - windows[-1][1] >= SHORTEST_END * SAMPLE_RATE:
        start = (num_samples - CLIP_SAMPLES) // _STEP * _STEP
        windows.append((start, start + CLIP_SAMPLES))
    return windows


def evaluation_windows(num_samples: int, events: Sequence[Event]) -> list[Window]:
    """Return (start, end) in samples at 16 kHz of clips that cover a recording once.

    Ends are put between its events where that can be.
    """
    end = num_samples / SAMPLE_RATE
    edges = [0]
    while num_samples - edges[-1] > CLIP_SAMPLES:
        start = edges[-1] / SAMPLE_RATE
        edges.append(_quiet_place(start + _EARLIEST_END, min(start + CLIP_SECONDS, end - _SHORTEST_CLIP), events))
    return list(zip(edges, [*edges[1:], num_samples], strict=True))


def _quiet_place(earliest: float, latest: float, events: Sequence[Event]) -> int:
    """Return the last sample between two times at which no event is on; the latest, where one always is."""
    near = [(onset, offset) for onset, offset, _ in events if onset < latest and offset > earliest]
    for place in sorted([latest, *(onset for onset, _ in near if onset >= earliest)], reverse=True):
        if not any(onset < place - 1e-9 and offset > place + 1e-9 for onset, offset in near):
            return math.floor(place * 100 + 1e-6) * _STEP
    return math.floor(latest * 100 + 1e-6) * _STEP


def window_events(events: Sequence[Event], start: int, end: int) -> list[Event]:
    """Return the events of a clip in its own time, sorted, rounded to the microsecond.

    A piece that its edge leaves of an event, and that is shorter than `SHORTEST_PIECE`, is left out.
    """
    begin, finish = start / SAMPLE_RATE, end / SAMPLE_RATE
    found = []
    for onset, offset, label in events:
        first, last = max(onset, begin), min(offset, finish)
        is_cut = (first, last) != (onset, offset)
        if last > first and not (is_cut and last - first < SHORTEST_PIECE):
            found.append((round(first - begin, 6), round(last - begin, 6), label))
    return sorted(found)


def window_name(recording: str, window: Window, *, whole: bool) -> str:
    """Return the file name of a clip: the recording's, and in centiseconds where it begins and ends if it is a part."""
    start, end = window
    return f"{recording}.wav" if whole else span_name(recording, start / SAMPLE_RATE, end / SAMPLE_RATE)
