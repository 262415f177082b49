from __future__ import annotations

import base64
import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from sedlab.views.figures.clips.clip import clip_figure
from sedlab.views.figures.embed import figure_to_png, figure_to_png_base64, figure_to_svg
from sedlab.views.figures.frame import label_axes, new_figure


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def _line_figure():
    figure = new_figure(4, 3)
    ax = label_axes(figure.subplots(), title="A line", x="Time (s)", y="Level (dB)")
    ax.plot([0, 1], [0, 1], color="#0072B2")
    return figure


def test_palette_keeps_common_colours_exactly_and_others_nearly(waveform, events):
    figure = clip_figure(waveform, events=events, scores=np.linspace(0, 1, 156)[:, None], classes=["Dog"])

    png = figure_to_png(figure)

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    original = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    difference = np.abs(_pixels(png).astype(int) - original).max(axis=-1)
    assert (difference == 0).mean() > 0.95
    assert difference.mean() < 0.5
    assert Image.open(io.BytesIO(png)).mode == "P"


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
