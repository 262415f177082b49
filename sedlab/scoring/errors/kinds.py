"""What kind of error each detection and each event is.

Detections are compared with events clip by clip. A detection and an event of one class make

- a **hit** when their boundaries are close: the onset within 0.2 s, the offset within 0.2 s or a fifth of the event's
  length, whichever is more. Hits are one to one and as many as possible, so that the correct detections are exactly the
  true positives of collar-based F1 (Mesaros et al., "Metrics for polyphonic sound event detection", 2016);
- a **link** when they share at least half of the shorter one.

Every event has one outcome, the first that applies:

==============  =======================================================================================================
correct         it has a hit
fragmented      two or more detections without hit are linked to it: it was found in pieces
merged          the only detection linked to it is linked to another event without hit too, or is the hit of one
onset early,    one detection, linked to no other event without hit: found, at the wrong time. The boundary that is
onset late,     farther off, measured in its collars, names the error
offset early,
offset late
cross-class     a detection of another class, which answers to nothing of its own class, lies in it by at least half:
                found, under the wrong name. One to one, so that the shared time is largest
missed          nothing
==============  =======================================================================================================

Every detection has one outcome too: **correct**, **fragmented** (a piece of an event), **merged** (it covers several
events without hit), a boundary error, **duplicate** (the events it is linked to have a better detection, a hit or one
that occupies the same time), **cross-class**, or **false alarm** (nothing sounds there that this class or a missed one
could explain). The kinds of Hoiem et al., "Diagnosing error in object detectors" (ECCV 2012), carried over to time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sedlab.scoring.metrics.fscores import Collar

CORRECT, FRAGMENTED, MERGED, DUPLICATE = "correct", "fragmented", "merged", "duplicate"
ONSET_EARLY, ONSET_LATE, OFFSET_EARLY, OFFSET_LATE = "onset early", "onset late", "offset early", "offset late"
CROSS_CLASS, MISSED, FALSE_ALARM = "cross-class", "missed", "false alarm"
BOUNDARY: tuple[str, ...] = (ONSET_EARLY, ONSET_LATE, OFFSET_EARLY, OFFSET_LATE)
EVENT, DETECTION = "event", "detection"
#: What an event and what a detection can be, from best to worst.
OUTCOMES: dict[str, tuple[str, ...]] = {
    EVENT: (CORRECT, *BOUNDARY, FRAGMENTED, MERGED, CROSS_CLASS, MISSED),
    DETECTION: (CORRECT, *BOUNDARY, FRAGMENTED, MERGED, DUPLICATE, CROSS_CLASS, FALSE_ALARM),
}


@dataclass(frozen=True)
class Tolerance:
    """How close a detection has to be to an event."""

    collar: Collar = field(default_factory=Collar)
    """For a hit."""
    overlap: float = 0.5
    """Part of the shorter of two that both must share to be linked; for cross-class, part of the detection."""


#: Of collar-based F1 in DCASE Task 4, and half of the shorter one.
USUAL = Tolerance()
