"""What each clip adds to a PSDS, so that the score of any resample of the clips is a weighted sum.

Lowering the decision threshold changes the counts of one clip after another: a detection appears, two merge, an event
becomes covered. These changes are computed once, by sed_scores_eval (Ebbers et al., arXiv 2201.13148). In a resample a
clip that was drawn twice changes its counts twice, and one that was not drawn not at all; so the counts at every
threshold are cumulative sums of weighted changes, and no score is looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.scoring.metrics.changes import Changes
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.psds import PSDS1, SECONDS_PER_HOUR, Scenario
from sedlab.scoring.metrics.statistics.curves import CurveStatistics, staircases

NO_EVENT = "ground truth: no event of the classes to score, so there is nothing to resample. Check labels and clips."
#: Numbers in the largest temporary array: small enough for the processor's cache.
CHUNK = 2**18


@dataclass(frozen=True, eq=False)
class ClassChanges:
    """Changes of the counts of one class, in the order in which they occur as the threshold falls.

    A *step* is a threshold at which something changes. A *run* is a step at which true positives change and those up to
    the next such step; on the curve it counts with the fewest errors it reaches.
    """

    clip: np.ndarray
    """(changes,) index of the clip whose counts change."""
    errors: np.ndarray
    """(kinds, changes): change of false positives and, in scenarios that count them, of the cross triggers with each
    other class."""
    step_ends: np.ndarray
    """(steps,) the last change of each step."""
    run_starts: np.ndarray
    """(runs,) the first step of each run. Before the first run nothing is found."""
    hit_clip: np.ndarray
    """(hit changes,) index of the clip whose true positives change."""
    hits: np.ndarray
    """(hit changes,) change of true positives."""
    run_hit_ends: np.ndarray
    """(runs,) the last hit change of each run."""
    floor_clip: np.ndarray
    """(floor changes,) index of a clip that from here on never again has as few false positives as before."""
    floor_rises: np.ndarray
    """(floor changes,) by how much the fewest it will ever have again rises."""
    floor_steps: np.ndarray
    """(floor changes,) the step at which that happens."""


@dataclass(frozen=True, eq=False)
class PsdsStatistics(CurveStatistics):
    """Changes of one system's counts, from which ``evaluate`` computes PSDS as ``psds`` does."""

    scenario: Scenario
    changes: tuple[ClassChanges, ...]
    durations: np.ndarray
    """(clips,) seconds."""
    num_events: np.ndarray
    """(clips, classes) events."""
    event_seconds: np.ndarray
    """(clips, classes) total duration of the events."""

    def evaluate(self, weights: np.ndarray) -> np.ndarray:
        weights = np.asarray(weights, dtype=np.float64)
        num_events, points = weights @ self.num_events, self._points(weights)
        values = [
            _areas([(rates[r], hits[r]) for rates, hits in points], num_events[r], self.scenario)
            for r in range(len(weights))
        ]
        return np.stack(values)

    def curves(self, weights: np.ndarray, rates: np.ndarray) -> np.ndarray:
        weights = np.asarray(weights, dtype=np.float64)
        num_events = (weights @ self.num_events)[:, :, None]
        found = np.stack([staircases(at, hits, rates) for at, hits in self._points(weights)], axis=1)
        ratios = np.divide(found, num_events, out=np.full(found.shape, np.nan), where=num_events > 0)
        # As `class_spread`, over the classes that the resample has.
        known = np.where(num_events > 0, ratios, 0.0)
        count = np.count_nonzero(num_events, axis=1)
        mean = known.sum(axis=1) / count
        spread = np.sqrt((np.where(num_events > 0, ratios - mean[:, None], 0.0) ** 2).sum(axis=1) / count)
        effective = np.maximum(mean - self.scenario.alpha_st * spread, 0.0)
        return np.concatenate((effective[:, None], ratios), axis=1)

    def _points(self, weights: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the rates and true positives, (resamples, runs) each, of every class."""
        return [
            _curve_points(changes, weights, self._error_rates(weights, k), self.scenario.max_efpr)
            for k, changes in enumerate(self.changes)
        ]

    def _error_rates(self, weights: np.ndarray, k: int) -> np.ndarray:
        """Return (resamples, kinds of error): effective false positives per hour for one error of class ``k``."""
        per_hour = SECONDS_PER_HOUR / (weights @ self.durations)
        if self.scenario.alpha_ct == 0:
            return per_hour[:, None]
        # Cross triggers count relative to the duration of the class they hit, averaged over the other classes present.
        seconds = weights @ np.delete(self.event_seconds, k, axis=1)
        num_others = np.count_nonzero(seconds, axis=1)[:, None]
        cross_rates = np.zeros_like(seconds)
        weight = self.scenario.alpha_ct * SECONDS_PER_HOUR
        np.divide(weight, num_others * seconds, out=cross_rates, where=seconds > 0)
        return np.column_stack((per_hour, cross_rates))


def psds_statistics(counted: CountedEvents, scenario: Scenario = PSDS1) -> PsdsStatistics:
    """Compute the statistics of one system's scores; SedlabError when no class has an event."""
    present, clip_ids = counted.present, counted.clip_ids
    if not present:
        raise SedlabError(NO_EVENT)
    scenario = scenario.among(len(present))
    events = events_by_clip(counted)
    return PsdsStatistics(
        units=tuple(clip_ids),
        classes=present,
        missing_classes=counted.missing_classes,
        scenario=scenario,
        changes=tuple(_class_changes(counted.changes(scenario, label), label, present, scenario) for label in present),
        durations=np.array(list(counted.seconds.values())),
        num_events=events["size"].to_numpy(dtype=np.float64),
        event_seconds=events["sum"].to_numpy(dtype=np.float64),
    )


def events_by_clip(counted: CountedEvents) -> pd.DataFrame:
    """Return the number ("size") and total duration ("sum") of the events of each clip (rows) and present class."""
    durations = counted.events["offset"] - counted.events["onset"]
    keys = [counted.events["clip_id"], counted.events["label"]]
    return durations.groupby(keys).agg(["size", "sum"]).unstack(fill_value=0)


def _class_changes(changes: Changes, label: str, classes: Sequence[str], scenario: Scenario) -> ClassChanges:
    others = [other for other in classes if other != label] if scenario.alpha_ct else []
    thresholds, clip, hits = changes.threshold, changes.clip, changes.hits
    errors = np.zeros((1 + len(others), len(clip)))
    errors[0] = changes.false_alarms
    for kind, other in enumerate(others, start=1):
        if other in changes.cross:
            where, by = changes.cross[other]
            errors[kind, where] = by

    falling = np.argsort(-thresholds, kind="stable")
    thresholds, clip, errors, hits = thresholds[falling], clip[falling], errors[:, falling], hits[falling]
    new_step = np.append(True, thresholds[1:] != thresholds[:-1])[: len(thresholds)]
    step = np.cumsum(new_step) - 1
    hit = np.flatnonzero(hits)
    rises = _floor_rises(errors[0], clip)
    floor = np.flatnonzero(rises)
    run_starts = np.unique(step[hit])
    return ClassChanges(
        clip=clip,
        errors=errors,
        step_ends=np.append(np.flatnonzero(new_step)[1:], len(thresholds))[: step[-1] + 1 if len(step) else 0] - 1,
        run_starts=run_starts,
        hit_clip=clip[hit],
        hits=hits[hit].astype(np.float64),
        run_hit_ends=np.searchsorted(step[hit], run_starts, side="right") - 1,
        floor_clip=clip[floor],
        floor_rises=rises[floor],
        floor_steps=step[floor],
    )


def _floor_rises(false_positives: np.ndarray, clip: np.ndarray) -> np.ndarray:
    """Return (changes,): the rise, at each change, of the fewest false positives its clip has there or later."""
    rises = np.zeros(len(clip))
    by_clip = np.argsort(clip, kind="stable")
    for changes in np.split(by_clip, np.flatnonzero(np.diff(clip[by_clip])) + 1):
        fewest = np.minimum.accumulate(np.cumsum(false_positives[changes])[::-1])[::-1]
        rises[changes] = np.diff(fewest, prepend=0)
    return rises


def _num_steps(changes: ClassChanges, weights: np.ndarray, per_hour: np.ndarray, max_efpr: float) -> int:
    """Return how many steps, from the first, can lie on a curve: later ones have too many errors in every resample.

    False positives do not only rise as the threshold falls, because detections merge; their floors do.
    """
    floors = np.cumsum(weights.take(changes.floor_clip, axis=1) * changes.floor_rises, axis=1)
    lowest = (floors * per_hour[:, None]).min(axis=0)
    beyond = np.searchsorted(lowest, max_efpr, side="right")
    return changes.floor_steps[beyond] if beyond < len(lowest) else len(changes.step_ends)


def _curve_points(
    changes: ClassChanges, weights: np.ndarray, error_rates: np.ndarray, max_efpr: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return (resamples, runs) twice: effective false positives per hour, in no order, and true positives."""
    num_steps = _num_steps(changes, weights, error_rates[:, 0], max_efpr)
    starts = changes.run_starts[: np.searchsorted(changes.run_starts, num_steps)]
    rates, hits = np.zeros((2, len(weights), len(starts)))
    if not len(starts):
        return rates, hits
    step_ends, hit_ends = changes.step_ends[:num_steps], changes.run_hit_ends[: len(starts)]
    clip, errors = changes.clip[: step_ends[-1] + 1], changes.errors[:, : step_ends[-1] + 1]
    hit_clip, new_hits = changes.hit_clip[: hit_ends[-1] + 1], changes.hits[: hit_ends[-1] + 1]
    size = max(1, CHUNK // len(clip))
    for start in range(0, len(weights), size):
        rows = slice(start, start + size)
        totals = weights[rows].take(clip, axis=1)
        totals *= error_rates[rows] @ errors
        np.cumsum(totals, axis=1, out=totals)
        np.minimum.reduceat(totals[:, step_ends], starts, axis=1, out=rates[rows])
        found = np.cumsum(weights[rows].take(hit_clip, axis=1) * new_hits, axis=1)
        hits[rows] = found[:, hit_ends]
    return rates, hits


def _areas(points: Sequence[tuple[np.ndarray, np.ndarray]], num_events: np.ndarray, scenario: Scenario) -> np.ndarray:
    """Return (1 + classes,) areas of one resample from the points (rates, true positives) of each class's curve.

    A class's curve at a rate is the largest true positive ratio it reaches with no higher rate.
    """
    areas = np.full(1 + len(points), np.nan)
    present = np.flatnonzero(num_events)
    inside = [points[k][0] < scenario.max_efpr for k in present]
    rates = np.concatenate([points[k][0][keep] for k, keep in zip(present, inside, strict=True)])
    ratios = np.concatenate([points[k][1][keep] / num_events[k] for k, keep in zip(present, inside, strict=True)])
    row = np.repeat(np.arange(len(present)), [np.count_nonzero(keep) for keep in inside])

    rising = np.argsort(rates)
    curves = np.zeros((len(present), len(rates)))
    curves[row[rising], np.arange(len(rates))] = ratios[rising]
    np.maximum.accumulate(curves, axis=1, out=curves)
    widths = np.diff(rates[rising], append=scenario.max_efpr)
    effective = np.maximum(curves.mean(axis=0) - scenario.alpha_st * curves.std(axis=0), 0)
    areas[0] = effective @ widths
    areas[1 + present] = curves @ widths
    return areas / scenario.max_efpr
