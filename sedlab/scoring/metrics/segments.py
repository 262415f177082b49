"""What counts when seconds are scored, decided once: which of them there are, their scores, and what they hold.

Soft labels count as present above 0.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.labels import MAESTRO_EVAL_CLASSES, SOFT_THRESHOLD
from sedlab.scoring.scores.tables import ScoreTables, check_classes, check_clips, score_arrays


@dataclass(frozen=True, eq=False)
class CountedSegments:
    """Scores of one system for every second of some stretches of audio, beside what sounds there."""

    scores: dict[str, np.ndarray]
    """{recording or clip: (seconds, classes)}"""
    truth: dict[str, np.ndarray]
    """{recording or clip: (seconds, classes) bool}"""
    classes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        scores: ScoreTables,
        clips: pd.DataFrame,
        events: pd.DataFrame,
        classes: Sequence[str] = MAESTRO_EVAL_CLASSES,
        durations: Mapping[str, float] | None = None,
    ) -> CountedSegments:
        """Return the seconds of whole recordings of which ``clips`` are overlapping windows.

        The score of a second is the mean over the clips that contain it of the clip's duration-weighted mean score
        there; a second in no clip scores 0. It holds a class if any window has a confident event of it there.

        Parameters
        ----------
        clips : DataFrame
            clip_id, recording, recording_onset (whole seconds), duration (seconds).
        events : DataFrame
            clip_id, onset, offset (seconds within the clip), label, confidence.
        durations : {recording: seconds}, optional
            A recording that is not named ends where its last clip does.

        Raises
        ------
        SedlabError
            When a clip has no scores or no recording, or a class no score column.
        """
        if clips.empty or (clips["recording"] == "").any():
            raise SedlabError("mpAUC needs clips cut from recordings, and some name none. Use it on MAESTRO subsets.")
        check_classes(scores, classes)
        check_clips(scores, list(clips["clip_id"]))
        ends = (clips["recording_onset"] + clips["duration"]).groupby(clips["recording"]).max()
        known = durations or {}
        ends = {recording: max(float(end), known.get(recording, 0.0)) for recording, end in ends.items()}

        segments = overlap_add(scores, clips, ends, classes)
        confident = _confident(events, classes).merge(clips[["clip_id", "recording", "recording_onset"]], on="clip_id")
        confident["onset"] += confident["recording_onset"]
        confident["offset"] += confident["recording_onset"]
        truth = _segment_truth(confident, "recording", {name: len(rows) for name, rows in segments.items()}, classes)
        return cls(segments, truth, tuple(classes))

    @classmethod
    def of_validation(
        cls, scores: ScoreTables, events: pd.DataFrame, classes: Sequence[str] = MAESTRO_EVAL_CLASSES
    ) -> CountedSegments:
        """Return the seconds of each clip by itself, as the published system takes them for model selection.

        Differs from ``of``: a segment takes the largest frame score within it, a clip ends with its last confident
        event, and clips without one are left out.
        """
        check_classes(scores, classes)
        confident = _confident(events, classes)
        num_segments = {
            clip_id: _num_segments(end) for clip_id, end in confident.groupby("clip_id")["offset"].max().items()
        }
        check_clips(scores, list(num_segments))
        maxima = {}
        for clip_ids, times, values in score_arrays(scores, list(num_segments), classes):
            seconds = max(num_segments[clip_id] for clip_id in clip_ids)
            largest = np.stack(
                [values[:, rows].max(axis=1, initial=0.0) for rows in _rows_of_seconds(times, seconds)], axis=1
            )
            maxima |= {clip_id: rows[: num_segments[clip_id]] for clip_id, rows in zip(clip_ids, largest, strict=True)}
        truth = _segment_truth(confident, "clip_id", num_segments, classes)
        return cls({clip_id: maxima[clip_id] for clip_id in num_segments}, truth, tuple(classes))

    @property
    def units(self) -> list[str]:
        """The names of the stretches, sorted."""
        return sorted(self.scores)

    def stacked(self) -> tuple[np.ndarray, np.ndarray]:
        """Return scores and truth of all stretches one after the other, (seconds, classes) each."""
        nothing = np.empty((0, len(self.classes)))
        return (
            np.concatenate([nothing, *(self.scores[name] for name in self.units)]),
            np.concatenate([nothing.astype(bool), *(self.truth[name] for name in self.units)]),
        )


def overlap_add(
    scores: ScoreTables, clips: pd.DataFrame, durations: Mapping[str, float], classes: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return {recording: (seconds, classes)}: for each second the mean over the clips that contain it."""
    windows = {}
    for clip_ids, times, values in score_arrays(scores, list(clips["clip_id"]), classes):
        means = segment_means(times, values, _num_segments(times[-1]))
        windows |= dict(zip(clip_ids, means, strict=True))
    sums = {recording: np.zeros((_num_segments(end), len(classes))) for recording, end in durations.items()}
    counts = {recording: np.zeros((len(total), 1)) for recording, total in sums.items()}
    # In a fixed order, so that the sums do not depend on the order of the table.
    for clip in clips.sort_values(["recording", "recording_onset", "clip_id"]).itertuples():
        window = windows[clip.clip_id][: _num_segments(clip.duration)]
        inside = slice(int(clip.recording_onset), int(clip.recording_onset) + len(window))
        sums[clip.recording][inside] += window
        counts[clip.recording][inside] += 1
    return {recording: total / np.maximum(counts[recording], 1) for recording, total in sums.items()}


def segment_means(times: np.ndarray, values: np.ndarray, num_segments: int) -> np.ndarray:
    """Return (clips, num_segments, classes): the duration-weighted mean in each second of (clips, rows, classes).

    A second beyond the last row has 0. Rows are added one after the other: in a matrix product the order of sums, and
    with it which seconds have equal scores, would depend on the processor.
    """
    starts = np.arange(num_segments)[:, None]
    overlap = np.maximum(np.minimum(times[1:], starts + 1) - np.maximum(times[:-1], starts), 0.0)
    sums, covered = np.zeros((len(values), num_segments, values.shape[2])), np.zeros((num_segments, 1))
    for second, row in zip(*np.nonzero(overlap), strict=True):
        sums[:, second] += overlap[second, row] * values[:, row]
        covered[second] += overlap[second, row]
    return np.divide(sums, covered, out=np.zeros_like(sums), where=covered > 0)


def _rows_of_seconds(times: np.ndarray, num_segments: int) -> Iterator[slice]:
    """Yield the rows of a score table that lie at least partly in each second."""
    times = np.round(times, 6)  # a boundary at 0.9999999999 s is one at 1 s
    for second in range(num_segments):
        first = max(np.searchsorted(times, second, side="right") - 1, 0)
        yield slice(first, min(np.searchsorted(times, second + 1, side="left"), len(times) - 1))


def _segment_truth(
    events: pd.DataFrame, stretch: str, num_segments: Mapping[str, int], classes: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return {name: (seconds, classes) bool}: which classes have an event in each second of each stretch of audio."""
    truth = {name: np.zeros((count, len(classes)), dtype=bool) for name, count in num_segments.items()}
    column = {label: index for index, label in enumerate(classes)}
    for name, onset, offset, label in events[[stretch, "onset", "offset", "label"]].itertuples(index=False, name=None):
        truth[name][int(np.floor(onset)) : int(np.ceil(offset)), column[label]] = True
    return truth


def _confident(events: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    keep = events["label"].isin(list(classes)) & (events["confidence"] > SOFT_THRESHOLD)
    return events[keep & (events["offset"] > events["onset"])][["clip_id", "onset", "offset", "label"]]


def _num_segments(duration: float) -> int:
    # Rounded first: 10.000000000000002 s, a sum of floats, is 10 segments.
    return int(np.ceil(round(duration, 6)))
