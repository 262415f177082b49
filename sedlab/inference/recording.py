"""Score recordings of any length, in the memory of a few windows, and list the events in them.

What holds for every recording:

- Frame k covers the samples [k, k + 1) · ``frame_samples`` at 16 kHz.
- Windows of 10 s begin every 8 s and fade into each other. The last one is padded with zeros, as short training clips
  are. A recording of 10 s is one window, and its scores are exactly those of that clip.
- A recording ends where its sound ends: at the last sample that reaches 2^-16, half a step of 16-bit audio. Windows are
  laid until they cover the frames up to there; they hear zeros after it. Frames beyond the last window, where nothing
  can be heard, get 0. So the digital silence that follows a recording, however long, changes nothing before it.
- Every window is scored as a clip of its own, so nothing depends on how many are scored at once.

Shape letters: T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import torch

from sedlab.data.audio_stream import open_audio
from sedlab.errors import SedlabError
from sedlab.grid import CLIP_SAMPLES, SAMPLE_RATE
from sedlab.inference.evaluating import clips_stand_alone, evaluating
from sedlab.inference.windows import WindowGrid
from sedlab.labels import MEDIAN_FILTER_FRAMES
from sedlab.postprocess.decode import detect_events, threshold_row
from sedlab.postprocess.median import median_filter, median_lengths

if TYPE_CHECKING:
    from sedlab.inference.predictor import FramePredictor

#: Called with (seconds of audio done, seconds in all).
RecordingProgress = Callable[[float, float], None]
Thresholds = float | Mapping[str, float] | Sequence[float]
#: Turns probabilities (T, C), classes and frame boundaries (T + 1,) into a table of candidate events (onset, offset,
#: label, confidence).
EventProposer = Callable[[np.ndarray, Sequence[str], np.ndarray], pd.DataFrame]
Postprocess = Literal["median", "none"] | EventProposer

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

    def events(self, *, thresholds: Thresholds = 0.5, postprocess: Postprocess = "median") -> pd.DataFrame:
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
        filtered = median_filter(sound, _median_lengths(self.classes, len(sound)))
        rest = self.probabilities[self.num_sound_frames :]
        return replace(self, probabilities=np.concatenate((filtered, rest)))


def predict_file(
    network: FramePredictor,
    path: str | Path,
    *,
    batch_size: int = 4,
    progress: RecordingProgress | None = None,
) -> RecordingScores:
    """Score a sound file of any format that libsndfile reads, any sample rate, number of channels and length.

    The file is decoded twice: once to see that all of it can be read and where its sound ends, then for the network.

    Raises
    ------
    SedlabError
        For a file that cannot be read, is damaged, holds no samples, or is silent.
    """
    audio = open_audio(path)
    if not audio.sound_length:
        raise SedlabError(f"{path}: is silent, no sample reaches 2^-16. Check the recording, or leave it out.")
    scores = predict_stream(
        network,
        audio.blocks(),
        num_samples=audio.num_samples,
        sound_samples=audio.num_sound_samples,
        batch_size=batch_size,
        progress=progress,
    )
    return replace(scores, duration=audio.duration, sound_end=audio.sound_end)


def predict_stream(
    network: FramePredictor,
    blocks: Iterable[np.ndarray],
    *,
    num_samples: int,
    sound_samples: int | None = None,
    batch_size: int = 4,
    progress: RecordingProgress | None = None,
) -> RecordingScores:
    """Score a recording that comes in blocks; memory holds ``batch_size`` windows and the scores.

    Parameters
    ----------
    network : FramePredictor
        Run in evaluation mode on the device it is on.
    blocks : iterable of (samples,) float32 arrays
        Consecutive parts of a mono recording at 16 kHz, of any length. Not read beyond the end of the sound.
    num_samples : int
        Samples of the whole recording.
    sound_samples : int, optional
        Samples up to the end of its sound; what follows is taken as silence. Default: all.
    batch_size : int
        Windows that are scored at once; changes speed and memory, not the result.
    """
    sound_samples = num_samples if sound_samples is None else sound_samples
    sound_frames = network.num_frames(sound_samples)
    grid = WindowGrid(network.frame_samples, network.num_frames(CLIP_SAMPLES))
    num_windows = grid.num_windows(sound_frames)
    windows = grid.cut(_first(blocks, sound_samples), num_windows)
    scores = np.zeros((network.num_frames(num_samples), len(network.classes)), dtype=np.float32)
    duration = num_samples / SAMPLE_RATE
    done = 0
    with evaluating(network), clips_stand_alone(network):
        while batch := list(islice(windows, batch_size)):
            waveform = torch.from_numpy(np.stack(batch)).to(network.device)
            for window in network.window_probabilities(waveform).float().cpu().numpy():
                grid.add(scores, done, window)
                done += 1
            if progress:
                progress(duration * done / num_windows, duration)
    return RecordingScores(
        probabilities=scores,
        classes=network.classes,
        frame_times=network.frame_times(len(scores)),
        duration=duration,
        sound_end=sound_samples / SAMPLE_RATE,
        num_sound_frames=sound_frames,
    )


def _first(blocks: Iterable[np.ndarray], num_samples: int) -> Iterator[np.ndarray]:
    """Yield the first ``num_samples`` samples of ``blocks``; read no block beyond them."""
    blocks = iter(blocks)
    while num_samples > 0 and (block := next(blocks, None)) is not None:
        yield block[:num_samples]
        num_samples -= len(block)


def _median_lengths(classes: Sequence[str], num_frames: int) -> np.ndarray:
    published = all(label in MEDIAN_FILTER_FRAMES for label in classes)
    lengths = median_lengths(classes) if published else [AUDIOSET_MEDIAN_FRAMES] * len(classes)
    longest = num_frames if num_frames % 2 else num_frames - 1
    return np.minimum(lengths, longest)


def _confident(events: pd.DataFrame, classes: Sequence[str], thresholds: Thresholds) -> pd.DataFrame:
    """Return the events above the threshold of their class, by onset, then in the order of ``classes``."""
    rank = pd.Index(classes).get_indexer(events["label"])
    kept = events["confidence"].to_numpy() > threshold_row(thresholds, classes)[rank]
    order = np.lexsort((rank, events["onset"]))
    return events.iloc[order[kept[order]]].reset_index(drop=True)
