"""Figures as text and bytes, small enough to embed in a notebook, a widget or an HTML page."""

from __future__ import annotations

import base64
import html
import io

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

#: Of 255, in any channel.
MOST_MOVED = 8


def figure_to_png(figure: Figure, *, dpi: float | None = None) -> bytes:
    """Return ``figure`` as a PNG file, about a third of the size of matplotlib's own where a palette will do.

    No dot moves by more than `MOST_MOVED`, which the eye does not see.
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
    return encode(pixels)


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


def encode(pixels: np.ndarray) -> bytes:
    """Return ``pixels`` (height, width, 3) uint8 as a PNG file that shows each of them within `MOST_MOVED`.

    With a palette of 256 colours where one will do, which is a third of the size; otherwise with all its colours.
    """
    packed = (pixels.astype(np.uint32) << np.array([16, 8, 0], dtype=np.uint32)).sum(axis=-1, dtype=np.uint32)
    values, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colours = np.stack([values >> 16, values >> 8 & 255, values & 255], axis=1).astype(np.int16)
    kept = _palette(colours[np.argsort(-counts, kind="stable")])
    if kept is None:
        image = Image.fromarray(pixels)
    else:
        nearest = np.empty(len(values), dtype=np.uint8)
        for start in range(0, len(values), 4096):
            nearest[start : start + 4096] = _distance(colours[start : start + 4096, None], kept[None]).argmin(axis=1)
        image = Image.fromarray(nearest[inverse].reshape(pixels.shape[:2]), mode="P")
        image.putpalette(kept.astype(np.uint8).tobytes())
    file = io.BytesIO()
    image.save(file, format="png")  # optimize=True would take four times as long and save a fiftieth
    return file.getvalue()


def _palette(colours: np.ndarray) -> np.ndarray | None:
    """Return at most 256 of ``colours`` (n, 3), the commonest first, so that each has one nearby; None: too few.

    Areas keep their own colour, as areas are common; what moves are shades at the edges of letters and lines. Counting
    alone would not do: a bar of colour with 64 steps has few dots of each, fewer than some shade of grey between two
    letters, and would lose them.
    """
    for tolerance in range(0, MOST_MOVED + 1, 2):
        kept = np.empty((256, 3), dtype=np.int16)
        size = 0
        for colour in colours:
            if size and _distance(kept[:size], colour).min() <= tolerance:
                continue
            if size == len(kept):
                break
            kept[size] = colour
            size += 1
        else:
            return kept[:size]
    return None


def _distance(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how far colours (..., 3) lie apart in the channel in which they differ most."""
    return np.abs(some - others).max(axis=-1)


def image_element(png: bytes, told: str) -> str:
    """Return a PNG file as an image of HTML, which has a text for those who do not see it; Image widgets have none."""
    data = base64.b64encode(png).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{html.escape(told)}" style="max-width:100%">'
