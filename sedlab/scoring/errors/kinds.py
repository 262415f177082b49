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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.scoring.metrics.events import merge_touching
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
#: Boundaries that differ from a collar by less lie on it, as in sed_scores_eval: times are written with few digits.
_SAME_TIME = 1e-6
_UNDECIDED = ""
_SORTED_BY = ["clip_id", "onset", "offset", "label"]


@dataclass(frozen=True)
class Tolerance:
    """How close a detection has to be to an event."""

    collar: Collar = field(default_factory=Collar)
    """For a hit."""
    overlap: float = 0.5
    """Part of the shorter of two that both must share to be linked; for cross-class, part of the detection."""


def find_errors(
    detections: pd.DataFrame,
    events: pd.DataFrame,
    *,
    classes: Sequence[str] | None = None,
    tolerance: Tolerance = Tolerance(),
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
    tolerance : Tolerance

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
    empty = (_Rows.of(detections.iloc[:0]), _Rows.of(events.iloc[:0]))
    found, wanted = (dict(_by_clip(table)) for table in (detections, events))
    rows: list[tuple] = []
    for clip_id in sorted(found.keys() | wanted.keys()):
        clip = _Clip(found.get(clip_id, empty[0]), wanted.get(clip_id, empty[1]), tolerance)
        rows += [(clip_id, *row) for row in clip.rows()]
    table = pd.DataFrame(rows, columns=list(CASE_COLUMNS))
    return table.sort_values([*_SORTED_BY, "side"], kind="stable", ignore_index=True)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Detections or events of one clip, sorted by class and time."""

    label: np.ndarray
    onset: np.ndarray
    offset: np.ndarray
    confidence: np.ndarray

    @classmethod
    def of(cls, table: pd.DataFrame) -> _Rows:
        confidence = table["confidence"] if "confidence" in table else pd.Series(np.nan, index=table.index)
        return cls(
            table["label"].to_numpy(object),
            table["onset"].to_numpy(float),
            table["offset"].to_numpy(float),
            confidence.to_numpy(float),
        )

    def __len__(self) -> int:
        return len(self.label)


class _Clip:
    """One clip: its detections D and events E, their relations (D, E), and what is decided so far."""

    def __init__(self, detections: _Rows, events: _Rows, tolerance: Tolerance) -> None:
        self.detections, self.events, self.tolerance = detections, events, tolerance
        collar = tolerance.collar
        self.onset_deviation = detections.onset[:, None] - events.onset
        self.offset_deviation = detections.offset[:, None] - events.offset
        self.offset_collar = np.maximum(
            collar.offset_collar, collar.offset_collar_rate * (events.offset - events.onset)
        )
        self.overlap = _overlap(detections, events)
        length_D = (detections.offset - detections.onset)[:, None]
        length_E = events.offset - events.onset
        self.iou = self.overlap / (length_D + length_E - self.overlap)
        same = detections.label[:, None] == events.label
        near_onset = np.abs(self.onset_deviation) <= collar.onset_collar + _SAME_TIME
        near_offset = np.abs(self.offset_deviation) <= self.offset_collar + _SAME_TIME
        self.close = same & near_onset & near_offset
        self.linked = same & (self.overlap > 0) & (self.overlap >= tolerance.overlap * np.minimum(length_D, length_E))
        self.inside = ~same & (self.overlap > 0) & (self.overlap >= tolerance.overlap * length_D)
        self.outcome_D = np.full(len(detections), _UNDECIDED, dtype=object)
        self.outcome_E = np.full(len(events), _UNDECIDED, dtype=object)
        self.partner_D = np.full(len(detections), -1)
        self.partner_E = np.full(len(events), -1)
        self._decide()

    def rows(self) -> Iterator[tuple]:
        """Yield a row of the table of cases, without clip id, for each detection and event."""
        sides = (
            (EVENT, self.events, self.outcome_E, self.partner_E, self.detections),
            (DETECTION, self.detections, self.outcome_D, self.partner_D, self.events),
        )
        for side, own, outcomes, partners, others in sides:
            for k in range(len(own)):
                p, outcome = partners[k], outcomes[k]
                other = ("", np.nan, np.nan) if p < 0 else (others.label[p], others.onset[p], others.offset[p])
                deviations = (np.nan, np.nan)
                if outcome == CORRECT or outcome in BOUNDARY:
                    pair = (p, k) if side == EVENT else (k, p)
                    deviations = (self.onset_deviation[pair], self.offset_deviation[pair])
                yield side, own.label[k], own.onset[k], own.offset[k], own.confidence[k], outcome, *other, *deviations

    def _decide(self) -> None:
        for d, e in _assign(np.where(self.close, 1 + 1e-3 * self.iou, 0.0)):
            self._pair(d, e, CORRECT)
        self._decide_linked()
        unanswered = (self.outcome_D == _UNDECIDED)[:, None] & (self.outcome_E == _UNDECIDED)
        for d, e in _assign(np.where(self.inside & unanswered, self.overlap, 0.0)):
            self._pair(d, e, CROSS_CLASS)
        self.outcome_D[self.outcome_D == _UNDECIDED] = FALSE_ALARM
        self.outcome_E[self.outcome_E == _UNDECIDED] = MISSED

    def _decide_linked(self) -> None:
        open_D, open_E = self.outcome_D == _UNDECIDED, self.outcome_E == _UNDECIDED
        links = self.linked & open_D[:, None] & open_E
        self._set_aside_duplicates(links)
        pieces, covered = links.sum(axis=0), links.sum(axis=1)
        hit_D, hit_E = ~open_D, ~open_E
        for e in np.flatnonzero(open_E):
            best = int(np.argmax(np.where(links[:, e], self.iou[:, e], -1))) if pieces[e] else -1
            if pieces[e] > 1:
                self.outcome_E[e], self.partner_E[e] = FRAGMENTED, best
            elif pieces[e] == 1 and covered[best] > 1:
                self.outcome_E[e], self.partner_E[e] = MERGED, best
            elif pieces[e] == 1:
                self._pair(best, int(e), self._boundary_error(best, int(e)))
            elif (self.linked[:, e] & hit_D).any():
                hits = np.where(self.linked[:, e] & hit_D, self.iou[:, e], -1)
                self.outcome_E[e], self.partner_E[e] = MERGED, int(np.argmax(hits))
        for d in np.flatnonzero(self.outcome_D == _UNDECIDED):
            if covered[d]:
                best = int(np.argmax(np.where(links[d], self.iou[d], -1)))
                self.outcome_D[d], self.partner_D[d] = MERGED if covered[d] > 1 else FRAGMENTED, best
            elif (self.linked[d] & hit_E).any():
                hits = np.where(self.linked[d] & hit_E, self.iou[d], -1)
                self.outcome_D[d], self.partner_D[d] = DUPLICATE, int(np.argmax(hits))

    def _set_aside_duplicates(self, links: np.ndarray) -> None:
        """Name detections that say again what a better one says in the same time, and cut their links."""
        rows = np.flatnonzero(links.any(axis=1))
        if len(rows) < 2:
            return
        best = np.where(links, self.iou, -1).max(axis=1)
        length = self.detections.offset - self.detections.onset
        shared = _overlap(self.detections, self.detections)
        same_time = shared >= np.maximum(self.tolerance.overlap * np.minimum(length[:, None], length), _SAME_TIME)
        kept: list[int] = []
        for d in sorted(rows.tolist(), key=lambda row: -best[row]):
            if any(same_time[d, other] and not (links[d] & ~links[other]).any() for other in kept):
                self.outcome_D[d] = DUPLICATE
                self.partner_D[d] = int(np.argmax(np.where(links[d], self.iou[d], -1)))
                links[d] = False
            else:
                kept.append(d)

    def _pair(self, d: int, e: int, outcome: str) -> None:
        self.outcome_D[d] = self.outcome_E[e] = outcome
        self.partner_D[d], self.partner_E[e] = e, d

    def _boundary_error(self, d: int, e: int) -> str:
        onset = self.onset_deviation[d, e] / self.tolerance.collar.onset_collar
        offset = self.offset_deviation[d, e] / self.offset_collar[e]
        if abs(onset) >= abs(offset):
            return ONSET_LATE if onset > 0 else ONSET_EARLY
        return OFFSET_LATE if offset > 0 else OFFSET_EARLY


def _overlap(rows: _Rows, columns: _Rows) -> np.ndarray:
    """Return the seconds that each of ``rows`` shares with each of ``columns``."""
    end = np.minimum(rows.offset[:, None], columns.offset)
    return np.maximum(end - np.maximum(rows.onset[:, None], columns.onset), 0.0)


def _assign(value: np.ndarray) -> list[tuple[int, int]]:
    """Return the one-to-one pairs with the largest sum of values; pairs of value 0 are none."""
    from scipy.optimize import linear_sum_assignment

    if not value.any():
        return []
    pairs = zip(*linear_sum_assignment(value, maximize=True), strict=True)
    return [(int(d), int(e)) for d, e in pairs if value[d, e] > 0]


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


def _by_clip(table: pd.DataFrame) -> Iterator[tuple[str, _Rows]]:
    for clip_id, rows in table.groupby("clip_id", sort=False):
        yield str(clip_id), _Rows.of(rows)
