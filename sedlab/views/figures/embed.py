"""Figures as text and bytes, small enough to embed in a notebook, a widget or an HTML page."""

from __future__ import annotations

import base64
import io

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image


def figure_to_png(figure: Figure, *, dpi: float | None = None) -> bytes:
    """Return ``figure`` as a PNG file with a palette: about a third of the size of matplotlib's own file.

    ``dpi`` None: the figure's own dots per inch.
    """
    original = figure.dpi
    figure.set_dpi(dpi or original)
    try:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        pixels = np.array(canvas.buffer_rgba())[..., :3]
    finally:
        figure.set_dpi(original)
    file = io.BytesIO()
    _with_palette(pixels).save(file, format="png", optimize=True)
    return file.getvalue()


def figure_to_png_base64(figure: Figure, *, dpi: float | None = None) -> str:
    """Return ``figure`` as base64 text of a PNG file, ready for ``src="data:image/png;base64,..."``."""
    return base64.b64encode(figure_to_png(figure, dpi=dpi)).decode("ascii")


def figure_to_svg(figure: Figure) -> str:
    """Return ``figure`` as an ``<svg>`` element (no XML header) for an HTML page.

    Text stays text, so it can be searched and is small; the same figure gives the same bytes every time.
    """
    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "sedlab"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]


def _with_palette(pixels: np.ndarray) -> Image.Image:
    """Return ``pixels`` (height, width, 3) uint8 as an image of their 256 commonest colours.

    Generic quantisers mix new colours and tint black text next to a spectrogram; the house colour maps have 64 steps
    each, so a figure's own commonest colours are all it needs, and only rare edge tones move to a neighbour.
    """
    height, width, _ = pixels.shape
    packed = (pixels.astype(np.uint32) << np.array([16, 8, 0], dtype=np.uint32)).sum(axis=-1, dtype=np.uint32)
    values, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colours = np.stack([values >> 16, values >> 8 & 255, values & 255], axis=1).astype(np.int32)
    kept = np.sort(np.argsort(-counts, kind="stable")[:256])
    nearest = np.empty(len(values), dtype=np.uint8)
    for start in range(0, len(values), 4096):
        difference = colours[start : start + 4096, None, :] - colours[None, kept, :]
        nearest[start : start + 4096] = (difference**2).sum(axis=-1).argmin(axis=1)
    image = Image.fromarray(nearest[inverse].reshape(height, width), mode="P")
    image.putpalette(colours[kept].astype(np.uint8).tobytes())
    return image
