"""Segment-based mean partial AUROC (mpAUC) on MAESTRO Real.

A class's ROC curve runs over all one-second segments; its area up to a false positive rate of 0.1, divided by 0.1, is
averaged over 11 classes. The areas are those of sed_scores_eval 0.0.4: staircase interpolation, no McClish correction;
later versions interpolate linearly and give other values where scores tie.

Soft labels count as present above 0.5. Two variants exist in the published system, which this module keeps apart:
``segment_mpauc`` for testing puts overlapping clips back into their recording, ``validation_mpauc`` scores clip by
clip.

Source: DCASE 2024 Task 4 baseline, arXiv 2406.08056; code of the CP-JKU system, arXiv 2408.00791.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.labels import MAESTRO_EVAL_CLASSES
from sedlab.scoring.score_tables import (
    ScoreTables,
    check_classes,
    check_clips,
    merge_touching,
    sed_scores_eval,
    table_times,
)

MIN_CONFIDENCE = 0.5
MAX_FPR = 0.1
SEGMENT_SECONDS = 1.0


@dataclass(frozen=True, eq=False)
class RocCurve:
    """A ROC curve over segments, a staircase."""

    fpr: np.ndarray
    tpr: np.ndarray


@dataclass(frozen=True, eq=False)
class MpaucResult:
    """Mean partial AUROC, the value of each class, and the curves."""

    overall: float
    """Mean over the classes that have a value; nan when none has."""
    per_class: dict[str, float]
    """Nan for a class that is present in no segment, or in all of them."""
    curves: dict[str, RocCurve] = field(repr=False)
    missing_classes: tuple[str, ...] = ()
    """Classes left out of ``overall``."""
    num_segments: int = 0


def segment_mpauc(
    scores: ScoreTables,
    clips: pd.DataFrame,
    events: pd.DataFrame,
    *,
    classes: Sequence[str] = MAESTRO_EVAL_CLASSES,
) -> MpaucResult:
    """Score whole recordings of which ``clips`` are overlapping windows.

    The score of a second is the mean over the clips that contain it of the clip's duration-weighted mean score there;
    a second in no clip scores 0. Events are moved to recording time and joined where they overlap or touch, so that
    windows that see the same event count it once.

    Parameters
    ----------
    scores : {clip id: score table}
    clips : DataFrame
        clip_id, recording, recording_onset (seconds), duration (seconds). A recording ends where its last clip ends.
    events : DataFrame
        clip_id, onset, offset (seconds within the clip), label, confidence.
    classes : sequence of str

    Raises
    ------
    SedlabError
        When a clip has no scores or a class no score column.
    """
    _check_not_empty(clips)
    check_classes(scores, classes)
    check_clips(scores, list(clips["clip_id"]))
    ends = (clips["recording_onset"] + clips["duration"]).groupby(clips["recording"]).max()
    durations = {recording: float(end) for recording, end in ends.items()}

    events = _confident(events, classes).merge(clips[["clip_id", "recording", "recording_onset"]], on="clip_id")
    events = events.assign(
        onset=events["onset"] + events["recording_onset"], offset=events["offset"] + events["recording_onset"]
    )
    tables = overlap_add(scores, clips, durations, classes)
    return _partial_auroc(tables, merge_touching(events, ["recording"]), durations, classes)


def validation_mpauc(
    scores: ScoreTables, events: pd.DataFrame, *, classes: Sequence[str] = MAESTRO_EVAL_CLASSES
) -> MpaucResult:
    """Score clip by clip, as the published system does for model selection.

    Differs from ``segment_mpauc``: a segment takes the largest frame score within it, a clip ends with its last
    confident event, and clips without one are left out.

    Parameters
    ----------
    scores : {clip id: score table}
    events : DataFrame
        clip_id, onset, offset (seconds), label, confidence.
    classes : sequence of str
    """
    check_classes(scores, classes)
    events = merge_touching(_confident(events, classes), ["clip_id"]).rename(columns={"clip_id": "recording"})
    durations = {clip_id: float(end) for clip_id, end in events.groupby("recording")["offset"].max().items()}
    check_clips(scores, list(durations))
    tables = {clip_id: scores[clip_id][["onset", "offset", *classes]] for clip_id in durations}
    return _partial_auroc(tables, events, durations, classes)


def overlap_add(
    scores: ScoreTables, clips: pd.DataFrame, durations: Mapping[str, float], classes: Sequence[str]
) -> ScoreTables:
    """Return {recording: score table of one-second segments}, the mean over the clips that cover a segment."""
    sums = {recording: np.zeros((_num_segments(end), len(classes))) for recording, end in durations.items()}
    counts = {recording: np.zeros(len(total)) for recording, total in sums.items()}
    weights_of: dict[tuple[bytes, int], np.ndarray] = {}  # all clips of one grid share the weights
    # In a fixed order, so that the sums do not depend on the order of the table.
    for clip in clips.sort_values(["recording", "recording_onset", "clip_id"]).itertuples():
        table = scores[clip.clip_id]
        times, num_segments = table_times(table), _num_segments(clip.duration)
        key = (times.tobytes(), num_segments)
        if key not in weights_of:
            weights_of[key] = segment_weights(times, num_segments)
        segments = weights_of[key] @ table[list(classes)].to_numpy()
        first = int(clip.recording_onset)
        last = min(first + num_segments, len(counts[clip.recording]))
        sums[clip.recording][first:last] += segments[: last - first]
        counts[clip.recording][first:last] += 1
    tables = {}
    for recording, total in sums.items():
        times = np.arange(len(total) + 1) * SEGMENT_SECONDS
        times[-1] = durations[recording]
        means = total / np.maximum(counts[recording], 1)[:, None]
        tables[recording] = pd.DataFrame(
            np.column_stack((times[:-1], times[1:], means)), columns=["onset", "offset", *classes]
        )
    return tables


def segment_weights(times: np.ndarray, num_segments: int) -> np.ndarray:
    """Return (num_segments, rows): the part that each row of a score table has in the mean of each one-second segment.

    A segment beyond the last row has weights 0.
    """
    starts = np.arange(num_segments)[:, None] * SEGMENT_SECONDS
    overlap = np.minimum(times[1:], starts + SEGMENT_SECONDS) - np.maximum(times[:-1], starts)
    overlap = np.maximum(overlap, 0.0)
    covered = overlap.sum(axis=1, keepdims=True)
    return np.divide(overlap, covered, out=np.zeros_like(overlap), where=covered > 0)


def _partial_auroc(
    tables: ScoreTables, events: pd.DataFrame, durations: Mapping[str, float], classes: Sequence[str]
) -> MpaucResult:
    present = [label for label in classes if label in set(events["label"])]
    num_segments = sum(_num_segments(end) for end in durations.values())
    if not present:
        return MpaucResult(np.nan, dict.fromkeys(classes, np.nan), {}, tuple(classes), num_segments)
    ground_truth: dict[str, list] = {recording: [] for recording in tables}
    for row in events[["recording", "onset", "offset", "label"]].itertuples(index=False, name=None):
        ground_truth[row[0]].append(row[1:])
    # A class present in every segment has no false positive rate: 0/0 gives nan, which is what it should be.
    with np.errstate(invalid="ignore"):
        areas, curves = sed_scores_eval().segment_based.auroc(
            {recording: table[["onset", "offset", *present]] for recording, table in tables.items()},
            ground_truth,
            dict(durations),
            segment_length=SEGMENT_SECONDS,
            max_fpr=MAX_FPR,
            num_jobs=1,
        )
    per_class = {label: float(areas.get(label, np.nan)) for label in classes}
    known = {label: value for label, value in per_class.items() if not np.isnan(value)}
    return MpaucResult(
        overall=float(np.mean(list(known.values()))) if known else np.nan,
        per_class=per_class,
        curves={label: RocCurve(fpr=curves[label][1], tpr=curves[label][0]) for label in known},
        missing_classes=tuple(label for label in classes if label not in known),
        num_segments=num_segments,
    )


def _confident(events: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    keep = events["label"].isin(list(classes)) & (events["confidence"] > MIN_CONFIDENCE)
    return events[keep & (events["offset"] > events["onset"])][["clip_id", "onset", "offset", "label"]]


def _num_segments(duration: float) -> int:
    # Rounded first: 10.000000000000002 s, a sum of floats, is 10 segments.
    return int(np.ceil(round(duration / SEGMENT_SECONDS, 6)))


def _check_not_empty(clips: pd.DataFrame) -> None:
    if clips.empty or (clips["recording"] == "").any():
        raise SedlabError(
            "mpAUC: there are clips without recording name. Use it on MAESTRO subsets, which are cut from recordings."
        )
