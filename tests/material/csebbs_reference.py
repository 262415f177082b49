"""Change-detection-based sound event bounding boxes of one score track: slow, and meant to be checked by eye."""

from __future__ import annotations

from itertools import pairwise

import numpy as np


def reference_boxes(scores, times, step, absolute, relative) -> list[tuple[float, float, float]]:
    """Return (onset, offset, confidence) of the boxes of one clip and class.

    ``scores`` (frames,) hold between ``times`` (frames + 1,); ``step``, in seconds, is the length of the step filter.
    """
    half = step / 2
    times = [round(float(time), 6) for time in times]
    breakpoints = sorted({round(time + shift, 6) for time in times for shift in (-half, 0.0, half)})
    breakpoints = [time for time in breakpoints if times[0] <= time <= times[-1]]
    change = [
        round((area(scores, times, time, time + half) - area(scores, times, time - half, time)) / half, 10)
        for time in breakpoints
    ]

    # Up to the highest change: an onset. Down to the lowest: an offset. Where it stays level it counts as falling.
    events, onset = [], None
    for here, following, time in zip(change, change[1:], breakpoints, strict=False):
        if onset is None and following <= here:
            onset = time
        elif onset is not None and following > here:
            events.append((onset, time))
            onset = None
    if onset is not None:
        events.append((onset, breakpoints[-1]))

    boxes = [events[0]]
    for event, following in pairwise(events):
        top = max(max(inside(scores, times, *event)), max(inside(scores, times, *following))) + 1e-3
        bottom = min(inside(scores, times, event[1], following[0])) + 1e-3
        if top - bottom < absolute and top / bottom < relative:
            boxes[-1] = (boxes[-1][0], following[1])
        else:
            boxes.append(following)
    margin = 1e-6 if len(events) > 1 else 0.0
    return [(onset, offset, area(scores, times, onset, offset) / (offset - onset + margin)) for onset, offset in boxes]


def area(scores, times, start, stop) -> float:
    """Return the integral of the scores from ``start`` to ``stop``; beyond the clip they are 0."""
    return sum(
        score * max(min(right, stop) - max(left, start), 0.0)
        for score, left, right in zip(scores, times, times[1:], strict=False)
    )


def inside(scores, times, start, stop) -> list[float]:
    """Return the scores of the frames that lie at least partly between ``start`` and ``stop``."""
    return [
        score
        for score, left, right in zip(scores, times, times[1:], strict=False)
        if np.round(min(right, stop) - max(left, start), 6) > 0
    ]
