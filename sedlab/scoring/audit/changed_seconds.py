"""Seconds that each class gained, lost and kept in each clip, from one set of frame scores to another.

Counted on the scores as they are, without a filter: they are what a student learns from. Both sets may have a frame
grid of their own: time is then cut at the boundaries of either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import expit

from sedlab.postprocess.decode import Thresholds, active_runs, threshold_row
from sedlab.scoring.names import ALL
from sedlab.scoring.scores.file import ScoreFile

#: What a second of a class can be between two sets of scores: above the threshold in the first only, in both, in the
#: second only.
LOST, KEPT, GAINED = "lost", "kept", "gained"
PARTS: tuple[str, ...] = (LOST, KEPT, GAINED)
#: Lost and gained together.
CHANGED = "changed"

#: Cells (clips, frames, classes) looked at together: they stay in the cache of a processor.
_CELLS_AT_ONCE = 2**20


@dataclass(frozen=True, eq=False)
class ChangedSeconds:
    """Seconds of each class in each clip, by what became of them."""

    clip_ids: tuple[str, ...]
    classes: tuple[str, ...]
    lost: np.ndarray
    """(clips, classes) float32, seconds above the threshold in the first set of scores only."""
    kept: np.ndarray
    """(clips, classes) seconds above it in both."""
    gained: np.ndarray
    """(clips, classes) seconds above it in the second only."""

    def of(self, part: str) -> np.ndarray:
        """Return the seconds (clips, classes) of one of `PARTS`."""
        return getattr(self, part)

    def among(self, classes: Sequence[str]) -> ChangedSeconds:
        """Return the same of some classes."""
        columns = [self.classes.index(label) for label in classes]
        return ChangedSeconds(self.clip_ids, tuple(classes), *(self.of(part)[:, columns] for part in PARTS))

    @cached_property
    def by_class(self) -> pd.DataFrame:
        """What became of each class, a row a class; the first, "all", adds them up.

        Columns label, before, after, lost, kept, gained (seconds), lost_share (of the seconds before) and gained_share
        (of the seconds after; nan where there are none), lost_clips, kept_clips, gained_clips (how many clips hold
        some).
        """
        columns: dict[str, np.ndarray] = {}
        for part in PARTS:
            seconds = self.of(part)
            here = seconds > 0
            columns[part] = _with_all(seconds.sum(axis=0, dtype=np.float64))
            columns[f"{part}_clips"] = np.concatenate(([here.any(axis=1).sum()], here.sum(axis=0)))
        table = pd.DataFrame({"label": [ALL, *self.classes], **columns})
        table["before"], table["after"] = table["kept"] + table["lost"], table["kept"] + table["gained"]
        table["lost_share"] = table["lost"] / table["before"].where(table["before"] > 0)
        table["gained_share"] = table["gained"] / table["after"].where(table["after"] > 0)
        shares = ["lost_share", "gained_share"]
        return table[["label", "before", "after", *PARTS, *shares, *(f"{part}_clips" for part in PARTS)]]

    def by_clip(self, part: str, label: str = ALL) -> pd.DataFrame:
        """Return the clips that hold some of a part of a class, those that hold most first.

        Parameters
        ----------
        part : str
            One of `PARTS`, or "changed": lost and gained together.
        label : str
            A class, or "all".

        Returns
        -------
        DataFrame
            clip_id, seconds, share (of the seconds of the class in the clip, before and after together).
        """
        columns = slice(None) if label == ALL else [self.classes.index(label)]
        lost, kept, gained = (self.of(name)[:, columns].sum(axis=1, dtype=np.float64) for name in PARTS)
        seconds = {LOST: lost, KEPT: kept, GAINED: gained, CHANGED: lost + gained}[part]
        either = lost + kept + gained
        share = seconds / np.where(either > 0, either, 1)
        order = np.argsort(-seconds, kind="stable")
        order = order[seconds[order] > 0]
        ids = np.asarray(self.clip_ids, dtype=object)[order]
        return pd.DataFrame({"clip_id": ids, "seconds": seconds[order], "share": share[order]})


def changed_seconds(
    first: ScoreFile, second: ScoreFile, clips: pd.DataFrame, classes: Sequence[str], *, thresholds: Thresholds = 0.5
) -> ChangedSeconds:
    """Count what each class gained, lost and kept in each clip from ``first`` to ``second``.

    ``clips`` have columns `clip_id, duration`: time after the end of a clip does not count. A probability above the
    threshold counts, as in ``detect_events``. SedlabError when a clip or a class has no scores.
    """
    ids, grid = list(clips["clip_id"]), _Grid.of(first, second)
    rows = [_places(scores, ids) for scores in (first, second)]
    columns = [_columns(scores, classes) for scores in (first, second)]
    bound, chosen = _logit_bounds(thresholds, classes), slice(None)
    if first.classes == second.classes:
        # To count a class that nobody asked for is quicker than to pick out the others.
        chosen, bounds = columns[0], np.full(len(first.classes), np.inf, dtype=np.float32)
        bounds[chosen] = bound
        columns, bound = [slice(None), slice(None)], bounds
    seconds = grid.seconds(clips["duration"].to_numpy(float))
    parts = {part: np.zeros((len(ids), len(bound)), dtype=np.float32) for part in PARTS}
    step = max(1, _CELLS_AT_ONCE // max(1, seconds.shape[1] * len(bound)))
    for start in range(0, len(ids), step):
        here = slice(start, start + step)
        was, now = (
            _above(scores, place[here], column, index, bound)
            for scores, place, column, index in zip((first, second), rows, columns, grid.frames, strict=True)
        )
        width = seconds[here, None, :]
        for part, which in ((LOST, was & ~now), (KEPT, was & now), (GAINED, now & ~was)):
            parts[part][here] = np.matmul(width, which.astype(np.float32))[:, 0]
    lost, kept, gained = (parts[part][:, chosen] for part in PARTS)
    return ChangedSeconds(tuple(ids), tuple(classes), lost, kept, gained)


def longest_stretches(
    first: ScoreFile,
    second: ScoreFile,
    clips: pd.DataFrame,
    classes: Sequence[str],
    part: str,
    *,
    thresholds: Thresholds = 0.5,
) -> pd.DataFrame:
    """Return the longest stretch of time of a part ("lost", "kept", "gained", "changed") in each clip that has one.

    Returns
    -------
    DataFrame
        clip_id, label, onset, offset: of all ``classes`` the one with the longest; in the order of ``clips``.
    """
    ids, grid = list(clips["clip_id"]), _Grid.of(first, second)
    rows = [_places(scores, ids) for scores in (first, second)]
    bound = _logit_bounds(thresholds, classes)
    durations = clips["duration"].to_numpy(float)
    heard = grid.seconds(durations) > 0
    best = np.zeros(len(ids))
    found = {"label": np.zeros(len(ids), dtype=int), "onset": np.zeros(len(ids)), "offset": np.zeros(len(ids))}
    for place, label in enumerate(classes):
        was, now = (
            _above(scores, row, _columns(scores, [label]), index, bound[[place]])[..., 0]
            for scores, row, index in zip((first, second), rows, grid.frames, strict=True)
        )
        active = {LOST: was & ~now, KEPT: was & now, GAINED: now & ~was, CHANGED: was ^ now}[part] & heard
        clip, start, stop = active_runs(active)
        onset, offset = grid.times[start], np.minimum(grid.times[stop], durations[clip])
        # The longest of each clip comes last, so it is the one that stays.
        order = np.argsort(offset - onset, kind="stable")
        longest = np.zeros((3, len(ids)))
        longest[:, clip[order]] = np.stack([offset - onset, onset, offset])[:, order]
        better = longest[0] > best
        best[better] = longest[0, better]
        for name, values in (("label", place), ("onset", longest[1]), ("offset", longest[2])):
            found[name] = np.where(better, values, found[name])
    some = best > 0
    # Without a clip the column would be of numbers, and could not be joined.
    table = pd.DataFrame({"clip_id": np.asarray(ids, dtype=object), **found})[some]
    names = np.asarray(list(classes), dtype=object)
    return table.assign(label=names[table["label"]]).reset_index(drop=True)


@dataclass(frozen=True)
class _Grid:
    """Time cut where either set of scores has a frame boundary."""

    times: np.ndarray
    """(pieces + 1,) s"""
    frames: tuple[np.ndarray | None, np.ndarray | None]
    """Frame of either set that each piece lies in, -1 for none; None: piece k is frame k."""

    @classmethod
    def of(cls, first: ScoreFile, second: ScoreFile) -> _Grid:
        one, other = first.frame_times, second.frame_times
        if one.shape == other.shape and np.allclose(one, other, rtol=0, atol=1e-6):
            return cls(one, (None, None))
        times = np.unique(np.concatenate((one, other)))
        times = times[np.concatenate(([True], np.diff(times) > 1e-6))]
        return cls(times, (_frame_at(times, one), _frame_at(times, other)))

    def seconds(self, durations: np.ndarray) -> np.ndarray:
        """Return how many seconds of each piece lie in a clip of each duration, (clips, pieces) float32."""
        ends = np.minimum(self.times[1:], durations[:, None])
        return (ends - self.times[:-1]).clip(min=0).astype(np.float32)


def _frame_at(times: np.ndarray, boundaries: np.ndarray) -> np.ndarray:
    middles = (times[1:] + times[:-1]) / 2
    frames = np.searchsorted(boundaries, middles, side="right") - 1
    return np.where(frames < len(boundaries) - 1, frames, -1)


def _above(
    scores: ScoreFile, rows: np.ndarray, columns: np.ndarray | slice, frames: np.ndarray | None, bound: np.ndarray
) -> np.ndarray:
    """Return which pieces lie above the threshold, (clips, pieces, classes) bool."""
    block = scores.logits[rows[0] : rows[-1] + 1] if _in_a_row(rows) else scores.logits[rows]
    above = block[:, :, columns] >= bound
    if frames is None:
        return above
    above = above[:, frames]
    above[:, frames < 0] = False
    return above


def _in_a_row(rows: np.ndarray) -> bool:
    return len(rows) > 0 and rows[-1] - rows[0] == len(rows) - 1 and bool((np.diff(rows) == 1).all())


def _places(scores: ScoreFile, clip_ids: Sequence[str]) -> np.ndarray:
    place = {name: index for index, name in enumerate(scores.clip_ids)}
    if not all(name in place for name in clip_ids):
        scores.select(clip_ids)  # says what is missing
    return np.array([place[name] for name in clip_ids], dtype=int)


def _columns(scores: ScoreFile, classes: Sequence[str]) -> np.ndarray:
    if not set(classes) <= set(scores.classes):
        scores.select(scores.clip_ids[:1], classes)  # says what is missing
    return np.array([scores.classes.index(label) for label in classes], dtype=int)


def _logit_bounds(thresholds: Thresholds, classes: Sequence[str]) -> np.ndarray:
    """Return the smallest single-precision logit of each class whose probability lies above its threshold.

    Found by halving, so that not even a logit next to it is decided otherwise than `ScoreFile.probabilities` would.
    """
    wanted = threshold_row(thresholds, classes)
    # Single-precision numbers in their order are whole numbers in their order; these are those of -inf and inf.
    low, high = (np.full(len(classes), sign * 0x7F800000, dtype=np.int64) for sign in (-1, 1))
    while (high - low > 1).any():
        middle = (low + high) // 2
        above = expit(_single(middle).astype(np.float64)) > wanted
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return _single(high)


def _single(place: np.ndarray) -> np.ndarray:
    """Return the single-precision number at a place in their order, that of 0 being 0."""
    return np.where(place < 0, 2**31 - place, place).astype(np.uint32).view(np.float32)


def _with_all(values: np.ndarray) -> np.ndarray:
    return np.concatenate(([values.sum()], values))
