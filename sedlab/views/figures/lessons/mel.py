"""Why mel: a clip in plain frequency, the filters that sum it into bands, and the bands.

Shape letters: N samples, F mel bands, K frequency bins.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from sedlab.audio.mel_filters import htk_filters
from sedlab.grid import SAMPLE_RATE
from sedlab.views.figures import frame, marks, style
from sedlab.views.figures.clips.spectrogram import (
    DYNAMIC_RANGE_DB,
    HOP,
    WINDOW,
    draw_spectrogram,
    relative_decibel,
)

#: The picture of the filters has few of them: neighbours overlap by half, and 64 would be a grey wedge.
SHOWN_FILTERS = 16
_TICKS_KHZ = (0, 1, 2, 4, 6, 8)


def mel_figure(
    waveform: np.ndarray, *, num_mels: int = SHOWN_FILTERS, title: str = "From frequencies to mel bands"
) -> frame.Picture:
    """Return a clip (N,) at 16 kHz as plain spectrogram, ``num_mels`` mel filters on the same axis, and its log-mel."""
    waveform = np.asarray(waveform, dtype=np.float32)
    if waveform.size < WINDOW:
        return frame.empty_figure(title, f"The clip has {waveform.size} samples; one window needs {WINDOW}.")
    figure = frame.new_figure(11, 3.6, title=title)
    plain, filters, bands = figure.subplots(1, 3, width_ratios=[1, 0.7, 1])

    frames = np.lib.stride_tricks.sliding_window_view(waveform, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1)).T ** 2
    extent = (0, waveform.size / SAMPLE_RATE, 0, SAMPLE_RATE / 2000)
    limits = (-DYNAMIC_RANGE_DB, 0)
    marks.image(plain, relative_decibel(power), style.SPECTROGRAM_CMAP, limits, extent, origin="lower")
    frame.label_axes(plain, title="Plain: each kHz as high as the next", x="Time (s)", y="Frequency (kHz)")
    plain.set_yticks(_TICKS_KHZ)

    _draw_filters(filters, num_mels)
    draw_spectrogram(bands, waveform)
    bands.set_title("Mel: each band as high as the next", fontsize=style.TITLE_SIZE, loc="left")
    return figure


def filter_widths(num_mels: int = SHOWN_FILTERS) -> np.ndarray:
    """Return the width (F,) in Hz of each of ``num_mels`` bands up to 8 kHz, from half its height to half its height.

    Bands are evenly spaced in mel, m = 2595 log10(1 + f / 700), so each next one is wider (O'Shaughnessy 1987).
    """
    edges = 700.0 * (10.0 ** (np.linspace(0, 2595.0 * np.log10(1 + SAMPLE_RATE / 2 / 700.0), num_mels + 2) / 2595) - 1)
    return (edges[2:] - edges[:-2]) / 2


def _draw_filters(ax: Axes, num_mels: int) -> None:
    """Draw the triangles that sum frequencies into bands, lying on the axis of the plain spectrogram at the left."""
    weights = htk_filters(num_mels, 4 * WINDOW, 0.0, SAMPLE_RATE / 2).numpy()
    frequencies = np.linspace(0, SAMPLE_RATE / 2000, len(weights))
    for band in range(num_mels):
        colour = style.GROUND_TRUTH if band % 2 else style.STUDENT
        ax.plot(weights[:, band], frequencies, color=colour, linewidth=1.2, linestyle="--" if band % 2 else "-")
    lowest, *_, highest = filter_widths(num_mels)
    frame.label_axes(ax, title=f"{num_mels} filters, {lowest:.0f} to {highest:.0f} Hz wide", x="Weight")
    ax.set_ylim(0, SAMPLE_RATE / 2000)
    ax.set_yticks(_TICKS_KHZ)
