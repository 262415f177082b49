"""The predictor: what a person has (files, waveforms of any length) in, frame probabilities and events out.

The network beside it knows tensors only, and windows of 10 s. What holds for every recording:

- Frame k covers the samples [k, k + 1) · ``frame_samples`` at 16 kHz.
- Windows of 10 s begin every 8 s and fade into each other. The last one is padded with zeros, as short training clips
  are. A recording of 10 s is one window, and its scores are exactly those of that clip.
- A recording ends where its sound ends: at the last sample that reaches 2^-16, half a step of 16-bit audio. Windows are
  laid until they cover the frames up to there; they hear zeros after it. Frames beyond the last window, where nothing
  can be heard, get 0. So the digital silence that follows a recording, however long, changes nothing before it.
- Every window is scored as a clip of its own, so nothing depends on how many are scored at once.

Shape letters: B clips, N samples at 16 kHz, T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from sedlab.data.audio_file import resample
from sedlab.data.audio_stream import FirstDecoding, resampled_length, sound_length
from sedlab.data.formats.opening import check_sample_rate
from sedlab.errors import SedlabError
from sedlab.grid import CLIP_SAMPLES, SAMPLE_RATE
from sedlab.inference.cutting import Samples
from sedlab.inference.evaluating import evaluating
from sedlab.inference.half_precision import Autocast, half_precision
from sedlab.inference.recording import EventProposer, RecordingScores
from sedlab.inference.recordings import Source, score_recordings
from sedlab.inference.scored import Scored
from sedlab.models.detector import Detector
from sedlab.models.tagger import FrameTagger
from sedlab.postprocess.decode import Thresholds
from sedlab.progress import Progress, no_progress


class Prediction(NamedTuple):
    """What `Predictor.predict` returns."""

    probabilities: np.ndarray
    """(batch, frames, classes) float32 in [0, 1]; batch 1 for one waveform."""
    frame_times: np.ndarray
    """(frames + 1,) float64: boundaries of the frames in seconds."""


class Predictor:
    """Asks a network about audio of any length; it runs in evaluation mode on the device it is on.

    Parameters
    ----------
    network : Detector or FrameTagger
        Its training mode is as before after every call.
    batch_size : int
        Windows that are scored at once; changes speed and memory, not the result. See `recordings` for which.
    precision : {"32-true", "16-mixed", "bf16-mixed"}
        In which frames are scored on a GPU; whole clips (`tag`), and everything on a CPU, in float32.
    """

    def __init__(self, network: Detector | FrameTagger, *, batch_size: int = 4, precision: str = "32-true"):
        self.network = network
        self.batch_size, self.precision = batch_size, precision
        self._cast: Autocast | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """What the scores stand for, in their order."""
        return self.network.classes

    @property
    def device(self) -> torch.device:
        """Where the network's parameters are."""
        return next(self.network.parameters()).device

    def to(self, device: str | torch.device) -> Predictor:
        """Move the network to ``device``; return self."""
        self.network.to(device)
        self._cast = None
        return self

    def predict(self, waveform: np.ndarray | Tensor) -> Prediction:
        """Return the probabilities of every frame of waveforms at 16 kHz, and the times of the frames.

        Clips of at most 10 s are scored as one batch, padded with zeros to 10 s as training clips are. Longer waveforms
        are scored one by one in overlapping windows.

        ``waveform`` is mono audio in [-1, 1], a float array or Tensor (samples,) or (batch, samples).

        Raises
        ------
        SedlabError
            For a waveform that is empty, not float, not finite, or of another shape.
        """
        batch = torch.atleast_2d(_checked(waveform))
        num_samples = batch.shape[1]
        if num_samples <= CLIP_SAMPLES:
            windows = self._window_probabilities(self._padded(batch)).float().cpu().numpy()
            probabilities = windows[:, : self.network.num_frames(num_samples)]
        else:
            probabilities = np.stack([self._predict_waveform(row.cpu().numpy()).probabilities for row in batch])
        return Prediction(probabilities, self._frame_times(probabilities.shape[1]))

    def tag(self, waveform: np.ndarray | Tensor) -> np.ndarray:
        """Return the probability (batch, classes) that each class occurs in clips of at most 10 s at 16 kHz.

        Raises
        ------
        SedlabError
            As `predict`; for longer waveforms; and when the network has no output for whole clips.
        """
        batch = torch.atleast_2d(_checked(waveform))
        if batch.shape[1] > CLIP_SAMPLES:
            raise SedlabError(f"waveform: lasts {batch.shape[1] / SAMPLE_RATE:g} s. Cut it into clips of at most 10 s.")
        with evaluating(self.network):
            return self.network.clip_probabilities(self._padded(batch)).float().cpu().numpy()

    def detect(
        self,
        audio: str | Path | np.ndarray | Tensor,
        *,
        sample_rate: int = SAMPLE_RATE,
        thresholds: Thresholds = 0.5,
        postprocess: Literal["median", "none"] | EventProposer = "median",
        progress: Progress = no_progress,
    ) -> pd.DataFrame:
        """Return the events in a sound file or a waveform of any length, as `RecordingScores.events` does.

        Parameters
        ----------
        audio : path, or (samples,) float array or Tensor
            Any file that libsndfile reads, or mono audio in [-1, 1].
        sample_rate : int
            Of a waveform; a file says its own.
        progress
            Counts seconds.

        Raises
        ------
        SedlabError
            For a file or waveform that cannot be read or is silent, or a class without threshold.
        """
        if isinstance(audio, str | Path):
            scores = self.predict_file(audio, progress=progress)
        else:
            waveform = _checked(audio)
            if waveform.ndim != 1:
                raise SedlabError(f"waveform: has shape {tuple(waveform.shape)}. Give one mono recording (samples,).")
            scores = self._predict_waveform(waveform.cpu().numpy(), sample_rate, progress)
            if not scores.sound_end:
                raise SedlabError("waveform: is silent, no sample reaches 2^-16. Check its scale and source.")
        return scores.events(thresholds=thresholds, postprocess=postprocess)

    def predict_file(self, path: str | Path, *, progress: Progress = no_progress) -> RecordingScores:
        """Score a sound file of any format that libsndfile reads, any sample rate, number of channels and length.

        The file is decoded once, beside the scoring; twice when it sounds again after a minute of silence, or has
        channels that cancel each other, see `cutting`. Scores of a file that turns out to be damaged are thrown away.

        Raises
        ------
        SedlabError
            For a file that cannot be read, is damaged, holds no samples, or is silent.
        """
        (scores,) = self.predict_files([path], progress=lambda _: progress)
        if isinstance(scores, Exception):
            raise scores
        return scores

    def predict_files(
        self, paths: Sequence[str | Path], *, progress: Callable[[int], Progress] = lambda _: no_progress
    ) -> Iterator[RecordingScores | Exception]:
        """Yield what `predict_file` returns, or raises, for one sound file after another; the next is read meanwhile.

        ``progress`` gives the function that counts the seconds of a file, by its place.
        """
        decoded: dict[int, FirstDecoding] = {}

        def source(place: int, path: str | Path) -> Source:
            def open_recording() -> FirstDecoding:
                file = decoded[place] = FirstDecoding(path)
                return file

            def tell(done: int, total: int) -> None:
                duration = decoded[place].expected_samples / SAMPLE_RATE
                progress(place)(duration * done / total, duration, "seconds")

            return open_recording, tell

        for place, scored in enumerate(self._scored(source(*item) for item in enumerate(paths))):
            file = decoded.pop(place, None)
            if scored.error is not None:
                yield scored.error
            else:
                yield self._recording_scores(scored, duration=file.found.duration, sound_end=file.found.sound_end)

    def predict_stream(
        self,
        blocks: Iterable[np.ndarray],
        *,
        num_samples: int,
        sound_samples: int | None = None,
        progress: Progress = no_progress,
    ) -> RecordingScores:
        """Score a recording that comes in blocks; memory holds ``batch_size`` windows and the scores.

        Parameters
        ----------
        blocks : iterable of (samples,) float32 arrays
            Consecutive parts of a mono recording at 16 kHz, of any length. Not read beyond the end of the sound.
        num_samples : int
            Samples of the whole recording.
        sound_samples : int, optional
            Samples up to the end of its sound; what follows is taken as silence. Default: all.
        """
        sound_samples = num_samples if sound_samples is None else sound_samples
        duration = num_samples / SAMPLE_RATE

        def tell(done: int, total: int) -> None:
            progress(duration * done / total, duration, "seconds")

        (scored,) = self._scored([(lambda: Samples(blocks, num_samples, sound_samples), tell)])
        if scored.error is not None:
            raise scored.error
        return self._recording_scores(scored, duration=duration, sound_end=sound_samples / SAMPLE_RATE)

    def _scored(self, sources: Iterable[Source]) -> Iterator[Scored]:
        options = {"batch_size": self.batch_size, "together": self.device.type == "cuda"}
        return score_recordings(sources, self.network, self._window_probabilities, **options)

    def _window_probabilities(self, waveform: Tensor) -> Tensor:
        """Return probabilities (B, T, C) of windows (B, N), in the precision that was chosen; front-ends in float32."""
        if self._cast is None:
            self._cast = Autocast(half_precision(self.precision, self.device), self.device)
        # Here, not around the batches of a recording: between them the caller may do what he likes.
        with evaluating(self.network):
            features = self.network.features(waveform)
            return self._cast(lambda: (self.network.frame_probabilities(features),))[0]

    def _recording_scores(self, scored: Scored, *, duration: float, sound_end: float) -> RecordingScores:
        return RecordingScores(
            probabilities=scored.probabilities,
            classes=self.classes,
            frame_times=self._frame_times(len(scored.probabilities)),
            duration=duration,
            sound_end=sound_end,
            num_sound_frames=scored.num_sound_frames,
        )

    def _padded(self, batch: Tensor) -> Tensor:
        """Return ``batch`` (B, N) on the network's device, with zeros up to 10 s."""
        return F.pad(batch.to(self.device), (0, CLIP_SAMPLES - batch.shape[1]))

    def _predict_waveform(
        self, waveform: np.ndarray, sample_rate: int = SAMPLE_RATE, progress: Progress = no_progress
    ) -> RecordingScores:
        check_sample_rate(sample_rate, "waveform")
        return self.predict_stream(
            [resample(waveform, sample_rate, SAMPLE_RATE)],
            num_samples=resampled_length(len(waveform), sample_rate),
            sound_samples=resampled_length(sound_length(waveform), sample_rate),
            progress=progress,
        )

    def _frame_times(self, num_frames: int) -> np.ndarray:
        """Return the boundaries (num_frames + 1,) of the first frames in seconds, float64."""
        return np.arange(num_frames + 1) * (self.network.frame_samples / SAMPLE_RATE)


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
