"""Change-detection-based sound event bounding boxes (cSEBBs): events with a confidence, instead of frame scores.

A frame threshold fixes how sure one must be and, with it, where events begin and end. Boxes keep the two apart: extents
come from where the scores change, and one confidence a box is left to be thresholded.

Method: Ebbers, Germain, Wichern and Le Roux, "Sound Event Bounding Boxes", arXiv 2406.04212, section 4. The edges,
margins and ties are those of the published results, found by comparing outputs.

Shape letters: N tracks (a track is the scores of one class in one clip), T frames, P breakpoints, E candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sedlab.errors import SedlabError

#: Added to the largest score of events and the smallest of gaps, so that a ratio between tiny scores stays tame.
SCORE_MARGIN = 1e-3
#: Added to the duration (seconds) a confidence is divided by, where a track has more than one candidate.
DURATION_MARGIN = 1e-6
#: Boundaries are kept to the microsecond.
TIME_DECIMALS = 6
#: Changes that agree in so many decimals are equal: what is left there is rounding noise.
CHANGE_DECIMALS = 10


@dataclass(frozen=True, eq=False)
class Boxes:
    """Events of many tracks, by track and then by onset; all arrays (boxes,)."""

    track: np.ndarray
    onset: np.ndarray
    """Seconds."""
    offset: np.ndarray
    confidence: np.ndarray
    """Mean score over the box, weighted by duration."""

    @classmethod
    def joined(cls, parts: Sequence[Boxes]) -> Boxes:
        """Return the boxes of several sets of tracks by track; those of a track stay in their order."""
        track = np.concatenate([boxes.track for boxes in parts])
        order = np.argsort(track, kind="stable")
        return cls(*(np.concatenate([getattr(boxes, name) for boxes in parts])[order] for name in vars(parts[0])))


@dataclass(frozen=True, eq=False)
class Candidates:
    """Events between a rise and the following fall of the scores, before merging; by track and then by onset."""

    track: np.ndarray
    """(E,) int"""
    onset: np.ndarray
    """(E,) seconds"""
    offset: np.ndarray
    """(E,) seconds"""
    area_before_onset: np.ndarray
    """(E,) integral of the track's scores up to the onset"""
    area_before_offset: np.ndarray
    """(E,) integral of the track's scores up to the offset"""
    duration_margin: np.ndarray
    """(E,) ``DURATION_MARGIN``, or 0 for the only candidate of a track"""
    depth: np.ndarray
    """(E - 1,) how far the score falls between a candidate and the next, from the larger of their maxima"""
    ratio: np.ndarray
    """(E - 1,) by what factor it falls; both are infinite between tracks"""

    def merge(self, absolute: np.ndarray | float, relative: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and the last candidate of every box.

        Neighbours are joined where the score between them falls by less than ``absolute`` and by a factor less than
        ``relative``, numbers or one per track; infinity switches a criterion off. Joining only ever raises the maximum
        of an event, so what holds for neighbours decides, and all gaps can be judged at once.
        """
        if np.ndim(absolute):
            absolute = absolute[self.track[:-1]]
        if np.ndim(relative):
            relative = relative[self.track[:-1]]
        apart = ~((self.depth < absolute) & (self.ratio < relative))
        return np.flatnonzero(np.append(True, apart)), np.flatnonzero(np.append(apart, True))

    def confidence(self, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Return the mean score from the onsets of ``first`` to the offsets of ``last``."""
        area = self.area_before_offset[last] - self.area_before_onset[first]
        return area / (self.offset[last] - self.onset[first] + self.duration_margin[first])

    def boxes(self, absolute: np.ndarray | float, relative: np.ndarray | float) -> Boxes:
        """Return the merged events."""
        first, last = self.merge(absolute, relative)
        return Boxes(self.track[first], self.onset[first], self.offset[last], self.confidence(first, last))


def csebbs(
    probabilities: np.ndarray,
    frame_times: np.ndarray,
    step: float | np.ndarray,
    absolute: float | np.ndarray = np.inf,
    relative: float | np.ndarray = np.inf,
) -> Boxes:
    """Return the boxes of every clip and class, at least one each; ``track`` is ``clip * classes + class``.

    Parameters
    ----------
    probabilities : (clips, frames, classes) float
        In [0, 1].
    frame_times : (frames + 1,) float
        Boundaries in seconds.
    step : float, or one per class
        Length of the step filter in seconds: a boundary is where the mean scores over the ``step / 2`` seconds before
        and after it differ most.
    absolute, relative : float, or one per class
        Merging thresholds, see ``Candidates.merge``.

    Raises
    ------
    SedlabError
        For a shape that does not fit, a score that is not in [0, 1], a step that is not positive.
    """
    num_clips, num_frames, num_classes = probabilities.shape
    rows = np.ascontiguousarray(probabilities.transpose(0, 2, 1), dtype=np.float64).reshape(-1, num_frames)
    of_track = np.tile(np.arange(num_classes), num_clips)
    steps, absolutes, relatives = (
        np.broadcast_to(np.asarray(value, dtype=float), (num_classes,))[of_track]
        for value in (step, absolute, relative)
    )
    parts = []
    for length in np.unique(steps):
        chosen = np.flatnonzero(steps == length)
        boxes = find_candidates(rows[chosen], frame_times, length).boxes(absolutes[chosen], relatives[chosen])
        parts.append(Boxes(chosen[boxes.track], boxes.onset, boxes.offset, boxes.confidence))
    return Boxes.joined(parts)


def find_candidates(tracks: np.ndarray, frame_times: np.ndarray, step: float) -> Candidates:
    """Return the candidate events of tracks (N, T): from each local maximum of the change to the next local minimum.

    The change at a time is the mean score over the half step after it minus that over the half step before it; beyond
    the clip scores are 0. Between breakpoints (frame boundaries, and those half a step away from one) it is linear, so
    its extrema lie on them. A level stretch counts as falling.
    """
    tracks = np.asarray(tracks, dtype=np.float64)
    times = np.round(np.asarray(frame_times, dtype=np.float64), TIME_DECIMALS)
    _check(tracks, times, step)
    half = step / 2
    points = np.unique(np.round(np.concatenate((times - half, times, times + half)), TIME_DECIMALS))
    points = points[(points >= times[0]) & (points <= times[-1])]

    cumulative = np.zeros((len(tracks), len(times)))
    np.cumsum(tracks * np.diff(times), axis=1, out=cumulative[:, 1:])
    area = _area_before(tracks, cumulative, times, points)
    change = _area_before(tracks, cumulative, times, points + half) - 2 * area
    change += _area_before(tracks, cumulative, times, points - half)
    change = np.round(change / half, CHANGE_DECIMALS)

    falls = np.zeros((len(tracks), len(points) + 1), dtype=bool)
    np.less_equal(change[:, 1:], change[:, :-1], out=falls[:, 1:-1])
    # Row by row, so the n-th onset belongs to the n-th offset.
    track, begin = np.nonzero(falls[:, 1:] & ~falls[:, :-1])
    _, end = np.nonzero(falls[:, :-1] & ~falls[:, 1:])

    frame_from = np.searchsorted(times, points, side="right") - 1
    frame_to = np.searchsorted(times, points, side="left")
    start = track * tracks.shape[1]
    top = _reduce(np.maximum, tracks, start + frame_from[begin], start + frame_to[end])
    top = np.maximum(top[:-1], top[1:]) + SCORE_MARGIN
    same = track[:-1] == track[1:]
    bottom = _reduce(np.minimum, tracks, start[:-1] + frame_from[end[:-1]], start[1:] + frame_to[begin[1:]])
    bottom += SCORE_MARGIN
    alone = np.bincount(track, minlength=len(tracks))[track] == 1
    return Candidates(
        track=track,
        onset=points[begin],
        offset=points[end],
        area_before_onset=area[track, begin],
        area_before_offset=area[track, end],
        duration_margin=np.where(alone, 0.0, DURATION_MARGIN),
        depth=np.where(same, top - bottom, np.inf),
        ratio=np.where(same, top / bottom, np.inf),
    )


def segment_boxes(probabilities: np.ndarray, frame_times: np.ndarray) -> Boxes:
    """Return one box for every second, clip and class, with the mean score of that second.

    The published treatment of classes that are scored in segments of one second. Arguments and ``track`` are those of
    ``csebbs``; the last box ends with the clip.

    Raises
    ------
    SedlabError
        For a score that is not in [0, 1].
    """
    times = np.round(np.asarray(frame_times, dtype=np.float64), TIME_DECIMALS)
    num_clips, _, num_classes = probabilities.shape
    _check_scores(probabilities)
    onset = np.arange(np.ceil(times[-1]))
    offset = np.minimum(onset + 1, times[-1])
    means = np.empty((num_clips, num_classes, len(onset)))
    first = np.searchsorted(times, onset, side="right") - 1
    stop = np.searchsorted(times, offset, side="left")
    # A second at a time: all weights at once would be large for an hour of audio.
    for k in range(len(onset)):
        inside = slice(first[k], stop[k])
        seconds = np.minimum(times[1:][inside], offset[k]) - np.maximum(times[:-1][inside], onset[k])
        means[:, :, k] = (seconds / seconds.sum()) @ probabilities[:, inside]
    num_tracks = num_clips * num_classes
    return Boxes(
        track=np.repeat(np.arange(num_tracks), len(onset)),
        onset=np.tile(onset, num_tracks),
        offset=np.tile(offset, num_tracks),
        confidence=means.reshape(-1),
    )


def _area_before(tracks: np.ndarray, cumulative: np.ndarray, times: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return (N, P): the integral of each track up to the times ``at``, given that up to the frame boundaries."""
    at = np.clip(at, times[0], times[-1])
    frame = np.minimum(np.searchsorted(times, at, side="right") - 1, tracks.shape[1] - 1)
    return cumulative[:, frame] + tracks[:, frame] * (at - times[frame])


def _reduce(ufunc: np.ufunc, tracks: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Return ``ufunc`` over ``tracks.reshape(-1)[start:stop]`` for each pair."""
    if not len(start):
        return np.empty(0)
    # One value more, because an index may point behind the last one.
    values = np.append(tracks.reshape(-1), 0.0)
    return ufunc.reduceat(values, np.stack((start, stop), axis=1).reshape(-1))[::2]


def _check(tracks: np.ndarray, times: np.ndarray, step: float) -> None:
    if tracks.shape[1] != len(times) - 1 or not tracks.shape[1]:
        raise SedlabError(
            f"scores of {tracks.shape[1]} frames with {len(times)} frame boundaries. "
            "Give one boundary more than there are frames."
        )
    if not step > 0:
        raise SedlabError(f"step filter of {step} s. Its length must be positive.")
    _check_scores(tracks)


def _check_scores(scores: np.ndarray) -> None:
    if not ((scores >= 0) & (scores <= 1)).all():
        raise SedlabError("scores hold values that are not in [0, 1] (or nan). Boxes are made from probabilities.")
