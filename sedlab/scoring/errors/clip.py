"""One clip: which of its detections answers which of its events, and what the others are (`kinds` says what is what).

Shape letters: D detections, E events.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlab.scoring.errors.kinds import (
    BOUNDARY,
    CORRECT,
    CROSS_CLASS,
    DETECTION,
    DUPLICATE,
    EVENT,
    FALSE_ALARM,
    FRAGMENTED,
    MERGED,
    MISSED,
    OFFSET_EARLY,
    OFFSET_LATE,
    ONSET_EARLY,
    ONSET_LATE,
    Tolerance,
)

#: Boundaries that differ from a collar by less lie on it, as in sed_scores_eval: times are written with few digits.
_SAME_TIME = 1e-6
_UNDECIDED = ""


@dataclass(frozen=True, eq=False)
class ClipRows:
    """Detections or events of one clip, sorted by class and time."""

    label: np.ndarray
    onset: np.ndarray
    offset: np.ndarray
    confidence: np.ndarray

    @classmethod
    def of(cls, table: pd.DataFrame) -> ClipRows:
        confidence = table["confidence"] if "confidence" in table else pd.Series(np.nan, index=table.index)
        return cls(
            table["label"].to_numpy(object),
            table["onset"].to_numpy(float),
            table["offset"].to_numpy(float),
            confidence.to_numpy(float),
        )

    @property
    def length(self) -> np.ndarray:
        """Seconds of each."""
        return self.offset - self.onset

    def __len__(self) -> int:
        return len(self.label)


class ClipErrors:
    """One clip: its detections D and events E, their relations (D, E), and what is decided so far."""

    def __init__(self, detections: ClipRows, events: ClipRows, tolerance: Tolerance) -> None:
        self.detections, self.events, self.tolerance = detections, events, tolerance
        collar = tolerance.collar
        self.onset_deviation = detections.onset[:, None] - events.onset
        self.offset_deviation = detections.offset[:, None] - events.offset
        self.offset_collar = np.maximum(collar.offset_collar, collar.offset_collar_rate * events.length)
        self.overlap = _overlap(detections, events)
        length_D, length_E = detections.length[:, None], events.length
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
        length = self.detections.length
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


def _overlap(rows: ClipRows, columns: ClipRows) -> np.ndarray:
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
