"""Frame probabilities and events of any recording: what every network that scores frames can do.

Shape letters: B clips, N samples at 16 kHz, T frames, C classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sedlab.data.audio_file import resample
from sedlab.data.audio_stream import resampled_length, sound_length
from sedlab.errors import SedlabError
from sedlab.grid import CLIP_SAMPLES, SAMPLE_RATE
from sedlab.inference.evaluating import evaluating
from sedlab.inference.recording import (
    Postprocess,
    RecordingProgress,
    RecordingScores,
    Thresholds,
    predict_file,
    predict_stream,
)


class Prediction(NamedTuple):
    """What `FramePredictor.predict` returns."""

    probabilities: np.ndarray
    """(batch, frames, classes) float32 in [0, 1]."""
    frame_times: np.ndarray
    """(frames + 1,) float64: boundaries of the frames in seconds."""


class FramePredictor(nn.Module):
    """Base class of networks that give event probabilities for frames of a 10 s window.

    Attributes
    ----------
    classes : tuple of str
        What the scores stand for, in their order.
    frame_samples : int
        Samples of 16 kHz in one output frame.
    """

    classes: tuple[str, ...]
    frame_samples: int

    def window_probabilities(self, waveform: Tensor) -> Tensor:
        """Return probabilities (B, T, C) of clips ``waveform`` (B, N), N at most 10 s, without class mask.

        Each network has its own; this class has none.
        """
        raise NotImplementedError

    def num_frames(self, num_samples: int) -> int:
        """Return how many frames ``num_samples`` samples have; at least one."""
        return max(1, num_samples // self.frame_samples)

    def frame_times(self, num_frames: int) -> np.ndarray:
        """Return the boundaries (num_frames + 1,) of the first frames in seconds, float64."""
        return np.arange(num_frames + 1) * (self.frame_samples / SAMPLE_RATE)

    @property
    def device(self) -> torch.device:
        """Where the network's parameters are."""
        return next(self.parameters()).device

    def predict(self, waveform: np.ndarray | Tensor) -> Prediction:
        """Return the probabilities of every frame of waveforms at 16 kHz, and the times of the frames.

        Clips of at most 10 s are scored as one batch, padded with zeros to 10 s as training clips are. (The published
        features of ATST refer to the loudest cell of a batch, so there a clip's scores depend on its neighbours a
        little.) Longer waveforms are scored one by one in overlapping windows; see `sedlab.inference.recording`.

        Parameters
        ----------
        waveform : (samples,) or (batch, samples) float array or Tensor
            Mono audio in [-1, 1].

        Returns
        -------
        Prediction
            ``probabilities`` (batch, frames, classes), batch 1 for one waveform, and ``frame_times`` (frames + 1,).

        Raises
        ------
        SedlabError
            For a waveform that is empty, not float, not finite, or of another shape.
        """
        batch = _checked(waveform)
        if batch.ndim == 1:
            batch = batch[None]
        num_samples = batch.shape[1]
        if num_samples <= CLIP_SAMPLES:
            probabilities = self._predict_clips(batch)[:, : self.num_frames(num_samples)]
        else:
            probabilities = np.stack([self._predict_recording(row.cpu().numpy()).probabilities for row in batch])
        return Prediction(probabilities, self.frame_times(probabilities.shape[1]))

    def detect(
        self,
        audio: str | Path | np.ndarray | Tensor,
        *,
        sample_rate: int = SAMPLE_RATE,
        thresholds: Thresholds = 0.5,
        postprocess: Postprocess = "median",
        progress: RecordingProgress | None = None,
    ) -> pd.DataFrame:
        """Return the events in a sound file or a waveform of any length.

        Parameters
        ----------
        audio : path, or (samples,) float array or Tensor
            Any file that libsndfile reads, or mono audio in [-1, 1].
        sample_rate : int
            Of a waveform; a file says its own.
        thresholds, postprocess
            As for `RecordingScores.events`.
        progress : callable, optional
            Called with (seconds done, seconds in all).

        Returns
        -------
        DataFrame
            onset, offset (seconds), label, confidence.

        Raises
        ------
        SedlabError
            For a file or waveform that cannot be read or is silent, or a class without threshold.
        """
        if isinstance(audio, str | Path):
            scores = predict_file(self, audio, progress=progress)
        else:
            waveform = _checked(audio)
            if waveform.ndim != 1:
                raise SedlabError(f"waveform: has shape {tuple(waveform.shape)}. Give one mono recording (samples,).")
            scores = self._predict_recording(waveform.cpu().numpy(), sample_rate, progress)
            if not scores.sound_end:
                raise SedlabError("waveform: is silent, no sample reaches 2^-16. Check its scale and source.")
        return scores.events(thresholds=thresholds, postprocess=postprocess)

    def _predict_clips(self, batch: Tensor) -> np.ndarray:
        with evaluating(self):
            clips = F.pad(batch.to(self.device), (0, CLIP_SAMPLES - batch.shape[1]))
            return self.window_probabilities(clips).float().cpu().numpy()

    def _predict_recording(
        self, waveform: np.ndarray, sample_rate: int = SAMPLE_RATE, progress: RecordingProgress | None = None
    ) -> RecordingScores:
        return predict_stream(
            self,
            [resample(waveform, sample_rate, SAMPLE_RATE)],
            num_samples=resampled_length(len(waveform), sample_rate),
            sound_samples=resampled_length(sound_length(waveform), sample_rate),
            progress=progress,
        )


def _checked(waveform: np.ndarray | Tensor) -> Tensor:
    """Return ``waveform`` as a float32 Tensor without gradient."""
    if not isinstance(waveform, Tensor):
        # Views such as x[::-1] and memory maps cannot be shared with torch.
        waveform = torch.from_numpy(np.require(waveform, requirements=["C", "W"]))
    waveform = waveform.detach()
    if not waveform.is_floating_point():
        raise SedlabError(f"waveform: is {waveform.dtype}. Give floats in [-1, 1]; 16-bit samples divided by 32768.")
    if waveform.ndim not in (1, 2) or not waveform.numel():
        raise SedlabError(f"waveform: has shape {tuple(waveform.shape)}. Give (samples,) or (batch, samples).")
    if not waveform.isfinite().all():
        raise SedlabError("waveform: holds samples that are not finite numbers. Check where it comes from.")
    return waveform.float()
