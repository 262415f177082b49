from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from sedlab.views.figures.clips.clip import clip_figure
from sedlab.views.figures.embed import MOST_MOVED, encode, figure_to_png, figure_to_png_base64, figure_to_svg
from sedlab.views.figures.frame import label_axes, new_figure
from sedlab.views.figures.marks import colour_bar
from sedlab.views.figures.style import AMOUNT_CMAP


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def _drawn(figure) -> np.ndarray:
    """Return what matplotlib drew last."""
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


def _line_figure():
    figure = new_figure(4, 3)
    ax = label_axes(figure.subplots(), title="A line", x="Time (s)", y="Level (dB)")
    ax.plot([0, 1], [0, 1], color="#0072B2")
    return figure


def test_palette_keeps_common_colours_exactly_and_others_nearly(waveform, events):
    figure = clip_figure(waveform, events=events, scores=np.linspace(0, 1, 156)[:, None], classes=["Dog"])

    png = figure_to_png(figure)

    difference = np.abs(_pixels(png).astype(int) - _drawn(figure)).max(axis=-1)
    assert (difference == 0).mean() > 0.95
    assert difference.mean() < 0.5
    assert Image.open(io.BytesIO(png)).mode == "P"


def test_scales_and_bars_keep_their_colours_however_rare_they_are(rng):
    figure = new_figure(7, 3)
    ax = label_axes(figure.subplots(), title="A scale beside many shades of grey", x="Class", y="Share")
    drawn = ax.imshow([[0.0, 1.0]], cmap=AMOUNT_CMAP, aspect="auto", extent=(0, 2, 0, 2))
    ax.imshow(rng.random((40, 400)), cmap="gray", aspect="auto", extent=(0, 400, 0, 40))
    colour_bar(drawn, "Amount")
    ax.bar([100, 300], 30, width=3, color=["#AA4499", "#4477AA"])

    png = figure_to_png(figure)

    assert np.abs(_pixels(png).astype(int) - _drawn(figure)).max() <= MOST_MOVED
    assert Image.open(io.BytesIO(png)).mode == "P"


def test_more_colours_than_a_palette_can_stand_for_are_all_kept(rng):
    pixels = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)

    assert np.array_equal(_pixels(encode(pixels)), pixels)


def test_resolution_is_for_one_picture_only():
    figure = _line_figure()

    large = figure_to_png(figure, dpi=200)

    assert _pixels(large).shape[:2] == (600, 800)
    assert _pixels(figure_to_png(figure)).shape[:2] == (300, 400)
    assert figure.dpi == 100


def test_base64_is_the_same_picture():
    figure = _line_figure()

    assert base64.b64decode(figure_to_png_base64(figure)) == figure_to_png(figure)


def test_svg_is_an_element_with_text_and_the_same_each_time():
    svg = figure_to_svg(_line_figure())

    assert svg.startswith("<svg")
    assert "Level (dB)" in svg
    assert svg == figure_to_svg(_line_figure())


def test_a_figure_shows_itself_in_a_notebook():
    assert _line_figure()._repr_png_().startswith(b"\x89PNG")
