"""Log-mel spectrograms for the eye.

These are not the features of any model (``sedlab.audio`` has those): one plain log-mel for every picture, in numpy, so
that a clip looks the same whichever model scored it.

Shape letters: N samples, F mel bands, T frames.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from sedlab.grid import SAMPLE_RATE
from sedlab.views.figures import frame, marks, style

NUM_MELS = 96
WINDOW = 1024
HOP = 256
DYNAMIC_RANGE_DB = 70.0
_TICKS_HZ = (125, 500, 1000, 2000, 4000, 8000)


def log_mel(waveform: np.ndarray, sample_rate: int = SAMPLE_RATE, *, num_mels: int = NUM_MELS) -> np.ndarray:
    """Return the log-mel spectrogram (F, T) of ``waveform`` (N,) in dB below its loudest cell, cut at -70 dB.

    Frames are centred: at 16 kHz, frame t looks at 64 ms around second ``0.016 * t``; at other rates it is as long.
    """
    hop = max(1, round(HOP / SAMPLE_RATE * sample_rate))
    padded = np.pad(np.asarray(waveform, dtype=np.float32), WINDOW // 2)
    return relative_decibel(mel_power(padded, sample_rate, num_mels=num_mels, hop=hop))


def mel_power(samples: np.ndarray, sample_rate: int, *, num_mels: int = NUM_MELS, hop: int = HOP) -> np.ndarray:
    """Return the mel power (F, T) of the windows of 1024 samples that start at multiples of ``hop`` samples."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1)) ** 2
    return _mel_filters(sample_rate, num_mels) @ power.T


def relative_decibel(power: np.ndarray) -> np.ndarray:
    """Return ``power`` in dB below its largest value, cut at -70 dB."""
    decibel = 10 * np.log10(np.maximum(power, 1e-10))
    return np.maximum(decibel - decibel.max(), -DYNAMIC_RANGE_DB).astype(np.float32)


def draw_spectrogram(
    ax: Axes,
    waveform: np.ndarray,
    sample_rate: int = SAMPLE_RATE,
    *,
    num_mels: int = NUM_MELS,
    silence: str = "",
) -> AxesImage | None:
    """Draw the log-mel of ``waveform`` (N,) on ``ax``: time in seconds, frequency in kHz.

    In the place of an empty waveform stands why it is empty, ``silence``.
    """
    frame.label_axes(ax, x="Time (s)", y="Frequency (kHz)")
    waveform = np.asarray(waveform)
    if waveform.size == 0:
        frame.say_empty(ax, silence or "no audio")
        return None
    image = log_mel(waveform, sample_rate, num_mels=num_mels)
    return draw_log_mel(ax, image, (0, waveform.size / sample_rate), sample_rate)


def draw_log_mel(ax: Axes, image: np.ndarray, span: tuple[float, float], sample_rate: int = SAMPLE_RATE) -> AxesImage:
    """Draw ``image`` (F, T), dB below the loudest cell, on ``ax`` from ``span[0]`` to ``span[1]`` seconds."""
    num_mels = len(image)
    options = {"origin": "lower", "interpolation": "bilinear", "interpolation_stage": "data"}
    limits, extent = (-DYNAMIC_RANGE_DB, 0), (*span, 0, num_mels)
    drawn = marks.image(ax, image, style.SPECTROGRAM_CMAP, limits, extent, **options)
    ticks = [hz for hz in _TICKS_HZ if hz <= sample_rate / 2]
    places = [_hz_to_mel(hz) / _hz_to_mel(sample_rate / 2) * num_mels for hz in ticks]
    ax.set_yticks(places, [f"{hz / 1000:g}" for hz in ticks])
    return drawn


def spectrogram_figure(
    waveform: np.ndarray, sample_rate: int = SAMPLE_RATE, *, title: str = "Log-mel spectrogram"
) -> frame.Picture:
    """Return one spectrogram with its colour scale."""
    figure, ax = frame.single(8, 2.8, title=title)
    image = draw_spectrogram(ax, waveform, sample_rate)
    if image is not None:
        marks.colour_bar(image, "Level (dB)", aspect=18)
    return figure


def _hz_to_mel(frequency: float | np.ndarray) -> float | np.ndarray:
    """Return mel of Hz; O'Shaughnessy 1987, the formula of HTK."""
    return 2595.0 * np.log10(1.0 + np.asarray(frequency) / 700.0)


@lru_cache(maxsize=8)
def _mel_filters(sample_rate: int, num_mels: int) -> np.ndarray:
    """Return triangular filters (F, WINDOW // 2 + 1) of equal height, evenly spaced in mel up to half the rate."""
    edges_mel = np.linspace(0, _hz_to_mel(sample_rate / 2), num_mels + 2)
    edges = 700.0 * (10 ** (edges_mel / 2595.0) - 1.0)
    bins = np.fft.rfftfreq(WINDOW, 1 / sample_rate)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    # The lowest bands are narrower than a bin: without a floor on their width they would be black stripes.
    width = sample_rate / WINDOW
    rising = (bins - left) / np.maximum(centre - left, width)
    falling = (right - bins) / np.maximum(right - centre, width)
    rising_floor = 1 - np.abs(bins - centre) / width
    return np.maximum(np.maximum(np.minimum(rising, falling), rising_floor), 0).astype(np.float32)
