"""A sound that a notebook and a page can hold: as MP3, which every browser plays and which is a sixth of WAV."""

from __future__ import annotations

import base64
import html
import io

import numpy as np
import soundfile

from sedlab.grid import SAMPLE_RATE


class Sound:
    """A waveform (N,) in [-1, 1] that shows itself in a notebook as something to press and hear.

    ``title`` is written above it. Louder samples are clipped.
    """

    def __init__(self, waveform: np.ndarray, sample_rate: int = SAMPLE_RATE, *, title: str = "") -> None:
        self._waveform, self._sample_rate, self._title = np.asarray(waveform).ravel(), sample_rate, title

    def __repr__(self) -> str:
        return f"Sound({self._waveform.size / self._sample_rate:.1f} s)"

    def _repr_html_(self) -> str:
        title = f"<div>{html.escape(self._title)}</div>" if self._title else ""
        return title + audio_element(self._waveform, self._sample_rate)


def audio_element(waveform: np.ndarray, sample_rate: int) -> str:
    """Return the HTML element that plays a waveform (N,) in [-1, 1]."""
    source = f"data:audio/mpeg;base64,{mp3_base64(waveform, sample_rate)}"
    return f'<audio controls src="{source}"></audio>'


def mp3_base64(waveform: np.ndarray, sample_rate: int) -> str:
    """Return a waveform (N,) in [-1, 1] as an MP3 file in base64."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(np.asarray(waveform, dtype=np.float32), -1, 1), sample_rate, format="MP3")
    return base64.b64encode(file.getvalue()).decode("ascii")


def wav_bytes(waveform: np.ndarray, sample_rate: int) -> bytes:
    """Return ``waveform`` (samples,) in [-1, 1] as a 16-bit mono WAV file; louder samples are clipped."""
    samples = np.asarray(waveform, dtype=np.float32)
    if samples.size == 0:
        return b""
    file = io.BytesIO()
    soundfile.write(file, np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16), sample_rate, format="WAV")
    return file.getvalue()
