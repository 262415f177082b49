"""How the counts of one class change as the decision threshold falls: what every metric of events is made of.

The changes are those of sed_scores_eval 0.0.4 (Ebbers et al., arXiv 2201.13148), found for one class at a time: the
library keeps those of all clips and classes at once, and counts every class beside each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np

from sedlab.scoring.scores.tables import Arrays, sed_scores_eval

#: {clip id: {class: (onsets, offsets)}}, seconds; the classes that have an event there.
Spans = Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]]


class Criterion(Protocol):
    """When a detection is right: the rules of one kind of matching in sed_scores_eval."""

    matching: ClassVar[str]
    """The library's module: intersection_based or collar_based."""

    @property
    def rules(self) -> dict[str, float | None]:
        """Its arguments that decide what is right."""


@dataclass(frozen=True, eq=False)
class OperatingPoints:
    """What one class's counts are at every decision threshold, which rises from point to point."""

    level: np.ndarray
    """(points,) the score below which the threshold falls, ascending; the last is infinity."""
    hits: np.ndarray
    """(points,) events (or seconds) found"""
    false_alarms: np.ndarray
    """(points,) false detections (or seconds) in an hour"""
    rate: np.ndarray
    """(points,) where the point lies on the curve's axis of errors; infinity beyond its end"""
    num_positive: int
    """Events (or seconds) that there are."""

    @cached_property
    def ratio(self) -> np.ndarray:
        """(points,) the part that is found."""
        return self.hits / self.num_positive

    @cached_property
    def threshold(self) -> np.ndarray:
        """(points,) a threshold of each point: halfway between two scores, a score above it is a detection."""
        top = self.level[-2] if len(self.level) > 1 else 0.0
        upper = np.append(self.level[:-1], max(1.0, top))
        # Scores are probabilities: there is none below 0, and a score of 0 is above thresholds below 0 only.
        lower = np.append(0.0 if upper[0] > 0 else upper[0] - 1.0, upper[:-1])
        middle = (upper + lower) / 2
        # Between neighbours in double precision there is nothing; their middle may round to the upper one.
        return np.where(middle < upper, middle, lower)

    def at(self, threshold: float) -> int:
        """Return the place of the point with this threshold."""
        return int(np.searchsorted(self.level[:-1], threshold, side="right"))


@dataclass(frozen=True, eq=False)
class Changes:
    """Changes of the counts of one class as the threshold falls, clip after clip."""

    clip: np.ndarray
    """(changes,) index of the clip, ascending"""
    threshold: np.ndarray
    """(changes,) the score below which the threshold falls"""
    hits: np.ndarray
    """(changes,) change of true positives"""
    false_alarms: np.ndarray
    """(changes,) change of false positives"""
    cross: dict[str, tuple[np.ndarray, np.ndarray]]
    """{other class: (which changes, by how much)}: false detections that lie in its events, where they are counted."""

    def cumulated(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the thresholds, ascending, then infinity, and the hits and false alarms of all clips at each."""
        thresholds, place = np.unique(self.threshold, return_inverse=True)
        counts = (
            np.bincount(place, weights=change, minlength=len(thresholds)) for change in (self.hits, self.false_alarms)
        )
        hits, false_alarms = (np.append(np.cumsum(count[::-1])[::-1], 0.0) for count in counts)
        return np.append(thresholds, np.inf), hits, false_alarms

    def cross_at(self, other: str, thresholds: np.ndarray) -> np.ndarray:
        """Return how many false detections of all clips lie in events of ``other`` at each of ``thresholds``."""
        where, change = self.cross[other]
        order = np.argsort(self.threshold[where])
        still = np.append(np.cumsum(change[order][::-1])[::-1], 0.0)
        return still[np.searchsorted(self.threshold[where][order], thresholds)]


def class_changes(
    scores: Iterable[Arrays],
    label: str,
    spans: Spans,
    clip_index: Mapping[str, int],
    criterion: Criterion,
    max_false_alarms: float = np.inf,
) -> Changes:
    """Return the changes of the class ``label``.

    Parameters
    ----------
    scores : iterable of (clip ids, boundaries, scores (clips, rows, 1))
        Of the class.
    spans : {clip id: {class: (onsets, offsets)}}
        The events of all classes that count.
    clip_index : {clip id: index}
        What ``Changes.clip`` says of each clip.
    max_false_alarms : float
        Thresholds at which there are certainly more, in all clips, are left out.
    """
    scores = list(scores)
    lowest = _lowest_threshold(scores, label, spans, max_false_alarms)
    crossing = criterion.rules.get("cttc_threshold") is not None
    parts: list[tuple[np.ndarray, ...]] = []
    cross: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    size = 0
    for clip_ids, times, values in scores:
        rows, index = values[:, :, 0], np.array([clip_index[clip_id] for clip_id in clip_ids])
        heard = np.array([crossing or label in spans[clip_id] for clip_id in clip_ids])
        parts.append(_elsewhere(index[~heard], rows[~heard], lowest))
        size += len(parts[-1][0])
        for k in np.flatnonzero(heard):
            levels = np.unique(rows[k][rows[k] >= lowest])
            if not len(levels):
                continue
            threshold, counts = _in_clip(rows[k], times, levels, label, spans[clip_ids[k]], criterion, crossing)
            parts.append((np.full(len(threshold), index[k]), threshold, counts.pop("tps"), counts.pop("fps")))
            for name, change in counts.items():
                if name.startswith("cts\\") and change.any():
                    where = np.flatnonzero(change)
                    cross.setdefault(name.removeprefix("cts\\"), []).append((size + where, change[where]))
            size += len(threshold)
    if not size:
        # No threshold gives a hit or a false alarm; a curve of one point is none.
        parts.append(tuple(np.zeros((4, 1), dtype=np.int64)))
    clip, threshold, hits, false_alarms = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    # Sums of weighted changes depend on their order in the last digit: it is that of the clips.
    order = np.argsort(clip, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return Changes(
        clip=clip[order],
        threshold=threshold[order],
        hits=hits[order],
        false_alarms=false_alarms[order],
        cross={
            other: (place[np.concatenate([where for where, _ in found])], np.concatenate([by for _, by in found]))
            for other, found in cross.items()
        },
    )


def _lowest_threshold(scores: Iterable[Arrays], label: str, spans: Spans, max_false_alarms: float) -> float:
    """Return a threshold at and below which there are more false alarms: one at least in each clip without event that
    reaches it."""
    highest = [
        score
        for clip_ids, _, values in scores
        for clip_id, score in zip(clip_ids, values[:, :, 0].max(axis=1), strict=True)
        if label not in spans[clip_id]
    ]
    if len(highest) <= max_false_alarms:
        return -np.inf
    return np.sort(highest)[-int(max_false_alarms) - 1]


def _in_clip(
    scores: np.ndarray,
    times: np.ndarray,
    levels: np.ndarray,
    label: str,
    events: Mapping[str, tuple[np.ndarray, np.ndarray]],
    criterion: Criterion,
    crossing: bool,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return those of ``levels`` at which counts change in a clip, ascending, and by how much each count does."""
    sed_scores_eval()
    from sed_scores_eval.base_modules.cy_detection import onset_offset_curves
    from sed_scores_eval.base_modules.statistics import _deltas_from_intermediate_statistics

    library = getattr(sed_scores_eval(), criterion.matching).intermediate_statistics
    levels, onset, offset = onset_offset_curves(scores, times, levels)
    nothing = (np.empty(0), np.empty(0))
    target = events.get(label, nothing)
    # A class without event in the clip cannot be hit there.
    others = {name: span for name, span in events.items() if name != label} if crossing else {}
    counts = library.statistics_fn(
        detection_onset_times=onset,
        detection_offset_times=offset,
        target_onset_times=target[0],
        target_offset_times=target[1],
        other_onset_times={name: span[0] for name, span in others.items()},
        other_offset_times={name: span[1] for name, span in others.items()},
        **criterion.rules,
    )
    if crossing and not others:
        del counts["cts"]
    return _deltas_from_intermediate_statistics(levels, counts)


def _elsewhere(index: np.ndarray, scores: np.ndarray, lowest: float) -> tuple[np.ndarray, ...]:
    """Return clips, thresholds and changes of clips (clips, rows) without event, where every detection is false.

    A detection appears at a local maximum and two merge at a local minimum: the library's shortcut, all clips at once.
    """
    before = np.pad(scores[:, :-1], ((0, 0), (1, 0)), constant_values=-np.inf)
    after = np.pad(scores[:, 1:], ((0, 0), (0, 1)), constant_values=-np.inf)
    # Minus infinity lies below every threshold.
    change = ((scores > before).astype(np.int64) - (after > scores)) * (scores > -np.inf)
    change[scores < lowest] = 0
    clip, row = np.nonzero(change)
    change = change[clip, row]
    return index[clip], scores[clip, row], np.zeros_like(change), change
