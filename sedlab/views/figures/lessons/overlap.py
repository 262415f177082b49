"""When a detection counts as having found an event: by how much of each lies in the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sedlab.views.figures import frame, style

#: Onset and offset in seconds.
Interval = tuple[float, float]


@dataclass(frozen=True)
class Overlap:
    """How one detection and one event lie to each other."""

    of_detection: float
    """Part of the detection that lies in the event, 0 to 1"""
    of_event: float
    """Part of the event that the detection covers, 0 to 1"""

    def found(self, least: float) -> bool:
        """Return whether both parts reach ``least``."""
        # 0.7 of ten tenths is 0.7000000000000001 or 0.6999999999999998.
        return min(self.of_detection, self.of_event) >= least - 1e-9


def overlap(detection: Interval, event: Interval) -> Overlap:
    """Return the shared part of two intervals (onset, offset), as a part of each."""
    shared = max(0.0, min(detection[1], event[1]) - max(detection[0], event[0]))
    return Overlap(shared / (detection[1] - detection[0]), shared / (event[1] - event[0]))


def overlap_figure(
    event: Interval, detections: Mapping[str, Interval], *, least: float = 0.7, title: str = "Is the event found?"
) -> frame.Picture:
    """Return one event and named detections of it, with both parts in percent and whether both reach ``least``."""
    if not detections:
        return frame.empty_figure(title, "There is no detection to compare with the event.")
    names = ["the event", *detections]
    figure, ax = frame.single(8.5, 1.2 + 0.36 * len(names), title=title, x="Time (s)")
    ax.broken_barh([(event[0], event[1] - event[0])], (-0.32, 0.64), facecolor=style.GROUND_TRUTH)
    last = max(event[1], *(offset for _, offset in detections.values()))
    for row, detection in enumerate(detections.values(), 1):
        parts = overlap(detection, event)
        found = parts.found(least)
        span = [(detection[0], detection[1] - detection[0])]
        # Not by colour alone: what does not count is hollow.
        look = {"facecolor": style.DETECTION if found else "white", "edgecolor": style.DETECTION, "linewidth": 1.2}
        ax.broken_barh(span, (row - 0.32, 0.64), **look)
        text = f"{parts.of_detection:4.0%} of it in the event, {parts.of_event:4.0%} of the event in it: "
        ax.text(last * 1.02, row, text + ("found" if found else "not found"), va="center", fontsize=style.TICK_SIZE)
    for edge in event:
        ax.axvline(edge, color=style.MUTED, linestyle=":", linewidth=0.9, zorder=0)
    frame.name_rows(ax, names, downwards=True)
    first = min(event[0], *(onset for onset, _ in detections.values()))
    ax.set_xlim(max(0.0, first - 0.3), last + 0.95 * (last - first))
    return figure
