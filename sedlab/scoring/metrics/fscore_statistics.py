"""What each clip adds to F1 at a fixed threshold, so that the F1 of any resample of the clips is a weighted sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.labels import DESED_CLASSES
from sedlab.scoring.metrics.fscores import THRESHOLD, Collar, Intersection
from sedlab.scoring.metrics.psds import event_lists, scored_events
from sedlab.scoring.metrics.psds_statistics import NO_EVENT
from sedlab.scoring.scores.tables import ScoreTables, check_classes, check_clips, sed_scores_eval, select_classes


@dataclass(frozen=True, eq=False)
class FscoreStatistics:
    """Counts of one system, from which ``evaluate`` computes F1 of any resample of the clips."""

    units: tuple[str, ...]
    """What is resampled: the clips with at least one event."""
    classes: tuple[str, ...]
    """The classes with at least one event."""
    missing_classes: tuple[str, ...]
    """Classes without event: they have no value."""
    hits: np.ndarray
    """(clips, classes) true positives."""
    false_alarms: np.ndarray
    """(clips, classes) detections that are wrong."""
    num_events: np.ndarray
    """(clips, classes) events."""

    def evaluate(self, weights: np.ndarray) -> np.ndarray:
        """Return F1 of resamples, (resamples, 1 + classes): the mean over classes, then each class alone.

        Equals ``fscores`` at the threshold on a data set in which each clip occurs as often as its weight says. A class
        without event in a resample is nan there and left out of the mean.

        Parameters
        ----------
        weights : (resamples, clips)
            How often each clip was drawn.
        """
        weights = np.asarray(weights, dtype=np.float64)
        hits, false_alarms, num_events = (
            weights @ counts for counts in (self.hits, self.false_alarms, self.num_events)
        )
        known = num_events > 0
        f1 = np.divide(2 * hits, hits + false_alarms + num_events, out=np.full(hits.shape, np.nan), where=known)
        mean = np.where(known, f1, 0.0).sum(axis=1) / known.sum(axis=1)
        return np.column_stack((mean, f1))


def fscore_statistics(
    scores: ScoreTables,
    events: pd.DataFrame,
    *,
    classes: Sequence[str] = DESED_CLASSES,
    criterion: Collar | Intersection = Collar(),  # noqa: B008 (frozen)
    threshold: float = THRESHOLD,
) -> FscoreStatistics:
    """Count hits and false alarms of each clip at ``threshold``.

    Arguments and errors are those of ``fscores``; that no class has an event is one more.
    """
    check_classes(scores, classes)
    events = scored_events(events, classes)
    present = sorted(set(events["label"]))
    if not present:
        raise SedlabError(NO_EVENT)
    ground_truth = event_lists(events)
    clip_ids = list(ground_truth)
    check_clips(scores, clip_ids)
    library = sed_scores_eval()
    based = library.collar_based if isinstance(criterion, Collar) else library.intersection_based
    detections = select_classes(scores, clip_ids, present)
    for table in detections.values():
        # Two levels only, so that the library does not count at every other threshold as well.
        table[present] = (table[present] > threshold).astype(np.float64)
    deltas = based.intermediate_statistics_deltas(detections, ground_truth, **vars(criterion), num_jobs=1)

    def counts(kind: str) -> np.ndarray:
        return np.array(
            [
                [changes[kind][levels > 0].sum() for levels, changes in (deltas[clip_id][label] for label in present)]
                for clip_id in clip_ids
            ],
            dtype=np.float64,
        )

    num_events = events.groupby(["clip_id", "label"]).size().unstack(fill_value=0).loc[clip_ids, present]
    return FscoreStatistics(
        units=tuple(clip_ids),
        classes=tuple(present),
        missing_classes=tuple(label for label in classes if label not in present),
        hits=counts("tps"),
        false_alarms=counts("fps"),
        num_events=num_events.to_numpy(dtype=np.float64),
    )
