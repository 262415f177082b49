"""The pieces of a self-contained HTML page: it loads nothing, so it can be mailed, and opened in ten years."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from sedlab.grid import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

MISSING = "–"


def page(title: str, head: str, sections: Sequence[tuple[str, str]]) -> str:
    """Return a whole page: ``head`` under the title, then a linked section for each (heading, HTML)."""
    style = (files(__package__) / "report.css").read_text(encoding="utf-8")
    links = " ".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name, _ in sections)
    body = "\n".join(
        f'<section id="{_anchor(name)}">\n<h2>{escape(name)}</h2>\n{html}\n</section>' for name, html in sections
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{head}
<nav>{links}</nav>
{body}
</body>
</html>
"""


def paragraph(text: str, *, kind: str = "") -> str:
    """Return plain text as a paragraph; ``kind`` is "", "quiet" or "missing"."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def numbers(values: Mapping[str, str]) -> str:
    """Return a row of key numbers, {caption: number}."""
    boxes = "".join(f"<div><b>{escape(value)}</b>{escape(name)}</div>" for name, value in values.items())
    return f'<div class="numbers">{boxes}</div>'


def table(frame: pd.DataFrame, *, digits: int = 3, strong: Sequence[bool] = ()) -> str:
    """Return a table: words to the left, numbers to the right with ``digits``, ``strong`` rows in bold, "–" for nan.

    Cells that are already HTML (`Html`) are kept as they are.
    """
    words = [not _is_number(frame[column]) for column in frame]
    heads = "".join(_cell("th", str(column), word) for column, word in zip(frame, words, strict=True))
    rows = []
    for place, row in enumerate(frame.itertuples(index=False, name=None)):
        cells = "".join(_cell("td", value, word, digits) for value, word in zip(row, words, strict=True))
        rows.append(
            f'<tr class="strong">{cells}</tr>' if place < len(strong) and strong[place] else f"<tr>{cells}</tr>"
        )
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def drawing(figure: Figure, caption: str) -> str:
    """Return a line or bar figure as SVG: small, sharp, its text can be searched."""
    from sedlab.views.figures.embed import figure_to_svg

    return _figure(_scoped(figure_to_svg(figure), caption), caption)


def picture(figure: Figure, caption: str, *, after: str = "") -> str:
    """Return a figure with images in it, such as spectrograms, as PNG; ``after`` is HTML below its caption."""
    from sedlab.views.figures.embed import figure_to_png_base64

    image = f'<img alt="{escape(caption, quote=True)}" src="data:image/png;base64,{figure_to_png_base64(figure)}">'
    return _figure(image, caption, after)


def audio(waveform: np.ndarray, sample_rate: int = SAMPLE_RATE) -> str:
    """Return a player for a waveform (N,) in [-1, 1]; MP3, because every browser plays it and it is a sixth of WAV."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, waveform, sample_rate, format="MP3")
    content = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<audio controls preload="none" src="data:audio/mpeg;base64,{content}"></audio>'


def folded(summary: str, html: str) -> str:
    """Return HTML that opens at a press."""
    return f"<details><summary>{escape(summary)}</summary>\n{html}\n</details>"


def preformatted(text: str) -> str:
    """Return text in a fixed-width block."""
    return f"<pre>{escape(text)}</pre>"


class Html(str):
    """A table cell that is HTML already."""


def link(text: str, target: str) -> Html:
    """Return a link to a path relative to the page."""
    return Html(f'<a href="{escape(target, quote=True)}">{escape(text)}</a>')


def _figure(content: str, caption: str, after: str = "") -> str:
    return f'<figure><div class="plot">{content}</div><figcaption>{escape(caption)}</figcaption>{after}</figure>'


def _scoped(svg: str, caption: str) -> str:
    """Return ``svg`` with ids that no other figure on the page has, and the caption for those who cannot see it."""
    prefix = _anchor(caption)[:40] + "-"
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r"url\(#", f"url(#{prefix}", svg)
    svg = re.sub(r'xlink:href="#', f'xlink:href="#{prefix}', svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(caption, quote=True)}" ', 1)


def _cell(tag: str, value: object, is_word: bool, digits: int = 3) -> str:
    kind = ' class="text"' if is_word else ""
    return f"<{tag}{kind}>{_text(value, digits)}</{tag}>"


def _text(value: object, digits: int) -> str:
    if isinstance(value, Html):
        return str(value)
    if value is None or value != value:
        return MISSING
    return f"{value:.{digits}f}" if isinstance(value, float) else escape(str(value))


def _is_number(column: pd.Series) -> bool:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return is_numeric_dtype(column) and not is_bool_dtype(column)


def _anchor(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
