"""Passages of a recording, scored one by one in any order: each as it would be scored with the whole.

A recording of hours need not be heard to its end before its first minute is looked at.

Shape letters: N samples at 16 kHz, T frames, C classes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from sedlab.data.audio_stream import AudioStream, open_audio
from sedlab.grid import CLIP_SAMPLES, SAMPLE_RATE
from sedlab.inference.evaluating import evaluating
from sedlab.inference.predictor import Predictor
from sedlab.inference.recording import RecordingScores
from sedlab.inference.windows import WindowGrid

#: Frames beside a passage that its median filter sees: half of the longest.
_MARGIN_FRAMES = 32


class DecodedRecording:
    """A sound file of which any part can be read, at 16 kHz; it is decoded as far as somebody has asked.

    Raises
    ------
    SedlabError
        For a file that cannot be read (`open_audio`).
    """

    def __init__(self, path: str | Path) -> None:
        self.audio: AudioStream = open_audio(path)
        self._blocks: Iterator[np.ndarray] = self.audio.blocks()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (it lives as long as this)
        self._length = 0

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return the samples from ``start`` to before ``stop``, as many as there are, float32."""
        while self._length < stop and (block := next(self._blocks, None)) is not None:
            self._file.seek(0, 2)
            self._file.write(np.ascontiguousarray(block, dtype=np.float32).tobytes())
            self._length += len(block)
        stop = min(stop, self._length)
        self._file.seek(4 * start)
        return np.frombuffer(self._file.read(4 * max(0, stop - start)), dtype=np.float32)


class Passages:
    """What a network says of a recording, window by window; what was heard once is remembered.

    Parameters
    ----------
    predictor : Predictor
    audio : AudioStream
        The recording: how long it is, and where its sound ends.
    """

    def __init__(self, predictor: Predictor, audio: AudioStream) -> None:
        self.predictor = predictor
        network = predictor.network
        self._sound_samples = audio.num_sound_samples
        self._num_frames = network.num_frames(audio.num_samples)
        self._sound_frames = network.num_frames(self._sound_samples) if self._sound_samples else 0
        self._grid = WindowGrid(network.frame_samples, network.num_frames(CLIP_SAMPLES))
        self._windows: dict[int, np.ndarray] = {}

    @property
    def frame_seconds(self) -> float:
        """Seconds of a frame."""
        return self.predictor.network.frame_samples / SAMPLE_RATE

    def missing(self, start: float, stop: float) -> list[int]:
        """Return the windows that have to be heard for the passage from ``start`` to ``stop`` (s)."""
        covering = self._covering(*self._with_margin(*self._frames(start, stop)))
        return [window for window in covering if window not in self._windows]

    def hear(self, window: int, recording: DecodedRecording) -> None:
        """Score one window."""
        start = window * self._grid.hop_frames * self._grid.frame_samples
        samples = recording.read(start, min(start + CLIP_SAMPLES, self._sound_samples))
        padded = np.zeros(CLIP_SAMPLES, dtype=np.float32)
        padded[: len(samples)] = samples
        network = self.predictor.network
        with evaluating(network):
            waveform = torch.from_numpy(padded)[None].to(self.predictor.device)
            self._windows[window] = network.window_probabilities(waveform).float().cpu().numpy()[0]

    def scores(self, start: float, stop: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what was heard of a passage: scores and median filtered scores (T, C), boundaries (T + 1,).

        Boundaries are seconds from ``start``; the first and last frame may reach beyond the passage and are cut there.
        Windows that are `missing` say 0.
        """
        first, last = self._frames(start, stop)
        begin, end = self._with_margin(first, last)
        raw = self._assembled(begin, end)
        sounding = max(0, min(end, self._sound_frames) - begin)
        whole = RecordingScores(
            raw, self.predictor.classes, np.arange(len(raw) + 1) * self.frame_seconds, 0.0, 0.0, sounding
        )
        filtered = whole.median_filtered() if sounding else replace(whole)
        part = slice(first - begin, last - begin)
        times = np.clip(np.arange(first, last + 1) * self.frame_seconds - start, 0, stop - start)
        return raw[part], filtered.probabilities[part], times

    def _frames(self, start: float, stop: float) -> tuple[int, int]:
        first = int(start / self.frame_seconds + 1e-6)
        return first, max(first + 1, min(self._num_frames, int(np.ceil(stop / self.frame_seconds - 1e-6))))

    def _with_margin(self, first: int, last: int) -> tuple[int, int]:
        return max(0, first - _MARGIN_FRAMES), min(self._num_frames, last + _MARGIN_FRAMES)

    def _covering(self, first: int, last: int) -> range:
        """Return the windows that say something of the frames from ``first`` to before ``last``."""
        if not self._sound_frames:
            return range(0)
        hop, size = self._grid.hop_frames, self._grid.window_frames
        count = self._grid.num_windows(self._sound_frames)
        return range(max(0, (first - size) // hop + 1), min(count, -(-last // hop)))

    def _assembled(self, first: int, last: int) -> np.ndarray:
        """Return the scores of frames as `Predictor.predict_stream` joins them from windows."""
        scores = np.zeros((last - first, len(self.predictor.classes)), dtype=np.float32)
        covering = self._covering(first, last)
        if not len(covering):
            return scores
        begin = covering[0] * self._grid.hop_frames
        joined = np.zeros((max(last - begin, self._grid.window_frames), scores.shape[1]), dtype=np.float32)
        for place, window in enumerate(covering):
            if place * self._grid.hop_frames >= len(joined):
                break
            heard = self._windows.get(window)
            if heard is not None:
                self._grid.add(joined, place, heard)
        return joined[first - begin : last - begin]
