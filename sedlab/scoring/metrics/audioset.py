"""How pre-training on AudioSet-strong is scored: PSDS1 averaged over a large label space.

Hundreds of classes differ much in how easy they are, so the spread over classes is not taken off (alpha_st = 0): the
value is the mean of the single-class scores. Median filter of 9 frames of 40 ms. What is scored are the classes that
both parts of AudioSet strong have, 407 in the real one: of the 416 of its evaluation part, 9 are never trained.

Almost every clip is without almost every class. There, a detection can only be false, and how many there are at a
threshold follows from where scores rise; only the few clips with a class need intersections. Nor do thresholds matter
at which there are more false alarms than PSDS looks at.

Source: PretrainedSED, arXiv 2409.09546, and its public code.
Shape letters: N clips, T frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sedlab.data.corpora.audioset_classes import is_trained
from sedlab.data.tables import Corpus
from sedlab.postprocess.median import median_filter
from sedlab.scoring.metrics.changes import Changes
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.psds import PSDS1, SECONDS_PER_HOUR, curve_of_points, points_of_changes, psds_of_curves
from sedlab.scoring.scores.file import ScoreFile
from sedlab.scoring.scores.tables import score_tables

MEDIAN_FRAMES = 9
SCENARIO = replace(PSDS1, alpha_st=0.0)

#: Classes filtered at a time: all 447 of all clips would be gigabytes again.
_BLOCK_CLASSES = 16


@dataclass(frozen=True)
class AudiosetScore:
    """PSDS1 of a label space."""

    overall: float
    """Mean of the classes that have a value; nan when none has."""
    per_class: dict[str, float]
    """nan for a class without ground-truth event."""
    missing_classes: tuple[str, ...] = ()
    """Classes without ground-truth event: left out of ``overall``."""
    num_clips: int = 0
    """Clips scored: those with at least one event."""


def audioset_psds1(scores: ScoreFile, corpus: Corpus, *, classes: Sequence[str] | None = None) -> AudiosetScore:
    """Return PSDS1 of ``scores`` on the clips of ``corpus``.

    Parameters
    ----------
    scores : ScoreFile
        Must hold every clip of the corpus.
    corpus : Corpus
        One subset with strong labels of the scored label space; clips without event of ``classes`` do not count.
    classes : sequence of str, optional
        The classes to score; default those of the scores but the 9 that only the evaluation part has. Those without
        event are left out of the mean and listed.

    Raises
    ------
    SedlabError
        When a clip has no scores or no duration, or a class no score column.
    """
    classes = tuple(filter(is_trained, scores.classes) if classes is None else classes)
    counted = CountedEvents.of({}, corpus.events, corpus.durations, classes)
    durations = counted.seconds
    by_class = dict(list(counted.events.groupby("label")))
    values = {
        label: _class_psds(frames, label, by_class[label], durations, scores.frame_times)
        for label, frames in _filtered(scores, counted.clip_ids, [label for label in classes if label in by_class])
    }
    return AudiosetScore(
        overall=float(np.mean(list(values.values()))) if values else np.nan,
        per_class={label: values.get(label, np.nan) for label in classes},
        missing_classes=counted.missing_classes,
        num_clips=len(counted.clip_ids),
    )


def _filtered(scores: ScoreFile, clip_ids: list[str], classes: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each class with its median-filtered probabilities (N, T)."""
    for start in range(0, len(classes), _BLOCK_CLASSES):
        block = classes[start : start + _BLOCK_CLASSES]
        filtered = median_filter(scores.select(clip_ids, block).probabilities, MEDIAN_FRAMES)
        yield from zip(block, np.moveaxis(filtered, -1, 0), strict=True)


def _class_psds(
    frames_NT: np.ndarray, label: str, events: pd.DataFrame, durations: Mapping[str, float], frame_times: np.ndarray
) -> float:
    """Return PSDS1 of one class; rows of ``frames_NT`` are in the order of ``durations``."""
    has_event = np.isin(list(durations), events["clip_id"])
    heard = [clip_id for clip_id, has in zip(durations, has_event, strict=True) if has]
    tables = score_tables(frames_NT[has_event][..., None], heard, (label,), frame_times)
    counted = CountedEvents(tables, events, (label,), durations)
    changes, seconds = counted.changes(SCENARIO, label), sum(counted.seconds.values())
    if not has_event.all():
        enough = int(SCENARIO.max_efpr * sum(durations.values()) / SECONDS_PER_HOUR) + 1
        changes = _with_false_alarms(changes, *_false_alarm_changes(frames_NT[~has_event], enough))
        # In two parts, as the library adds them up.
        seconds += sum(durations.values()) - seconds
    points = points_of_changes(changes, counted.num_events[label], seconds, SCENARIO, {})
    return psds_of_curves(counted, {label: curve_of_points(points, SCENARIO)}, SCENARIO).overall


def _with_false_alarms(changes: Changes, thresholds: np.ndarray, false_alarms: np.ndarray) -> Changes:
    """Return the changes with those of clips without event, which are counted as one clip."""
    return Changes(
        clip=np.append(changes.clip, np.full(len(thresholds), changes.clip[-1] + 1)),
        threshold=np.append(changes.threshold, thresholds),
        hits=np.append(changes.hits, np.zeros(len(thresholds))),
        false_alarms=np.append(changes.false_alarms, false_alarms),
        cross={},
    )


def _false_alarm_changes(frames_NT: np.ndarray, enough: int) -> tuple[np.ndarray, np.ndarray]:
    """Return thresholds and by how much false alarms change when the threshold falls to them, in clips without events.

    A detection begins where the score reaches the threshold and the one before did not: each rise from a to b is a
    detection for thresholds in (a, b]. A clip whose highest score reaches the threshold has one at least, at all lower
    thresholds too: below the one at which ``enough`` clips have, changes are left out.
    """
    highest = frames_NT.max(axis=1)
    lowest = np.partition(highest, -enough)[-enough] if enough < len(highest) else -np.inf
    frames_NT = frames_NT[highest >= lowest].astype(float)
    before = np.pad(frames_NT[:, :-1], ((0, 0), (1, 0)), constant_values=-np.inf)
    rises = (frames_NT > before) & (frames_NT >= lowest)
    to, since = frames_NT[rises], before[rises]
    since = since[(since > -np.inf) & (since >= lowest)]
    thresholds, place = np.unique(np.concatenate((to, since)), return_inverse=True)
    steps = np.concatenate((np.ones(len(to)), -np.ones(len(since))))
    return thresholds, np.bincount(place, weights=steps, minlength=len(thresholds))
