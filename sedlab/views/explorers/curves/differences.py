"""A table of differences between two systems, what matters first; a row chooses its class, or opens its clips."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator

import ipywidgets as widgets
import pandas as pd

from sedlab.errors import count_of
from sedlab.scoring.names import ALL, class_name
from sedlab.views.kept import KeptWidget

_SURE, _OPEN = "#0072B2", "#8A8A8A"
_WIDTH, _HEIGHT = 150, 18


class DifferenceTable(KeptWidget, widgets.VBox):
    """Rows of `CurveSet.differences`.

    Parameters
    ----------
    choose : function
        Takes the class of the row that was pressed; None for the row over all classes.
    open_clips : function, optional
        Takes a class whose clips are to be listed; without, there is no button for it.
    """

    def __init__(self, choose: Callable[[str | None], None], open_clips: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self._choose, self._open_clips = choose, open_clips
        self.table = pd.DataFrame()
        self._said = ""

    def show(self, table: pd.DataFrame, a: str, b: str, what: str) -> None:
        """Show the differences ``b`` - ``a``; `num_positive` counts ``what``: "event"."""
        self.table = table
        reach = float(table[["low", "high", "difference"]].abs().max(axis=None)) or 1.0
        sure = int(table["certain"].iloc[1:].sum())
        leaving = (
            f"Those of {sure} of {len(table) - 1} classes leave zero out and come first" if sure else "All hold zero"
        )
        self._said = (
            f"<b>{html.escape(b)}</b> less <b>{html.escape(a)}</b>, with 95 % intervals of the difference on the same "
            f"resamples. {leaving}; the largest change is at the top."
        )
        self.children = [widgets.HTML(f"<p>{self._said}</p>"), *(self._row(row, reach, what) for row in _rows(table))]

    def clear(self) -> None:
        """Show nothing."""
        self.table, self._said, self.children = pd.DataFrame(), "", ()

    def still(self) -> Iterator[str]:
        """Give the table."""
        if not self.table.empty:
            lines = "".join(
                f"<tr><td>{html.escape(_name(row.label))}</td><td>{_values(row)}</td><td>{_told(row)}</td></tr>"
                for row in _rows(self.table)
            )
            yield f"{self._said}<table>{lines}</table>"

    def _row(self, row: object, reach: float, what: str) -> widgets.HBox:
        label, name = row.label, _name(row.label)
        button = widgets.Button(
            description=name,
            tooltip=f"Show the curves of {name}",
            layout=widgets.Layout(width="206px", flex="0 0 auto"),
        )
        button.on_click(lambda _: self._choose(None if label == ALL else label))
        bar = _bar(row, reach)
        said = (
            f'<span style="display:inline-block;min-width:104px">{_values(row)}</span>{bar}'
            f"<span>{_told(row)}, {count_of(row.num_positive, what)}</span>"
        )
        parts: list[widgets.Widget] = [button]
        if self._open_clips is not None and label == ALL:
            parts.append(widgets.Box(layout=widgets.Layout(width="60px", flex="0 0 auto")))
        elif self._open_clips is not None:
            clips = widgets.Button(description="clips", tooltip=f"List the clips with {name}", icon="")
            clips.layout = widgets.Layout(width="60px", flex="0 0 auto")
            clips.on_click(lambda _: self._open_clips(label))
            parts.append(clips)
        parts.append(widgets.HTML(said))
        return widgets.HBox(parts, layout=widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="0 8px"))


def _rows(table: pd.DataFrame) -> list:
    return list(table.itertuples(index=False))


def _name(label: str) -> str:
    return "all classes" if label == ALL else class_name(label)


def _values(row: object) -> str:
    return f"{row.a:.3f} → {row.b:.3f}"


def _told(row: object) -> str:
    """Return the difference and its interval; bold where the interval leaves zero out, not by colour alone."""
    text = f"{row.difference:+.3f} [{row.low:+.3f}, {row.high:+.3f}]".replace("-", "−")
    return f"<b>{text}</b>" if row.certain else text


def _bar(row: object, reach: float) -> str:
    """Return a line with the interval and a dot for the difference, around zero in the middle."""
    if not all(pd.notna([row.low, row.high, row.difference])):
        return ""
    middle, half = _WIDTH / 2, _WIDTH / 2 - 6
    low, high, at = (middle + half * value / reach for value in (row.low, row.high, row.difference))
    colour, y = _SURE if row.certain else _OPEN, _HEIGHT / 2
    fill = colour if row.certain else "none"
    said = "the interval leaves zero out" if row.certain else "the interval holds zero"
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{said}" style="vertical-align:middle">'
        f'<line x1="{middle}" x2="{middle}" y1="0" y2="{_HEIGHT}" stroke="#8A8A8A" stroke-width="1"/>'
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{at:.1f}" cy="{y}" r="4" fill="{fill}" stroke="{colour}" stroke-width="2"/></svg> '
    )
