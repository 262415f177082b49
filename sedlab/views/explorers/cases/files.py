"""Buttons that save cases as a table, and the matrix in which they were counted as a picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import ipywidgets as widgets
import pandas as pd

from sedlab.views.explorers.cases.case_list import button
from sedlab.views.explorers.cases.matrix import MatrixView
from sedlab.views.figures.embed import figure_to_png, figure_to_svg


def file_buttons(
    matrix: MatrixView,
    run: Callable[[Callable[[], None]], None],
    *,
    cases: Callable[[], pd.DataFrame],
    words: Callable[[], Sequence[str]],
) -> list[widgets.Button]:
    """Return the buttons; the browser that shows ``matrix`` saves the files.

    ``run`` is `Panel.run` of the explorer, ``cases`` returns those to save, ``words`` what the files are named by.
    """

    def save(suffix: str, mime: str, contents: Callable[[], bytes]) -> None:
        # The table is of all cells, the cases are those of the open one.
        cell = matrix.cell if suffix == "tsv" else []
        matrix.offer(_file_name([*words(), *cell], suffix), mime, contents())

    kinds = {
        "Save cases (TSV)": ("tsv", "text/tab-separated-values", lambda: _as_tsv(cases())),
        "Save table (PNG)": ("png", "image/png", lambda: figure_to_png(matrix.figure())),
        "Save table (SVG)": ("svg", "image/svg+xml", lambda: figure_to_svg(matrix.figure()).encode()),
    }
    buttons = [button(text) for text in kinds]
    for one, kind in zip(buttons, kinds.values(), strict=True):
        one.on_click(lambda _, kind=kind: run(lambda: save(*kind)))
    return buttons


def _as_tsv(cases: pd.DataFrame) -> bytes:
    return cases.to_csv(sep="\t", index=False, lineterminator="\n").encode()


def _file_name(words: Sequence[str], suffix: str) -> str:
    return f"{re.sub(r'[^0-9A-Za-z]+', '_', ' '.join(words)).strip('_')}.{suffix}"
