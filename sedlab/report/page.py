"""Fills the templates of a self-contained page: it loads nothing, so it can be mailed, and opened in ten years."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from sedlab.grid import SAMPLE_RATE
from sedlab.views.figures.clips.clip import ClipView, view_figure
from sedlab.views.figures.embed import figure_to_png_base64, figure_to_svg
from sedlab.views.player.sound import mp3_base64

MISSING = "–"


def render(template: str, **values: Any) -> Markup:
    """Return a template of this room as HTML; text among the values is escaped."""
    return Markup(_ENVIRONMENT.get_template(f"{template}.html.j2").render(values))


def link(text: str, target: str) -> Markup:
    """Return a link, for a cell of a table; ``target`` is relative to the page."""
    return Markup('<a href="{}">{}</a>').format(target, text)


def _anchor(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _svg(figure: Figure, caption: str) -> Markup:
    """Return a line or bar figure as SVG: small, sharp, its text can be searched.

    Its ids are such that no other figure on the page has, and it bears the caption for those who cannot see it.
    """
    prefix = _anchor(caption)[:40] + "-"
    svg = re.sub(r'\bid="', f'id="{prefix}', figure_to_svg(figure))
    svg = svg.replace("url(#", f"url(#{prefix}").replace('xlink:href="#', f'xlink:href="#{prefix}')
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{escape(caption)}" ', 1))


def _png(view: ClipView) -> str:
    """Return the picture of a clip, with its spectrogram, in base64."""
    return figure_to_png_base64(view_figure(view))


def _mp3(waveform: np.ndarray) -> str:
    """Return a waveform (N,) in [-1, 1] as an MP3 file in base64."""
    return mp3_base64(waveform, SAMPLE_RATE)


def _word_columns(frame: pd.DataFrame) -> list[bool]:
    """Say of each column whether it holds words, which stand to the left, or numbers."""
    return [is_bool_dtype(frame[name]) or not is_numeric_dtype(frame[name]) for name in frame]


def _cell(value: object, digits: int = 3) -> object:
    """Return what a table shows of a value: numbers with so many digits, a dash where there is none."""
    if value is None or value != value:
        return MISSING
    return f"{value:.{digits}f}" if isinstance(value, float) else value


def _minute(time: str) -> str:
    """Return date and time of an ISO 8601 time, to the minute."""
    return time[:16].replace("T", " ")


_ENVIRONMENT = Environment(
    loader=PackageLoader(__package__), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
)
_ENVIRONMENT.filters.update(
    anchor=_anchor, svg=_svg, png=_png, mp3=_mp3, word_columns=_word_columns, cell=_cell, minute=_minute
)
