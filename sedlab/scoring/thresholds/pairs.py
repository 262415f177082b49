"""Which of all possible detections of a class are right, and when the counts change as the threshold falls.

Rules and rounding are those of sed_scores_eval 0.0.4 (``collar_based``, ``intersection_based``), so that the counts are
its counts; tests compare them.

Shape letters: R runs, E events, P pairs of a run and an event in the same clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sedlab.scoring.metrics.fscores import Collar
from sedlab.scoring.metrics.psds import Scenario
from sedlab.scoring.thresholds.runs import Runs

#: Times that differ by less are the same, as in the library.
TIME_DECIMALS = 6

#: Levels below which the threshold falls, and the changes there of hits and of detections that are right.
LevelChanges = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Every run beside every event of its class in its clip."""

    runs: Runs
    event_clip: np.ndarray
    """(E,) index of the clip"""
    event_onset: np.ndarray
    """(E,) seconds"""
    event_offset: np.ndarray
    """(E,) seconds"""
    run: np.ndarray
    """(P,) which run"""
    event: np.ndarray
    """(P,) which event"""

    @classmethod
    def of(cls, runs: Runs, clip: np.ndarray, onset: np.ndarray, offset: np.ndarray) -> Pairs:
        """Return the pairs of runs and events (E,) each; events of a class and clip do not touch."""
        order = np.argsort(clip, kind="stable")
        clip, onset, offset = clip[order], onset[order], offset[order]
        first, stop = np.searchsorted(clip, runs.clip), np.searchsorted(clip, runs.clip, side="right")
        count = stop - first
        run = np.repeat(np.arange(len(runs)), count)
        event = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
        return cls(runs, clip, onset, offset, run, event)

    def only(self, chosen: np.ndarray) -> Pairs:
        """Return the pairs where ``chosen`` (P,) is true."""
        events = (self.event_clip, self.event_onset, self.event_offset)
        return Pairs(self.runs, *events, self.run[chosen], self.event[chosen])


def intersection_changes(pairs: Pairs, scenario: Scenario) -> LevelChanges:
    """Return the changes where enough overlap is right.

    A detection is right when enough of it lies in events, an event a hit when right detections cover enough of it.
    """
    runs, run, event = pairs.runs, pairs.run, pairs.event
    shared = np.minimum(runs.offset[run], pairs.event_offset[event]) - np.maximum(
        runs.onset[run], pairs.event_onset[event]
    )
    shared = np.maximum(shared, 0.0)
    inside = _rounded(np.bincount(run, shared, len(runs)))
    right = inside >= _rounded(scenario.dtc_threshold * (runs.offset - runs.onset))
    chosen = right[run] & (shared > 0)
    needed = _rounded(scenario.gtc_threshold * (pairs.event_offset - pairs.event_onset))
    hits = _reached(pairs.only(chosen), shared[chosen], needed)
    level = np.concatenate((runs.below[right], runs.from_threshold[right], hits[0]))
    number = int(right.sum())
    return (
        level,
        np.concatenate((np.zeros(2 * number), hits[1])),
        np.concatenate((np.ones(number), -np.ones(number), np.zeros(len(hits[1])))),
    )


def collar_changes(pairs: Pairs, collar: Collar) -> LevelChanges:
    """Return the changes where close boundaries are right, one detection for each event."""
    runs, run, event = pairs.runs, pairs.run, pairs.event
    offset_collar = np.maximum(
        collar.offset_collar, collar.offset_collar_rate * (pairs.event_offset - pairs.event_onset)
    )
    close = _rounded(np.abs(runs.onset[run] - pairs.event_onset[event]) - collar.onset_collar) <= 0
    close &= _rounded(np.abs(runs.offset[run] - pairs.event_offset[event]) - offset_collar[event]) <= 0
    near = pairs.only(close)
    # A run that is close to two events may answer only one of them, which depends on what else there is in its clip.
    several = np.unique(runs.clip[np.flatnonzero(np.bincount(near.run, minlength=len(runs)) > 1)])
    doubtful = np.isin(runs.clip[near.run], several)
    plain = near.only(~doubtful)
    level, change = _reached(plain, np.ones(len(plain.run)), np.ones(len(pairs.event_clip)))
    parts = [(level, change), *_matched(near.only(doubtful))]
    level, change = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return level, change, change


def _reached(pairs: Pairs, amount: np.ndarray, needed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return levels and changes (+1, -1): when the amounts (P,) of an event's runs reach what it needs (E,)."""
    level = np.concatenate((pairs.runs.below[pairs.run], pairs.runs.from_threshold[pairs.run]))
    event, change = np.tile(pairs.event, 2), np.concatenate((amount, -amount))
    order = np.lexsort((-level, event))
    level, event, change = level[order], event[order], change[order]
    if not len(level):
        return level, change
    # An event's amounts cancel in the end, but for rounding noise that `_rounded` takes away.
    together = _rounded(np.cumsum(change) - _before(event, change))
    last = np.append((level[1:] != level[:-1]) | (event[1:] != event[:-1]), True)
    level, event, reached = level[last], event[last], (together >= needed[event])[last].astype(float)
    earlier = np.where(np.append(False, event[1:] == event[:-1]), np.append(0.0, reached[:-1]), 0.0)
    turned = reached != earlier
    return level[turned], (reached - earlier)[turned]


def _before(group: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Return for each row the sum of all rows of earlier groups; ``group`` is ascending."""
    total = np.cumsum(change) - change
    first = np.append(True, group[1:] != group[:-1])
    return np.repeat(total[first], np.diff(np.append(np.flatnonzero(first), len(group))))


def _matched(pairs: Pairs) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield levels and changes of the largest one-to-one matching, clip by clip and level by level."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    below, start = pairs.runs.below[pairs.run], pairs.runs.from_threshold[pairs.run]
    clips = pairs.runs.clip[pairs.run]
    for clip in np.unique(clips):
        here = np.flatnonzero(clips == clip)
        _, run = np.unique(pairs.run[here], return_inverse=True)
        _, event = np.unique(pairs.event[here], return_inverse=True)
        levels = np.unique(np.concatenate((below[here], start[here])))[::-1]
        counts = []
        for level in levels:
            alive = (below[here] >= level) & (start[here] < level)
            links = csr_array((np.ones(alive.sum()), (run[alive], event[alive])), (run.max() + 1, event.max() + 1))
            counts.append(np.sum(maximum_bipartite_matching(links) >= 0))
        yield levels, np.diff(counts, prepend=0).astype(float)


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.round(values, TIME_DECIMALS)
