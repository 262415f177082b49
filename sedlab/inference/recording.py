"""What a network says about a recording, and the events that follow from it.

Shape letters: T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.grid import AUDIOSET_FRAME_SECONDS
from sedlab.postprocess.decode import Thresholds, detect_events, threshold_row
from sedlab.postprocess.median import median_filter, suitable_lengths

#: Turns probabilities (T, C), classes and frame boundaries (T + 1,) into a table of candidate events (onset, offset,
#: label, confidence).
EventProposer = Callable[[np.ndarray, Sequence[str], np.ndarray], pd.DataFrame]

#: For classes of AudioSet; the length with which PretrainedSED is scored, in frames of 40 ms (arXiv 2409.09546).
AUDIOSET_MEDIAN_FRAMES = 9


@dataclass(frozen=True, eq=False)
class RecordingScores:
    """What a network says about every frame of one recording."""

    probabilities: np.ndarray
    """(frames, classes) float32."""
    classes: tuple[str, ...]
    frame_times: np.ndarray
    """(frames + 1,) boundaries in seconds, float64; the last may lie a fraction of a frame after the end."""
    duration: float
    """Seconds."""
    sound_end: float
    """Seconds up to the last sample that is not digital silence."""
    num_sound_frames: int
    """Frames up to there."""

    def events(
        self, *, thresholds: Thresholds = 0.5, postprocess: Literal["median", "none"] | EventProposer = "median"
    ) -> pd.DataFrame:
        """Return the events of the recording up to the end of its sound.

        Parameters
        ----------
        thresholds : float, or one per class (by name or in the order of ``classes``)
        postprocess : {"median", "none"} or callable
            "median" filters the scores with the published length of each class (9 frames where classes have none); a
            recording shorter than a filter is filtered with the greatest odd length it has. A callable such as
            tuned cSEBBs proposes events, of which those more confident than their class's threshold remain.

        Returns
        -------
        DataFrame
            onset, offset (seconds), label, confidence; by onset, then in the order of ``classes``.

        Raises
        ------
        SedlabError
            For a class without threshold, or an unknown name of a post-processing.
        """
        probabilities = self.probabilities[: self.num_sound_frames]
        boundaries = np.minimum(self.frame_times[: self.num_sound_frames + 1], self.sound_end)
        if callable(postprocess):
            return _confident(postprocess(probabilities, self.classes, boundaries), self.classes, thresholds)
        if postprocess == "median":
            probabilities = self.median_filtered().probabilities[: self.num_sound_frames]
        elif postprocess != "none":
            raise SedlabError(f"unknown post-processing {postprocess!r}. Choose median or none, or give a function.")
        return detect_events(probabilities, self.classes, boundaries, thresholds)

    def median_filtered(self) -> RecordingScores:
        """Return the scores after the median filter of `events`; silence after the sound keeps its 0."""
        sound = self.probabilities[: self.num_sound_frames]
        frame_seconds = float(self.frame_times[-1] - self.frame_times[0]) / max(1, len(self.frame_times) - 1)
        filtered = median_filter(sound, _median_lengths(self.classes, len(sound), frame_seconds))
        rest = self.probabilities[self.num_sound_frames :]
        return replace(self, probabilities=np.concatenate((filtered, rest)))


def _median_lengths(classes: Sequence[str], num_frames: int, frame_seconds: float) -> np.ndarray:
    """Return lengths in frames: all the same for networks of AudioSet's classes, by class for detectors."""
    if round(frame_seconds, 3) == AUDIOSET_FRAME_SECONDS:
        lengths = [AUDIOSET_MEDIAN_FRAMES] * len(classes)
    else:
        lengths = suitable_lengths(classes)
    longest = num_frames if num_frames % 2 else num_frames - 1
    return np.minimum(lengths, longest)


def _confident(events: pd.DataFrame, classes: Sequence[str], thresholds: Thresholds) -> pd.DataFrame:
    """Return the events above the threshold of their class, by onset, then in the order of ``classes``."""
    rank = pd.Index(classes).get_indexer(events["label"])
    kept = events["confidence"].to_numpy() > threshold_row(thresholds, classes)[rank]
    order = np.lexsort((rank, events["onset"]))
    return events.iloc[order[kept[order]]].reset_index(drop=True)
