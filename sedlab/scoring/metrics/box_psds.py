"""PSDS of single classes from event boxes, exact and fast enough to search parameters with.

The extent of a box does not depend on the decision threshold. So whether a box is a valid detection is decided once,
and as the threshold falls an event, once found, stays found. Each event then loses to the false positives that are more
confident than what completes it, and the area under the PSD-ROC curve is a mean over events.

Criteria and their rounding are those of sed_scores_eval 0.0.4 (arXiv 2201.13148), without cross triggers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sedlab.errors import SedlabError
from sedlab.postprocess.csebbs import TIME_DECIMALS, Candidates
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.psds import SECONDS_PER_HOUR, Scenario


@dataclass(frozen=True, eq=False)
class TruthTracks:
    """Ground truth of classes in clips; a track is one class in one clip, ``class * clips + clip``."""

    clip_ids: tuple[str, ...]
    """The clips with at least one event, the only ones that count."""
    classes: tuple[str, ...]
    track: np.ndarray
    """(events,) by track and then by onset; events of a track do not touch."""
    onset: np.ndarray
    """(events,) seconds"""
    offset: np.ndarray
    """(events,) seconds"""
    duration: float
    """Of all clips, seconds."""

    def num_events(self) -> np.ndarray:
        """Return the number of events of each class."""
        return np.bincount(self.track // len(self.clip_ids), minlength=len(self.classes))


@dataclass(frozen=True, eq=False)
class CandidateOverlaps:
    """What of the ground truth lies around the edges of candidates; that of a merged box follows by difference."""

    covered_before_onset: np.ndarray
    """(candidates,) seconds of ground truth of the track up to the onset"""
    covered_before_offset: np.ndarray
    """(candidates,) seconds of ground truth of the track up to the offset"""
    first_event: np.ndarray
    """(candidates,) index of the first event that ends after the onset"""
    stop_event: np.ndarray
    """(candidates,) index behind the last event that begins before the offset"""


def truth_tracks(counted: CountedEvents) -> TruthTracks:
    """Return the events that count by track; SedlabError when there is none, or a clip with one has no duration."""
    rows, clip_ids, classes = counted.events, tuple(counted.clip_ids), counted.classes
    if rows.empty:
        raise SedlabError("ground truth: no event of the classes to tune. Check its labels and clips.")
    clip = rows["clip_id"].map({clip_id: index for index, clip_id in enumerate(clip_ids)}).to_numpy()
    label = rows["label"].map({name: index for index, name in enumerate(classes)}).to_numpy()
    track = label * len(clip_ids) + clip
    onset, offset = rows["onset"].to_numpy(dtype=float), rows["offset"].to_numpy(dtype=float)
    order = np.lexsort((onset, track))
    return TruthTracks(
        clip_ids=clip_ids,
        classes=classes,
        track=track[order],
        onset=onset[order],
        offset=offset[order],
        duration=sum(counted.seconds.values()),
    )


def candidate_overlaps(candidates: Candidates, truth: TruthTracks) -> CandidateOverlaps:
    """Return what the statistics of merged boxes are differences of."""
    # Tracks one after the other on one time axis, so that one search serves all.
    length = 1.0 + max(candidates.offset.max(), truth.offset.max())
    begins, ends = truth.track * length + truth.onset, truth.track * length + truth.offset
    seconds = np.append(0.0, np.cumsum(truth.offset - truth.onset))

    def covered_before(time: np.ndarray) -> np.ndarray:
        begun = np.searchsorted(begins, candidates.track * length + time)
        last = np.maximum(begun - 1, 0)
        to_come = np.where(truth.track[last] == candidates.track, truth.offset[last] - time, 0.0)
        return seconds[begun] - np.where(begun > 0, np.maximum(to_come, 0.0), 0.0)

    return CandidateOverlaps(
        covered_before_onset=covered_before(candidates.onset),
        covered_before_offset=covered_before(candidates.offset),
        first_event=np.searchsorted(ends, candidates.track * length + candidates.onset, side="right"),
        stop_event=np.searchsorted(begins, candidates.track * length + candidates.offset, side="left"),
    )


def box_psds(
    candidates: Candidates,
    first: np.ndarray,
    last: np.ndarray,
    overlaps: CandidateOverlaps,
    truth: TruthTracks,
    scenario: Scenario,
) -> np.ndarray:
    """Return the PSDS of each class alone, (classes,), in a scenario without cross triggers; nan where it has no event.

    ``first`` and ``last`` (boxes,) are the first and the last candidate of every box.
    """
    onset, offset = candidates.onset[first], candidates.offset[last]
    confidence = candidates.confidence(first, last)
    covered = overlaps.covered_before_offset[last] - overlaps.covered_before_onset[first]
    valid = _reaches(covered, scenario.dtc_threshold * (offset - onset))

    event, part, found_by = _overlapping_events(
        onset[valid],
        offset[valid],
        confidence[valid],
        overlaps.first_event[first[valid]],
        overlaps.stop_event[last[valid]],
        truth,
    )
    found_at = _completing_confidence(event, part, found_by, scenario.gtc_threshold * (truth.offset - truth.onset))

    max_errors = scenario.max_efpr * truth.duration / SECONDS_PER_HOUR
    box_class = candidates.track[first] // len(truth.clip_ids)
    event_class = truth.track // len(truth.clip_ids)
    values = np.full(len(truth.classes), np.nan)
    for k in np.unique(event_class):
        wrong = np.sort(confidence[~valid & (box_class == k)])
        errors = len(wrong) - np.searchsorted(wrong, found_at[event_class == k])
        # An event never found has more errors before it than there are boxes.
        lost = np.where(np.isnan(found_at[event_class == k]), np.inf, errors / max_errors)
        values[k] = np.maximum(1.0 - lost, 0.0).mean()
    return values


def _reaches(seconds: np.ndarray, needed: np.ndarray) -> np.ndarray:
    return np.round(seconds, TIME_DECIMALS) >= np.round(needed, TIME_DECIMALS)


def _overlapping_events(
    onset: np.ndarray,
    offset: np.ndarray,
    confidence: np.ndarray,
    first_event: np.ndarray,
    stop_event: np.ndarray,
    truth: TruthTracks,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, for each pair of a box and an event in it: the event, the seconds they share, the box's confidence."""
    counts = np.maximum(stop_event - first_event, 0)
    box = np.repeat(np.arange(len(onset)), counts)
    event = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first_event[box]
    shared = np.minimum(offset[box], truth.offset[event]) - np.maximum(onset[box], truth.onset[event])
    return event, shared, confidence[box]


def _completing_confidence(
    event: np.ndarray, part: np.ndarray, confidence: np.ndarray, needed: np.ndarray
) -> np.ndarray:
    """Return for each event the confidence of the box that completes it, taking the surest first; nan for none."""
    found_at = np.full(len(needed), np.nan)
    order = np.lexsort((-confidence, event))
    event, confidence, total = event[order], confidence[order], np.cumsum(part[order])
    starts = np.flatnonzero(np.diff(event, prepend=-1))
    before = np.append(0.0, total)[starts]
    total -= np.repeat(before, np.diff(np.append(starts, len(event))))
    complete = np.flatnonzero(_reaches(total, needed[event]))
    # The first of each event: written last, so it stays.
    found_at[event[complete[::-1]]] = confidence[complete[::-1]]
    return found_at
